"""Folders that the server's account can reach, which pytest's own tmp_path is not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """An empty folder that every account may enter."""
    with tempfile.TemporaryDirectory(prefix="postgregent-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)

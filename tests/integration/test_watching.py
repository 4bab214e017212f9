"""A directory that changes is noticed, whatever becomes of it meanwhile."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.local.watch import changes, signature


class Watched:
    """The signals of one directory."""

    def __init__(self, signals: AsyncIterator[None]) -> None:
        self._signals = signals

    async def signal(self) -> None:
        """The next one."""
        async with asyncio.timeout(120):
            await anext(self._signals)


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    """tmp_path/dir, which is there, after the first signal."""
    (tmp_path / "dir").mkdir()
    signals = changes(tmp_path / "dir")
    one = Watched(signals)
    await one.signal()
    yield one
    await signals.aclose()


async def test_a_new_file_is_a_signal(watched: Watched, tmp_path: Path) -> None:
    """Also one that is written before the watch has begun."""
    (tmp_path / "dir/a.yaml").write_text("a")
    await watched.signal()


async def test_a_directory_that_is_replaced_is_watched_again(
    watched: Watched, tmp_path: Path
) -> None:
    """Gone, back, and changed."""
    (tmp_path / "dir").rename(tmp_path / "old")
    await watched.signal()
    (tmp_path / "dir").mkdir()
    await watched.signal()
    (tmp_path / "dir/a.yaml").write_text("a")
    await watched.signal()


async def test_a_mounted_config_map_that_flips_is_a_signal(
    watched: Watched, tmp_path: Path
) -> None:
    """`a.yaml` leads through `..data`, which is a link that is renamed into place."""
    folder = tmp_path / "dir"
    for version in ("one", "two"):
        (folder / f"..{version}").mkdir()
        (folder / f"..{version}/a.yaml").write_text(version)
    (folder / "..data").symlink_to("..one")
    (folder / "a.yaml").symlink_to("..data/a.yaml")
    await watched.signal()
    before = signature(folder)
    (folder / "..new").symlink_to("..two")
    (folder / "..new").rename(folder / "..data")
    await watched.signal()
    assert signature(folder) != before


def test_only_manifests_that_are_not_hidden_count(tmp_path: Path) -> None:
    """An editor's files and .git change all the time."""
    before = signature(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/a.yaml").write_text("a")
    (tmp_path / "a.yaml.swp").write_text("a")
    assert signature(tmp_path) == before
    shutil.rmtree(tmp_path)
    assert signature(tmp_path) is None

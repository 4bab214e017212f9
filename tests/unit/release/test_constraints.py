"""What constraints.txt pins goes together, extras among it."""

from __future__ import annotations

from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]


@pytest.mark.found("E352")
def test_whatever_is_installed_takes_the_versions_that_are_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pairs = (line.split("#")[0].strip().partition("==") for line in lines)
    pinned = {canonicalize_name(name): version for name, _, version in pairs if version}
    asked = [
        (one.name, Requirement(text)) for one in distributions() for text in one.requires or ()
    ]
    refused = [
        f"{name}: {wanted}, and {version} is pinned"
        for name, wanted in asked
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""})
        if (version := pinned.get(canonicalize_name(wanted.name))) is not None
        if version not in wanted.specifier
    ]
    assert refused == []
    assert "python-dateutil" in pinned

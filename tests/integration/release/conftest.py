"""The files of a release, made once from the tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.release.distributions import ROOT, build_all
from docs.release.images import Reference
from docs.release.version import Version, version_in
from tests.kubernetes_harness.tools import tools
from tests.kubernetes_harness.unavailable import ClusterUnavailable

DIGEST = f"sha256:{'e' * 64}"
IMAGES = {
    name: Reference("ghcr.io", f"somebody/postgregent-{name}", DIGEST)
    for name in ("controller", "regent")
}


@pytest.fixture(scope="session")
def version() -> Version:
    """Ours."""
    return version_in((ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory, version: Version) -> Path:
    """All files, with images that nobody has pushed and a bill of materials that lists nothing."""
    try:
        tools()
    except ClusterUnavailable as reason:
        pytest.skip(f"no cluster: helm is not here: {reason}")
    folder = tmp_path_factory.mktemp("release")
    bill = folder / "bill.json"
    bill.write_text("{}")
    build_all(folder / "dist", version, IMAGES, bill)
    return folder / "dist"


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    """The only one."""
    (found,) = dist.glob("*.whl")
    return found

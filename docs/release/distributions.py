"""All files of a release in one folder, and the checksums of them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from docs.release.chart import package
from docs.release.images import Reference
from docs.release.version import Version
from shared.errors import PostgRegentError

ROOT = Path(__file__).parents[2]
CRDS = ROOT / "charts" / "postgregent" / "files" / "crds"
CHECKSUMS = "SHA256SUMS"


class DistFailed(PostgRegentError):
    """The files of a release could not be made."""


def build_python(root: Path, place: Path) -> None:
    """The sdist and the wheel of a tree; the same tree gives the same bytes."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel"]
    answer = subprocess.run(
        [*command, "-d", str(place)], cwd=root, capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        raise DistFailed(f"hatchling: {answer.stderr.strip()}")


def build_all(
    place: Path,
    version: Version,
    images: Mapping[str, Reference] | None = None,
    bill: Path | None = None,
) -> list[Path]:
    """Wheel, sdist, chart, CRDs, the bill of materials where there is one, and checksums.

    The folder must be empty: a checksum of what an earlier build left would be a promise.
    """
    place.mkdir(parents=True, exist_ok=True)
    if left := sorted(path.name for path in place.iterdir()):
        raise DistFailed(f"{place} is not empty: {', '.join(left)}.", way_out="Take it away first.")
    build_python(ROOT, place)
    package(place, images)
    name = f"postgregent-{version.semantic}"
    crds = [path.read_text("utf-8") for path in sorted(CRDS.glob("*.yaml"))]
    (place / f"{name}-crds.yaml").write_text("---\n".join(crds), "utf-8")
    if bill:
        shutil.copy(bill, place / f"{name}-sbom.cdx.json")
    (place / CHECKSUMS).write_text(checksums(place), "utf-8")
    return sorted(place.iterdir())


def checksums(place: Path) -> str:
    """As `sha256sum --check` reads them."""
    files = sorted(path for path in place.iterdir() if path.name != CHECKSUMS)
    return "".join(f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in files)

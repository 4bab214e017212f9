"""PostgreSQL's programs in a folder: that they run here, and under the account that is to run them.

Root's virtual environment often lies where no other account may look (`/root` is mode 700).
Then the programs are copied, once, to a place that all may read.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.postgres.account import Account, run_as
from shared.errors import PostgRegentError

SHARED_CACHE = Path("/var/cache/postgregent")
PACKAGES = {
    "libxml2": "libxml2",
    "libssl": "libssl3",
    "libcrypto": "libssl3",
    "libgssapi": "libgssapi-krb5-2",
    "libreadline": "libreadline8",
    "libz": "zlib1g",
}


class UnusableBinariesError(PostgRegentError):
    """PostgreSQL's programs do not run on this machine."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A PostgreSQL installation: the folder of its programs, and which parts of `root` are it."""

    root: Path
    bin: Path
    parts: tuple[str, ...]

    def program(self, name: str) -> str:
        """The full path of one program."""
        return str(self.bin / name)

    def moved_to(self, root: Path) -> Binaries:
        """The same installation, found under another root."""
        return Binaries(root, root / self.bin.relative_to(self.root), self.parts)


def cache_folder() -> Path:
    """Where downloads and copies of this project are kept for the next time."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "postgregent"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process at a time is inside, for one and the same `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def usable(binaries: Binaries, account: Account | None) -> Binaries:
    """These programs, or a readable copy of them; raises with the way out when they cannot run."""
    try:
        _check(binaries, account)
    except PermissionError:
        if account is None:
            raise
        binaries = _readable_copy(binaries)
        _check(binaries, account)
    return binaries


def _check(binaries: Binaries, account: Account | None) -> None:
    for name in ("initdb", "postgres"):
        answer = run_as(account, [binaries.program(name), "--version"])
        if answer.returncode != 0:
            raise UnusableBinariesError(
                f"{binaries.program(name)} does not run here: {answer.stderr.strip()}",
                way_out=_way_out(answer.stderr),
            )


def _way_out(complaint: str) -> str:
    missing = re.search(r"(lib[a-z0-9_]+)[^ :]*\.so[^ :]*: cannot open shared object", complaint)
    if missing is None:
        return "Is this the right system for them (see the README's platforms)?"
    package = next((p for lib, p in PACKAGES.items() if missing[1].startswith(lib)), missing[1])
    return f"Install the missing library; Debian and Ubuntu call its package {package}."


def _readable_copy(binaries: Binaries) -> Binaries:
    """Copied under the name of its content; complete, or not there at all."""
    content = hashlib.sha256((binaries.bin / "postgres").read_bytes())
    content.update(repr((str(binaries.bin.relative_to(binaries.root)), binaries.parts)).encode())
    place = SHARED_CACHE / f"programs-{content.hexdigest()[:16]}"
    SHARED_CACHE.mkdir(parents=True, exist_ok=True, mode=0o755)
    with locked(SHARED_CACHE / f"{place.name}.lock"):
        if not place.exists():
            with tempfile.TemporaryDirectory(dir=SHARED_CACHE) as scratch:
                for part in binaries.parts:
                    shutil.copytree(
                        binaries.root / part, Path(scratch, "copy", part), symlinks=True
                    )
                _open_to_all(Path(scratch, "copy"))
                Path(scratch, "copy").rename(place)
    return binaries.moved_to(place)


def _open_to_all(root: Path) -> None:
    for folder, _, files in os.walk(root):
        Path(folder).chmod(0o755)
        for file in (Path(folder, name) for name in files):
            if not file.is_symlink():
                file.chmod(0o755 if os.access(file, os.X_OK) else 0o644)

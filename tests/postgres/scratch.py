"""Where data folders of test servers lie: in memory where there is room, which saves half a run.

CREATE DATABASE writes 300 files: a quarter of a second on a disk, a hundredth of one in memory. A
folder goes with its server; what was left by a process that could not, goes with the next one.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - the folder itself is made by mkdtemp
ROOM_BYTES = 4 << 30
"""Free, so that all servers of a run and whatever else runs have enough."""
_OURS = re.compile(r"postgregent-\d+-(?P<pid>\d+)-\w+")


def new_folder(version: int) -> Path:
    """An empty folder for one server of this process."""
    place = MEMORY if _has_room(MEMORY) else None
    if place is not None:
        _sweep(place)
    prefix = f"postgregent-{version}-{os.getpid()}-"
    return Path(tempfile.mkdtemp(prefix=prefix, dir=place))


def _has_room(place: Path) -> bool:
    """In the file system, and in memory, which it takes from."""
    try:
        system = os.statvfs(place)
        known = Path("/proc/meminfo").read_text("ascii")
    except OSError:
        return False
    available = re.search(r"MemAvailable: *(\d+) kB", known)
    free = system.f_bavail * system.f_frsize
    return available is not None and min(free, int(available[1]) << 10) >= ROOM_BYTES


def _sweep(place: Path) -> None:
    """Away with folders whose process is gone."""
    for folder in place.iterdir():
        named = _OURS.fullmatch(folder.name)
        if named and not Path("/proc", named["pid"]).exists():
            shutil.rmtree(folder, ignore_errors=True)

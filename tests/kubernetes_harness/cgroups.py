"""The node's cgroup: one folder in each hierarchy of version 1, or one in the only of version 2."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PATIENCE_SECONDS = 120


def is_unified() -> bool:
    """Whether this machine has version 2 alone."""
    return (ROOT / "cgroup.controllers").exists()


def make(name: str) -> None:
    """Make it in every hierarchy; kubelet makes what lies below."""
    if is_unified():
        folder = ROOT / name
        folder.mkdir(exist_ok=True)
        for controllers in (ROOT, folder):
            for controller in (controllers / "cgroup.controllers").read_text().split():
                with contextlib.suppress(OSError):
                    (controllers / "cgroup.subtree_control").write_text(f"+{controller}")
        return
    for hierarchy in _hierarchies():
        (hierarchy / name).mkdir(exist_ok=True)
    for file in ("cpuset.cpus", "cpuset.mems"):
        (ROOT / "cpuset" / name / file).write_text((ROOT / "cpuset" / file).read_text())


def remove(name: str) -> None:
    """Remove it everywhere. A cgroup is empty only some time after its last process has ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while remains := remaining(name):
        for folder in remains:
            for path, _, _ in os.walk(folder, topdown=False):
                with contextlib.suppress(OSError):
                    Path(path).rmdir()
        if time.monotonic() > deadline:
            return
        time.sleep(0.05)


def remaining(name: str) -> list[Path]:
    """Where it is still there."""
    places = [ROOT] if is_unified() else _hierarchies()
    return [place / name for place in places if (place / name).exists()]


def _hierarchies() -> list[Path]:
    """Two controllers in one hierarchy have two names, one of them a symbolic link."""
    return [p for p in ROOT.iterdir() if not p.is_symlink() and (p / "cgroup.procs").exists()]

"""A process that stands still, once it does: SIGSTOP reaches its threads one by one."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

PATIENCE_SECONDS = 120.0


def freeze(pid: int) -> None:
    """SIGSTOP, and wait until no thread of it runs. ProcessLookupError where it has ended."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not all(state in "TtZX" for state in _states(pid)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"process {pid} goes on: {_states(pid)}")
        time.sleep(0.001)


def _states(pid: int) -> list[str]:
    """Of each thread, the letter of proc(5); the name before it may have any character."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            found.append((task / "stat").read_text().rpartition(")")[2].split()[0])
    return found

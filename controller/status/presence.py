"""Whether somebody writes statuses into a folder now: told by a lock that ends with its process.

Files stay when `local` ends, however it ends. So it holds this lock for as long as it writes;
several may, and whoever could have it alone knows that nobody does.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

NAME = ".writer"


def be_present(root: Path) -> IO[str] | None:
    """Say so until what is returned is closed. None on a file system without locks."""
    file = (root / NAME).open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_SH)  # who asks has it for himself for a moment
    except OSError:
        file.close()
        return None
    return file


def is_anybody_present(root: Path) -> bool:
    """Asked of a folder that may be read; False too where it cannot be known."""
    with suppress(OSError), asking_alone(root), (root / NAME).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def asking_alone(root: Path) -> Iterator[None]:
    """One after the other: two who ask at once would take each other for one who writes."""
    folder = os.open(root, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system that locks no folders
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)

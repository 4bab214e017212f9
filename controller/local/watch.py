"""Tells when a directory may have changed: at once where the system says so, else within a second.

Notifications miss things: a directory that is replaced, files behind links, network file systems,
what changed while the watch began. So once a second the names, sizes and times are compared too. A
signal says only "look again"; what changed is found by reading.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from watchfiles import Change, awatch

from controller.local.passed_over import SUFFIXES
from shared.logging import get_logger

QUIET_MS = 100
LONGEST_MS = 1000
LOOK_MS = 1000
UNWATCHED = frozenset({".git", ".hg", ".svn"})

log = get_logger("controller.local.watch")

Signature = frozenset[tuple[str, int, int, int]]


async def changes(directory: Path) -> AsyncGenerator[None]:
    """Yields at once, and then after each quiet moment that follows a change. Never ends."""
    seen = await asyncio.to_thread(signature, directory)
    yield
    while True:
        async with aclosing(_signals(directory)) as signals:
            async for is_told in signals:
                now = await asyncio.to_thread(signature, directory)
                if is_told or now != seen:
                    seen = now
                    yield
                if now is None:
                    break
        await asyncio.sleep(LOOK_MS / 1000)


async def _signals(directory: Path) -> AsyncGenerator[bool]:
    """True for a notification, False once a second. Ends when nothing can be watched."""
    identity = _identity(directory)
    if identity is None:
        yield False
        return
    try:
        async for batch in awatch(
            directory,
            watch_filter=_concerns,
            debounce=LONGEST_MS,
            step=QUIET_MS,
            rust_timeout=LOOK_MS,
            yield_on_timeout=True,
            ignore_permission_denied=True,
        ):
            yield bool(batch)
            if _identity(directory) != identity:
                return
    except OSError as error:
        log.warning("cannot be notified of changes, looking every second", error=str(error))
        yield False


def _concerns(_change: Change, path: str) -> bool:
    return UNWATCHED.isdisjoint(Path(path).parts)


def _identity(directory: Path) -> tuple[int, int] | None:
    try:
        found = directory.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def signature(directory: Path) -> Signature | None:
    """Names, sizes, times and inodes of the manifests below; None when the directory is not there.

    Links to files are followed; links to folders lead to what is seen anyway, or are not read.
    """
    if _identity(directory) is None:
        return None
    found: set[tuple[str, int, int, int]] = set()
    for folder, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if Path(name).suffix.lower() in SUFFIXES:
                found.add(_entry(f"{folder}/{name}"))
    return frozenset(found)


def _entry(path: str) -> tuple[str, int, int, int]:
    try:
        stat = os.stat(path)  # noqa: PTH116 - of many files, once a second
    except OSError:
        return path, -1, -1, -1
    return path, stat.st_size, stat.st_mtime_ns, stat.st_ino

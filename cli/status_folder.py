"""`postgregent status --status-dir PATH`: what `postgregent local` wrote there, and if it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from cli.checked import now_here
from cli.table_of import ListOutput
from cli.told import Told, told_by
from cli.told_page import told_look
from cli.waiting import Look, waited
from controller.status.presence import is_anybody_present
from shared.errors import PostgRegentError


class NoStatusFolderError(PostgRegentError):
    """There is nothing to read in --status-dir."""


async def run_status_folder(
    root: Path, output: ListOutput, wait_seconds: float | None = None
) -> int:
    """Print what the files say. Raises NoStatusFolderError."""

    async def look() -> Look:
        return told_look(_told(root), output)

    return await waited(look, wait_seconds)


def _told(root: Path) -> list[Told]:
    paths = sorted(root.glob("*/*/*.yaml"))
    if not paths:
        raise NoStatusFolderError(
            f"--status-dir {root} has no status of a resource.",
            way_out="Name the folder that `postgregent local DIR --status-dir PATH` was given.",
        )
    told = [_alive(is_present=is_anybody_present(root))]
    for path in paths:
        told += _read(path)
    return told


def _alive(*, is_present: bool) -> Told:
    if is_present:
        return Told("", "Alive", "Fine", "Running", "`postgregent local` runs and writes here.")
    said = (
        "`postgregent local` does not run: what is said here was so when it ended. Start it again"
        " with the same --status-dir."
    )
    return Told("", "Alive", "Fault", "NotRunning", said)


def _read(path: Path) -> Iterator[Told]:
    name = f"{path.parent.name}/{path.parent.parent.name}/{path.stem}"
    try:
        document: Any = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        return  # Its resource has gone meanwhile.
    except (OSError, ValueError, yaml.YAMLError) as error:
        said = f"{path} cannot be read ({type(error).__name__})."
        yield Told(name, "Ready", "Unknown", "Unreadable", said)
        return
    if not isinstance(document, dict):
        yield Told(name, "Ready", "Unknown", "Unreadable", f"{path} is no status.")
        return
    yield from told_by(document, now_here(), is_live=False)

"""Notes of a Regent that are worth an Event each, once: code and access for a time. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from controller.kube.events import EventKind
from shared.outcomes import ACCESS_NOW, ACCESS_OVER, CODE_LEFT


class Noted(NamedTuple):
    """What an Event says of a note."""

    kind: EventKind
    reason: str
    note: str = ""


WORTH: Mapping[str, Noted] = {
    CODE_LEFT: Noted("Warning", "CodeLeft"),
    ACCESS_NOW: Noted("Normal", "AccessBegan"),
    ACCESS_OVER: Noted("Normal", "AccessOver"),
}
"""By how a note begins."""


def noted(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Noted, ...]:
    """What this status of a Role or User says, and that before did not.

    Of access only where nothing stands in its way: a status that is stalled has its own Event.
    """
    known = {note for _, note in _notes(before)}
    return tuple(
        dict.fromkeys(
            event._replace(note=note)
            for state, note in _notes(after)
            for begins, event in WORTH.items()
            if note.startswith(begins) and note not in known
            if begins == CODE_LEFT or state != "Stalled"
        )
    )


def _notes(status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """With the state of whoever says it."""
    for entry in status.get("regents") or ():
        for note in entry.get("notes") or ():
            yield str(entry.get("state")), note

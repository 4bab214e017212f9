"""Notes of code that somebody may use whose access ended: each is worth one Event. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shared.outcomes import CODE_LEFT


def code_left(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Those that this status of a Role or User has, and the one before had not."""
    known = set(_notes(before))
    new = (note for note in _notes(after) if note.startswith(CODE_LEFT) and note not in known)
    return tuple(dict.fromkeys(new))


def _notes(status: Mapping[str, Any]) -> Iterator[str]:
    for entry in status.get("regents") or ():
        yield from entry.get("notes") or ()

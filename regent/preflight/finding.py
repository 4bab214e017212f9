"""One thing that a preflight has to say: how grave, of what, and the way out. Values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

A_SUPERUSER = "a superuser"
"""Who runs what only a superuser can."""


class Severity(StrEnum):
    """In the order in which findings are told."""

    BLOCKS = "blocks"
    """PostgRegent cannot work there until this is solved."""
    RISK = "risk"
    """A role has more than it should, or an object is out of reach."""
    NOTE = "note"
    """Worth knowing before the first apply."""


@dataclass(frozen=True, slots=True)
class Way:
    """SQL that can be pasted, or a command. `by` says who runs it, `database` where."""

    text: str
    by: str = ""
    database: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """`name` is one of docs/operations.md. `is_unread`: something there could not be read."""

    severity: Severity
    name: str
    sentence: str
    objects: tuple[str, ...] = ()
    ways: tuple[Way, ...] = ()
    is_unread: bool = False

"""What no declaration says, with the SQL that describes it, so that nothing is dropped silently."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unsaid:
    """One thing that is on the server and in no manifest, and stays as it is."""

    what: str
    why: str
    sql: tuple[str, ...] = ()

"""What a check found: one sentence for a person, and what helps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

Level = Literal["Fine", "Note", "Waits", "Fault", "Unknown"]
"""`Waits` is for a person or a time, `Note` is meant so, `Unknown` could not be read."""
Verdict = Literal["Fine", "NotReady", "Unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`check` is CamelCase, for machines. `regent` is empty of what the whole server shares."""

    check: str
    level: Level
    message: str
    way_out: str = ""
    regent: str = ""
    database: str = ""


class HasLevel(Protocol):
    """Whatever is said at a level."""

    @property
    def level(self) -> Level:
        """How bad it is."""


def verdict_of(findings: Iterable[HasLevel]) -> Verdict:
    """The worst of them: what is not known stands above what is known to be wrong."""
    levels = {one.level for one in findings}
    if "Unknown" in levels:
        return "Unknown"
    return "NotReady" if levels & {"Fault", "Waits"} else "Fine"

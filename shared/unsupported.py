"""Fields that are accepted and that this version does not act on, with what happens instead.

One table for `validate`, `plan`, every status and docs/resources.md: a field leaves it when the
code begins to act on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from shared.resources import RegentSpec
from shared.resources.base import Part

REASON = "Unsupported"

UNSUPPORTED: Mapping[type[BaseModel], Mapping[str, str]] = {
    RegentSpec: {
        "enforcement": "refusing needs event triggers, and detector is Polling: drift is corrected"
        " afterwards, as with Correct",
    },
}
_ACTED_ON: Mapping[str, frozenset[str]] = {
    "enforcement": frozenset({"Observe", "Correct"}),
}
"""The values of a field that mean what they say."""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """One field of one spec; `value` where only this value of it does nothing."""

    name: str
    instead: str
    value: str = ""

    @property
    def field(self) -> str:
        """`spec.owns`, `spec.enforcement: Prevent`."""
        return f"spec.{self.name}" + (f": {self.value}" if self.value else "")

    def __str__(self) -> str:
        return f"{self.field} ({self.instead})"


def unsupported(spec: Part) -> tuple[Unsupported, ...]:
    """What of a spec is written and does nothing, in the order of the table."""
    found = []
    for name, instead in UNSUPPORTED.get(type(spec), {}).items():
        value = spec.says(name)
        if value is None:
            continue
        is_acted_on = isinstance(value, str) and value in _ACTED_ON.get(name, ())
        if not is_acted_on and not _can_refuse(spec, name):
            shown = value if isinstance(value, str) and name in _ACTED_ON else ""
            found.append(Unsupported(name, instead, shown))
    return tuple(found)


def _can_refuse(spec: Part, name: str) -> bool:
    """Prevent does nothing only where the resource itself says that there are no triggers."""
    return isinstance(spec, RegentSpec) and name == "enforcement" and spec.detector != "Polling"


def said_of(found: tuple[Unsupported, ...]) -> str:
    """The message of a status."""
    listed = ", ".join(map(str, found))
    return (
        f"This version does not act on {listed}; the rest holds. Take it out to make the resource"
        " Ready."
    )

"""Fields that are accepted and that this version does not act on, with what happens instead.

One table for `validate`, `plan`, every status and docs/resources.md: a field leaves it when the
code begins to act on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from shared.resources import RegentSpec, RoleSpec, UserSpec
from shared.resources.base import Part

REASON = "Unsupported"
_NO_LOGIN = "the Regent cannot log in this way; use adminPasswordSecretRef"

UNSUPPORTED: Mapping[type[BaseModel], Mapping[str, str]] = {
    RoleSpec: {
        "public": "it makes no role and gives nothing; what PUBLIC has stays as it is",
    },
    UserSpec: {
        "credentials": "no password is made; use passwordSecretRef",
    },
    RegentSpec: {
        "clientCertificateSecretRef": _NO_LOGIN,
        "authentication": _NO_LOGIN,
        "approval": "plans are applied without a person's approval",
        "publicPrivileges": "what PUBLIC has stays as it is",
        "setRole": "the Regent acts as adminUser",
        "enforcement": "drift is corrected afterwards and not refused, as with Correct",
    },
}
_ACTED_ON: Mapping[str, frozenset[str]] = {
    "approval": frozenset({"Automatic"}),
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
    given = spec.given()
    found = []
    for name, instead in UNSUPPORTED.get(type(spec), {}).items():
        if name not in given:
            continue
        value = getattr(spec, _attribute(spec, name))
        if _does_nothing(name, value):
            shown = value if isinstance(value, str) and name in _ACTED_ON else ""
            found.append(Unsupported(name, instead, shown))
    return tuple(found)


def said_of(found: tuple[Unsupported, ...]) -> str:
    """The message of a status."""
    listed = ", ".join(map(str, found))
    return (
        f"This version does not act on {listed}; the rest holds. Take it out to make the resource"
        " Ready."
    )


def _does_nothing(name: str, value: Any) -> bool:
    match name:
        case "public":
            return value is True
        case "publicPrivileges":
            return "Declared" in value.model_dump().values()
        case _:
            return not (isinstance(value, str) and value in _ACTED_ON.get(name, ()))


def _attribute(spec: Part, name: str) -> str:
    return next(one for one in type(spec).model_fields if to_camel(one) == name)

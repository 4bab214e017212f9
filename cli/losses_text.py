"""What is taken away, by person: nothing is cut, and who loses the same stands together. Pure.

Each is (role, kind, privilege, detail): the words of `regent.gate.losses`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from regent.gate.losses import EXISTS, ROLE, Words

MEMBERSHIP = "MEMBERSHIP"
OF_NEW = "DEFAULT "
"""What begins the kind of what is given on objects still to be made."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The same privileges on the same objects."""

    kind: str
    privileges: tuple[str, ...]
    objects: tuple[str, ...]

    def __str__(self) -> str:
        names = ", ".join(self.privileges)
        if self.kind == ROLE:
            return ", ".join(_of_the_role(one) for one in self.privileges)
        if self.kind == MEMBERSHIP:
            return f"membership in {names}"
        if self.kind.startswith(OF_NEW):  # whose words name the kind
            return f"{names} on {', '.join(self.objects)}"
        word = self.kind.lower() + ("s" if len(self.objects) > 1 else "")
        return f"{names} on {word} {', '.join(map(_called, self.objects))}"

    def to_json(self) -> dict[str, Any]:
        """Under the names of the documents."""
        return {
            "kind": self.kind,
            "privileges": list(self.privileges),
            "objects": list(self.objects),
        }


@dataclass(frozen=True, slots=True)
class Bereft:
    """The roles that lose just this."""

    roles: tuple[str, ...]
    taken: tuple[Taken, ...]

    def __str__(self) -> str:
        return f"{', '.join(self.roles)}: {'; '.join(map(str, self.taken))}"

    def to_json(self) -> dict[str, Any]:
        """Under the names of the documents."""
        return {"roles": list(self.roles), "losses": [one.to_json() for one in self.taken]}


def by_person(losses: Iterable[Words]) -> tuple[Bereft, ...]:
    """Every loss, once."""
    of_role: dict[str, set[tuple[str, str, str]]] = {}
    for role, kind, privilege, detail in losses:
        of_role.setdefault(role, set()).add((kind, privilege, detail))
    alike: dict[frozenset[tuple[str, str, str]], list[str]] = {}
    for role, lost in sorted(of_role.items()):
        alike.setdefault(frozenset(lost), []).append(role)
    return tuple(Bereft(tuple(roles), tuple(_taken(lost))) for lost, roles in alike.items())


def _taken(lost: Iterable[tuple[str, str, str]]) -> Iterator[Taken]:
    places: dict[tuple[str, str], list[str]] = {}
    for kind, privilege, detail in sorted(lost):
        places.setdefault((kind, privilege), []).append("" if kind == MEMBERSHIP else detail)
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (kind, privilege), details in places.items():
        named = tuple(dict.fromkeys(one for one in details if one))
        alike.setdefault((kind, named), []).append(privilege)
    for (kind, named), privileges in sorted(alike.items(), key=lambda one: one[0][0] != ROLE):
        yield Taken(kind, tuple(privileges), named)


def _called(one: str) -> str:
    """A database is named within itself."""
    name = one[len(one) // 2 + 1 :]
    return name if one == f"{name}.{name}" else one


def _of_the_role(what: str) -> str:
    return "the role itself" if what == EXISTS else what

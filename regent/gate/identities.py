"""What tells a loss from others, whatever all that it is about is called. Pure.

What the brake and the pauses remember of losses is kept over renames, by a push or by hand: so
roles, databases and objects are told by their oids there, and columns by their numbers (ADR 45).
What is dropped and made anew is another one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from regent.changes import Change
from regent.gate.losses import NOWHERE, At, Atom
from regent.kinds import CONTAINERS
from regent.observed import ObjectGroup, Observed, ObservedServer
from regent.plan.renames import new_names


def by_oid(changes: Iterable[Change], server: ObservedServer) -> Mapping[str, str]:
    """What tells each role whatever it is called, by the name that these changes have for it."""
    new = new_names(changes)
    return {new.get(name, name): _told(role.oid) for name, role in server.roles.items()}


@dataclass(frozen=True, slots=True)
class Identities:
    """What is told by which oid or number in one reading; what was not read goes by its name."""

    roles: Mapping[str, str] = field(default_factory=dict)
    databases: Mapping[str, str] = field(default_factory=dict)
    schemas: Mapping[tuple[str, str], str] = field(default_factory=dict)
    columns: Mapping[tuple[str, int, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, changes: Iterable[Change], observed: Observed) -> Identities:
        """As these changes speak of what was read."""
        return cls(
            by_oid(changes, observed.server),
            dict(_pairs(observed.server.databases)),
            {
                (database, schema): oid
                for database, one in observed.databases.items()
                for schema, oid in _pairs(g for g in one.groups if g.kind is CONTAINERS.kind)
            },
            {
                (database, column.relation_oid, column.column): _told(column.number)
                for database, one in observed.databases.items()
                for column in one.columns
            },
        )

    def told(self, atom: Atom) -> Atom:
        """The same loss with what tells each thing in the place of its name."""
        found, at = atom.renamed(self.roles), atom.at
        if at == NOWHERE:
            return found
        where = At(
            self.databases.get(at.database, at.database),
            at.oid,
            self.columns.get((at.database, at.oid, at.column), at.column),
            self.roles.get(at.creator, at.creator),
            self.schemas.get((at.database, at.schema), at.schema),
        )
        return found._replace(place="", at=where)

    def name(self, atom: Atom) -> str:
        """Names it in a few characters, to be remembered."""
        return hashlib.sha256(json.dumps(self.told(atom)).encode()).hexdigest()[:16]


BY_NAME = Identities()
"""Of no reading."""


def _pairs(groups: Iterable[ObjectGroup]) -> Iterator[tuple[str, str]]:
    for group in groups:
        yield from zip(group.names, map(_told, group.oids), strict=True)


def _told(number: int) -> str:
    """No name is like it."""
    return f"\0{number}"

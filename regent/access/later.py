"""What declared patterns will give on objects that are not there yet. Pure.

Two declarations may give the same today, and not tomorrow: when somebody makes another table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

from regent.access.difference import Side
from regent.desired import DeclaredGrant, Desired
from regent.kinds import COLUMNS, KINDS
from shared.patterns import is_literal
from shared.privileges import ObjectKind

EVERYBODY = "PUBLIC"


class Later(NamedTuple):
    """One word on whatever will match; `column` is a name."""

    database: str
    kind: ObjectKind
    schema: str
    name: str
    word: str
    column: str = ""

    @property
    def shown(self) -> str:
        """`SELECT on new tables schema1.* in mydb`."""
        name = ".".join(part for part in (self.schema, self.name) if part)
        on = f"column {self.column} of " if self.column else ""
        where = f" in {self.database}" if self.database else ""
        return f"{self.word} on {on}{KINDS[self.kind].many} {name}{where}"


Holders = Mapping[Later, frozenset[str]]


def later(side: Side, desired: Desired) -> Holders:
    """Who will have it: persons, and PUBLIC by that name."""
    there = {(one.database, one.kind, one.schema, one.name) for one in side.places.held}
    found: dict[Later, set[str]] = {}
    for database, grants in desired.grants.items():
        for grant in grants:
            holders = {name for one in grant.grantees for name in _persons(side, database, one)}
            for one in _expanded(database, grant):
                if _is_to_come(one, there):
                    found.setdefault(one, set()).update(holders)
    return {one: frozenset(names) for one, names in found.items()}


def _persons(side: Side, database: str, grantee: str | None) -> Iterator[str]:
    if grantee is None:
        yield EVERYBODY
        return
    reached = side.access.reaching(database).to(grantee)
    yield from side.persons.intersection((*reached.at_once, *reached.by_set_role))


def _expanded(database: str, grant: DeclaredGrant) -> Iterator[Later]:
    option = " WITH GRANT OPTION" if grant.grantable else ""
    words = (f"{one}{option}" for one in sorted(grant.privileges))
    places = product(grant.schemas or ("",), grant.names or ("",), grant.columns or ("",))
    for (schema, name, column), word in product(places, words):
        if schema or name:
            yield Later(database, grant.kind, schema, name, word, column)


def _is_to_come(one: Later, there: set[tuple[str, ObjectKind, str, str]]) -> bool:
    """Whether more may match than what is there: a pattern, or what is not there."""
    if not (is_literal(one.schema) and is_literal(one.name)):
        return True
    schema, name = (one.schema, one.name) if one.name else ("", one.schema)
    kind = COLUMNS.part_of if one.kind is COLUMNS.kind and COLUMNS.part_of else one.kind
    databases = (one.database, "")
    return not any((database, kind, schema, name) in there for database in databases)


class Differing(NamedTuple):
    """Who will have one word, and who no more."""

    what: Later
    gaining: tuple[str, ...]
    losing: tuple[str, ...]


def differing(before: Holders, after: Holders) -> tuple[Differing, ...]:
    """What both give to the same persons is left out."""
    found = []
    for one in sorted({*before, *after}):
        had, has = before.get(one, frozenset()), after.get(one, frozenset())
        if had != has:
            found.append(Differing(one, tuple(sorted(has - had)), tuple(sorted(had - has))))
    return tuple(found)

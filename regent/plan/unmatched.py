"""Literals that name nothing: a misspelt schema or table gives nothing, and nobody refuses it.

A pattern may well match nothing yet. A literal is written for something that is there, so it is
said on the Permission and stops nothing: it may still be created. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from regent.desired import DeclaredGrant, Desired
from regent.kinds import COLUMNS, CONTAINERS, KINDS, Row, Scope
from regent.observed import ObjectGroup, Observed, ObservedDatabase
from regent.plan.matching import is_system
from regent.plan.signatures import known_as, literals_of
from shared.guesses import Guesses
from shared.keys import ResourceKey
from shared.patterns import literal_of, matcher
from shared.privileges import ObjectKind

MOST_NOTES = 8


@dataclass(frozen=True, slots=True)
class Unmatched:
    """One literal of a Permission that names nothing, and what to do."""

    field: str
    name: str
    message: str
    way_out: str

    def __str__(self) -> str:
        return f"spec.{self.field}: {self.message}. {self.way_out}".rstrip()


def literals(desired: Desired, observed: Observed) -> Mapping[ResourceKey, tuple[Unmatched, ...]]:
    """For each Permission, its literals that name nothing in what was read, each once."""
    found: dict[ResourceKey, dict[Unmatched, None]] = {}
    guesses = Guesses()
    for database, grants in desired.grants.items():
        reading = observed.databases.get(database)
        if reading is None or reading.is_partial:
            continue
        naming = _Naming(reading, observed.server.shared, desired.ignore_schemas, guesses)
        for grant in grants:
            for one in naming.notes(grant):
                found.setdefault(grant.permission, {})[one] = None
    return {permission: tuple(notes) for permission, notes in found.items()}


def unmatched(desired: Desired, observed: Observed) -> Mapping[ResourceKey, tuple[str, ...]]:
    """The same in words, and no more than fit a status."""
    return {key: tuple(_shown(found)) for key, found in literals(desired, observed).items()}


def _shown(found: Sequence[Unmatched]) -> Iterator[str]:
    yield from map(str, found[:MOST_NOTES])
    if len(found) > MOST_NOTES:
        yield f"and {len(found) - MOST_NOTES} more of these."


class _Naming:
    """What has which name in one database; each question is answered once."""

    def __init__(
        self,
        reading: ObservedDatabase,
        shared: Sequence[ObjectGroup],
        ignore_schemas: Sequence[str],
        guesses: Guesses,
    ) -> None:
        self._guesses = guesses
        self._reading = reading
        self._groups: dict[tuple[ObjectKind, str | None], list[ObjectGroup]] = {}
        for group in (*reading.groups, *shared):
            self._groups.setdefault((group.kind, group.schema), []).append(group)
        self._is_ignored = matcher(ignore_schemas)
        self._schemas = frozenset(
            name
            for group in reading.groups
            if KINDS[group.kind].is_container
            for name in group.names
        )
        self._names: dict[tuple[object, ...], frozenset[str]] = {}
        self._reaches: dict[tuple[str, ...], frozenset[str]] = {}
        self._tables: dict[tuple[str, ...], Mapping[str, Sequence[int]]] = {}

    def notes(self, grant: DeclaredGrant) -> Iterator[Unmatched]:
        """One for each literal that names nothing, or nothing that may be matched."""
        schemas = list(literals_of(CONTAINERS, grant.schemas))
        missing = [name for name in schemas if name not in self._schemas]
        for name in schemas:
            if is_system(name):
                yield Unmatched("schemas", name, f"{name!r} is never matched", "Take it out.")
            elif self._is_ignored(name):
                said = f"{name!r} is in spec.ignoreSchemas of the Regent"
                yield Unmatched("schemas", name, said, "Take it out of one of the two.")
            elif name in missing:
                yield self._missing("schemas", CONTAINERS, name, self._schemas)
        row = KINDS[grant.kind]
        if (
            not row.listed_in
            or row.is_there_without_a_row
            or (missing and len(missing) == len(grant.schemas))
        ):
            return
        literals = list(literals_of(row, grant.names))
        known = self._known(grant) if literals else frozenset()
        for name in literals:
            if name in known:
                continue
            if self._is_member(grant, name):
                said = f"{name!r} belongs to an extension"
                yield Unmatched(row.listed_in, name, said, "Set extensions: true to match it.")
            else:
                yield self._missing(row.listed_in, row, name, known)
        yield from self._columns(grant)

    def _columns(self, grant: DeclaredGrant) -> Iterator[Unmatched]:
        if not grant.columns:
            return
        tables = self._tables_of(grant)
        literals = {literal_of(pattern) for pattern in grant.names}
        is_named = matcher(grant.names)
        named = filter(is_named, tables) if None in literals else tables.keys() & literals
        oids = {oid for name in named for oid in tables[name]}
        for column in grant.columns if oids else ():
            if oids.isdisjoint(self._reading.columns_present.get(column, ())):
                said = f"none of its tables has a column {column!r}"
                yield Unmatched("columns", column, said, "Correct the name.")

    def _tables_of(self, grant: DeclaredGrant) -> Mapping[str, Sequence[int]]:
        """What may have columns in its schemas, with the oids."""
        key = tuple(grant.schemas)
        if key not in self._tables and COLUMNS.part_of is not None:
            found: dict[str, list[int]] = {}
            for schema in self._reached(grant):
                for group in self._groups.get((COLUMNS.part_of, schema), ()):
                    for name, oid in zip(group.names, group.oids, strict=True):
                        found.setdefault(name, []).append(oid)
            self._tables[key] = found
        return self._tables.get(key, {})

    def _is_member(self, grant: DeclaredGrant, name: str) -> bool:
        """Whether it would be matched with `extensions: true`."""
        return not grant.extensions and name in self._known(replace(grant, extensions=True))

    def _known(self, grant: DeclaredGrant) -> frozenset[str]:
        kind = KINDS[grant.kind].part_of or grant.kind
        key = (kind, tuple(grant.schemas), grant.extensions)
        if key not in self._names:
            self._names[key] = frozenset(
                name
                for schema in (None, *self._reached(grant))
                for group in self._groups.get((kind, schema), ())
                if grant.extensions or not group.is_extension_member
                for name in known_as(group)
            )
        return self._names[key]

    def _reached(self, grant: DeclaredGrant) -> frozenset[str]:
        """The schemas that its patterns reach."""
        key = tuple(grant.schemas)
        if key not in self._reaches:
            literals = {literal_of(pattern) for pattern in key}
            named = filter(matcher(key), self._schemas)
            self._reaches[key] = frozenset(
                name
                for name in (named if None in literals else self._schemas & literals)
                if not is_system(name) and not self._is_ignored(name)
            )
        return self._reaches[key]

    def _missing(self, field: str, row: Row, name: str, known: Collection[str]) -> Unmatched:
        among = (self._reading.name, id(known))  # both live as long as this
        near = self._guesses.nearest(name, among, lambda: known)
        way_out = f"Did you mean {near!r}?" if near else "Create it, or correct the name."
        has = "the server" if row.scope is Scope.SERVER else repr(self._reading.name)
        where = " in its schemas" if row.scope is Scope.IN_SCHEMA else ""
        return Unmatched(field, name, f"{has} has no {row.one} {name!r}{where}", way_out)

"""Literals that name nothing: a misspelt schema or table gives nothing, and nobody refuses it.

A pattern may well match nothing yet. A literal is written for something that is there, so it is
said on the Permission and stops nothing: it may still be created. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from regent.desired import DeclaredGrant, Desired
from regent.observed import Observed, ObservedDatabase
from regent.plan.matching import is_system
from shared.keys import ResourceKey
from shared.patterns import literal_of, matcher
from shared.privileges import ObjectKind
from shared.problems import nearest

MOST_NOTES = 8
RELATIONS = frozenset({ObjectKind.TABLE, ObjectKind.COLUMN})
NOUNS: Mapping[ObjectKind, tuple[str, str]] = {
    ObjectKind.TABLE: ("tables", "table"),
    ObjectKind.COLUMN: ("tables", "table"),
    ObjectKind.SEQUENCE: ("sequences", "sequence"),
}
"""The field that names them, and one of them in words."""


def unmatched(desired: Desired, observed: Observed) -> Mapping[ResourceKey, tuple[str, ...]]:
    """For each Permission, what is to be said of its literals in the databases that were read."""
    found: dict[ResourceKey, tuple[str, ...]] = {}
    for database, grants in desired.grants.items():
        reading = observed.databases.get(database)
        if reading is None or reading.is_partial:
            continue
        naming = _Naming(reading, desired.ignore_schemas)
        for grant in grants:
            if notes := list(naming.notes(grant)):
                more = len(notes) - MOST_NOTES
                shown = [*notes[:MOST_NOTES], *([f"and {more} more of these."] if more > 0 else [])]
                found[grant.permission] = tuple(shown)
    return found


class _Naming:
    """What has which name in one database; each question is answered once."""

    def __init__(self, reading: ObservedDatabase, ignore_schemas: Sequence[str]) -> None:
        self._reading = reading
        self._is_ignored = matcher(ignore_schemas)
        self._schemas = frozenset(
            name
            for group in reading.groups
            if group.kind is ObjectKind.SCHEMA
            for name in group.names
        )
        self._names: dict[tuple[object, ...], frozenset[str]] = {}
        self._reaches: dict[tuple[str, ...], frozenset[str]] = {}

    def notes(self, grant: DeclaredGrant) -> Iterator[str]:
        """One for each literal that names nothing, or nothing that may be matched."""
        missing = [name for name in _literals(grant.schemas) if name not in self._schemas]
        for name in _literals(grant.schemas):
            if is_system(name):
                yield f"spec.schemas: {name!r} is never matched. Take it out."
            elif self._is_ignored(name):
                yield f"spec.schemas: {name!r} is in spec.ignoreSchemas of the Regent."
            elif name in missing:
                yield self._missing("schemas", "schema", name, self._schemas)
        if grant.kind not in NOUNS or len(missing) == len(grant.schemas):
            return
        field, noun = NOUNS[grant.kind]
        literals = list(_literals(grant.names))
        known = self._known(grant) if literals else frozenset()
        for name in literals:
            if name not in known:
                yield self._missing(field, noun, name, known, " in its schemas")
        yield from self._columns(grant)

    def _columns(self, grant: DeclaredGrant) -> Iterator[str]:
        if not grant.columns:
            return
        is_named, reached = matcher(grant.names), self._reached(grant)
        oids = {
            oid
            for group in self._reading.groups
            if group.kind is ObjectKind.TABLE and group.schema in reached
            for name, oid in zip(group.names, group.oids, strict=True)
            if is_named(name)
        }
        for column in grant.columns if oids else ():
            if oids.isdisjoint(self._reading.columns_present.get(column, ())):
                yield f"spec.columns: none of its tables has a column {column!r}. Correct the name."

    def _known(self, grant: DeclaredGrant) -> frozenset[str]:
        kind = ObjectKind.TABLE if grant.kind in RELATIONS else grant.kind
        key = (kind, tuple(grant.schemas), grant.extensions)
        if key not in self._names:
            reached = self._reached(grant)
            self._names[key] = frozenset(
                name
                for group in self._reading.groups
                if group.kind is kind
                and group.schema in reached
                and (grant.extensions or not group.is_extension_member)
                for name in group.names
            )
        return self._names[key]

    def _reached(self, grant: DeclaredGrant) -> frozenset[str]:
        """The schemas that its patterns reach."""
        key = tuple(grant.schemas)
        if key not in self._reaches:
            is_named = matcher(key)
            self._reaches[key] = frozenset(
                name
                for name in self._schemas
                if is_named(name) and not is_system(name) and not self._is_ignored(name)
            )
        return self._reaches[key]

    def _missing(
        self, field: str, noun: str, name: str, known: Collection[str], where: str = ""
    ) -> str:
        near = nearest(name, known)
        way_out = f"Did you mean {near!r}?" if near else "Create it, or correct the name."
        database = self._reading.name
        return f"spec.{field}: {database!r} has no {noun} {name!r}{where}. {way_out}"


def _literals(patterns: Sequence[str]) -> Iterator[str]:
    """Those without a wildcard, as the names that they mean."""
    for pattern in patterns:
        name = literal_of(pattern)
        if name is not None:
            yield name

"""Default privileges: what roles give to ours on objects that they make from now on. Pure (rule 8).

What is given there comes into being on each new object of its creator, in the owner's name, and is
the declared privilege of the grantee: so what is on such an object is neither spurious nor, where
somebody took it, missing (ADR 35). What a creator gives to others, and to itself, stays as it is.
So does what it gives to PUBLIC, unless it is named here: then exactly what is declared, of the
rights of PUBLIC that are. EXECUTE and USAGE it has without any row, so the row for everywhere is
made that gives nothing (rule 11).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from regent.changes import DefaultsChange, GrantDefaults, RevokeDefaults
from regent.desired import DeclaredDefault, Desired
from regent.kinds import KINDS
from regent.observed import ObjectGroup, ObservedDatabase
from regent.plan.authority import Authority
from regent.plan.matching import NOTHING, Need, Needs, is_system
from shared.patterns import matcher
from shared.privileges import ObjectKind

Place = tuple[str, str | None, ObjectKind]
"""Creator, schema or everywhere, kind: one row of pg_default_acl."""
Edge = tuple[Place, str | None]
"""A place and its grantee; None is PUBLIC."""
NO_NEEDS: Needs = {}


def plan_defaults(
    desired: Desired, reading: ObservedDatabase, authority: Authority
) -> list[DefaultsChange]:
    """What one database, which was read as a whole, has too little and too much of."""
    declared = desired.defaults.get(reading.name, ())
    given = _given(declared, reading, authority, desired.ignore_schemas)
    held = _held(reading, authority)
    held |= _held_by_public(declared, reading, authority)
    perhaps = _Missing.of(declared, authority.known)
    changes: list[DefaultsChange] = []
    for edge in sorted({*given, *held}, key=_stated_order):
        place, grantee = edge
        shall, has = given.get(edge, frozenset()), held.get(edge, NOTHING)
        left = shall | perhaps.left_to(grantee, place)
        at = (reading.name, *place, grantee)
        causes = authority.causes_of(grantee)
        if missing := shall - has.privileges:
            changes.append(GrantDefaults(*at, missing, causes=causes))
        if spurious := has.privileges - left:
            changes.append(RevokeDefaults(*at, spurious, causes=causes))
        if options := has.grantable - spurious:
            changes.append(RevokeDefaults(*at, options, grant_option_only=True, causes=causes))
    return changes


def schemas_in(reading: ObservedDatabase) -> frozenset[str]:
    """The schemas that a reading found; the ignored ones are not among them."""
    return frozenset(
        name for group in reading.groups if KINDS[group.kind].is_container for name in group.names
    )


def _given(
    declared: Iterable[DeclaredDefault],
    reading: ObservedDatabase,
    authority: Authority,
    ignore_schemas: tuple[str, ...],
) -> dict[Edge, frozenset[str]]:
    """What can be given now: its creator and its schema are there, or come by this plan."""
    there, is_ignored = schemas_in(reading), matcher(ignore_schemas)
    rights = authority.public_in(reading.name)
    found: dict[Edge, frozenset[str]] = {}
    for one in declared:
        if one.creator not in authority.known:
            continue
        if one.grantee is not None and one.grantee not in authority.declared:
            continue
        if one.schema is not None and (
            one.schema not in there or is_system(one.schema) or is_ignored(one.schema)
        ):
            continue
        edge = ((one.creator, one.schema, one.kind), one.grantee)
        given = one.privileges
        if one.grantee is None:
            given &= KINDS[one.kind].privileges_of(rights)
        found[edge] = found.get(edge, frozenset()) | given
    return found


def _held_by_public(
    declared: Iterable[DeclaredDefault], reading: ObservedDatabase, authority: Authority
) -> dict[Edge, Need]:
    """What PUBLIC has of the creators that are named, as far as its rights are declared."""
    creators = {one.creator for one in declared if one.creator in authority.known}
    rights = authority.public_in(reading.name)
    if not creators or not rights:
        return {}
    found: dict[Edge, Need] = {}
    for row in KINDS.values():
        ours = row.privileges_of(rights)
        built_in = row.new_ones.of_public & ours if row.new_ones is not None else frozenset()
        for creator in creators if built_in else ():
            found[(creator, None, row.kind), None] = Need(built_in)
    for default in reading.defaults:
        if default.creator in creators:
            ours = KINDS[default.kind].privileges_of(rights)
            given = (item.privileges for item in default.acl if item.grantee is None)
            place = (default.creator, default.schema, default.kind)
            found[place, None] = Need(frozenset[str]().union(*given) & ours)
    return found


def _held(reading: ObservedDatabase, authority: Authority) -> dict[Edge, Need]:
    """What managed roles have, but for what a creator has itself (rule 9)."""
    found: dict[Edge, Need] = {}
    for row in reading.defaults:
        for item in row.acl:
            if item.grantee is None or item.grantee == row.creator:
                continue
            if item.grantee in authority.managed:
                edge = ((row.creator, row.schema, row.kind), item.grantee)
                before = found.get(edge, NOTHING)
                found[edge] = Need(
                    before.privileges | item.privileges, before.grantable | item.grantable
                )
    return found


def _stated_order(edge: Edge) -> tuple[str, str, str, str]:
    (creator, schema, kind), grantee = edge
    return creator, schema or "", kind.value, grantee or ""


_Where: TypeAlias = tuple[ObjectKind, str | None]


@dataclass(slots=True)
class _Missing:
    """What roles may have by whoever makes objects: a creator may have another name now.

    By whom are few sets: one of each namespace that declares something.
    """

    found: dict[_Where, dict[frozenset[str], dict[str | None, frozenset[str]]]] = field(
        default_factory=dict
    )
    """By kind and schema, whom it may be by, and grantee."""

    @classmethod
    def of(cls, declared: Iterable[DeclaredDefault], known: Container[str]) -> _Missing:
        """Of the creators that are not known."""
        missing = cls()
        for one in declared:
            if one.creator not in known:
                there = missing.found.setdefault((one.kind, one.schema), {})
                needs = there.setdefault(one.perhaps_by, {})
                needs[one.grantee] = needs.get(one.grantee, frozenset()) | one.privileges
        return missing

    def by(self, creator: str, where: _Where) -> Iterator[Mapping[str | None, frozenset[str]]]:
        """What grantees may have there by this role, as another one gives it by a declaration."""
        for perhaps_by, needs in self.found.get(where, {}).items():
            if creator in perhaps_by:
                yield needs

    def left_to(self, grantee: str | None, place: Place) -> frozenset[str]:
        """The same of one grantee, by the creator of this place."""
        creator, schema, kind = place
        found = (needs.get(grantee, frozenset()) for needs in self.by(creator, (kind, schema)))
        return frozenset[str]().union(*found)


@dataclass(slots=True)
class Tolerances:
    """What roles may have on objects because their creators give it by default.

    Not on members of extensions, nor where no declaration reaches.
    """

    _given: dict[tuple[str, _Where], Needs] = field(default_factory=dict)
    """By creator: each declaration is looked at once, however many owners there are."""
    _missing: _Missing = field(default_factory=_Missing)
    _found: dict[tuple[str, str | None, ObjectKind], Needs] = field(default_factory=dict)
    _together: dict[tuple[int, int], tuple[Needs, Needs, Needs]] = field(default_factory=dict)

    @classmethod
    def of(cls, desired: Desired, database: str, authority: Authority) -> Tolerances:
        """Of one database."""
        declared = desired.defaults.get(database, ())
        given: dict[tuple[str, _Where], dict[str | None, Need]] = {}
        for one in declared:
            needs = given.setdefault((one.creator, (one.kind, one.schema)), {})
            before = needs.get(one.grantee, NOTHING)
            needs[one.grantee] = Need(before.privileges | one.privileges)
        known = {one.creator for one in declared if one.creator in authority.known}
        return cls(dict(given), _Missing.of(declared, known))

    def beside(self, tolerated: Needs, group: ObjectGroup) -> Needs:
        """What else is tolerated on these objects, with this; the same object for the same."""
        if not self._given or group.is_extension_member or group.is_out_of_reach:
            return tolerated
        key = (group.owner, group.schema, group.kind)
        if key not in self._found:
            self._found[key] = self._on(*key)
        more = self._found[key]
        if not tolerated or not more:
            return more or tolerated
        both = (id(tolerated), id(more))
        if both not in self._together:
            self._together[both] = (tolerated, more, _united(tolerated, more))
        return self._together[both][2]

    def _on(self, owner: str, schema: str | None, kind: ObjectKind) -> Needs:
        found: Needs = NO_NEEDS
        for place in dict.fromkeys((None, schema)):
            where = (kind, place)
            found = _united(found, self._given.get((owner, where), NO_NEEDS))
            for needs in self._missing.by(owner, where):
                found = _united(found, {name: Need(some) for name, some in needs.items()})
        return found or NO_NEEDS


def _united(one: Needs, other: Needs) -> Needs:
    found = dict(one)
    for grantee, need in other.items():
        before = found.get(grantee, NOTHING)
        found[grantee] = Need(
            before.privileges | need.privileges, before.grantable | need.grantable
        )
    return found

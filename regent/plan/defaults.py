"""Default privileges: what roles give to ours on objects that they make from now on. Pure (rule 8).

What is given there comes into being on each new object of its creator, in the owner's name, and is
the declared privilege of the grantee: so what is on such an object is neither spurious nor, where
somebody took it, missing (ADR 35). What a creator gives to others, and to itself, stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

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
Edge = tuple[Place, str]
"""A place and its grantee."""
NO_NEEDS: Needs = {}


def plan_defaults(
    desired: Desired, reading: ObservedDatabase, authority: Authority
) -> list[DefaultsChange]:
    """What one database, which was read as a whole, has too little and too much of."""
    declared = desired.defaults.get(reading.name, ())
    given = _given(declared, reading, authority, desired.ignore_schemas)
    held = _held(reading, authority)
    perhaps = _of_missing_creators(declared, authority)
    changes: list[DefaultsChange] = []
    for edge in sorted({*given, *held}, key=_stated_order):
        place, grantee = edge
        shall, has = given.get(edge, frozenset()), held.get(edge, NOTHING)
        left = shall | perhaps.get((place[1], place[2], grantee), frozenset())
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
    found: dict[Edge, frozenset[str]] = {}
    for one in declared:
        if one.creator not in authority.known or one.grantee not in authority.declared:
            continue
        if one.schema is not None and (
            one.schema not in there or is_system(one.schema) or is_ignored(one.schema)
        ):
            continue
        edge = ((one.creator, one.schema, one.kind), one.grantee)
        found[edge] = found.get(edge, frozenset()) | one.privileges
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


def _of_missing_creators(
    declared: Iterable[DeclaredDefault], authority: Authority
) -> dict[tuple[str | None, ObjectKind, str], frozenset[str]]:
    """What may be had by whoever makes objects: the creator may have another name now."""
    found: dict[tuple[str | None, ObjectKind, str], frozenset[str]] = {}
    for one in declared:
        if one.creator not in authority.known:
            key = (one.schema, one.kind, one.grantee)
            found[key] = found.get(key, frozenset()) | one.privileges
    return found


def _stated_order(edge: Edge) -> tuple[str, str, str, str]:
    (creator, schema, kind), grantee = edge
    return creator, schema or "", kind.value, grantee


@dataclass(slots=True)
class Tolerances:
    """What roles may have on objects because their creators give it by default.

    Not on members of extensions, nor where no declaration reaches.
    """

    declared: tuple[DeclaredDefault, ...] = ()
    known: frozenset[str] = frozenset()
    _found: dict[tuple[str, str | None, ObjectKind], Needs] = field(default_factory=dict)
    _together: dict[tuple[int, int], tuple[Needs, Needs, Needs]] = field(default_factory=dict)

    @classmethod
    def of(cls, desired: Desired, database: str, authority: Authority) -> Tolerances:
        """Of one database."""
        declared = desired.defaults.get(database, ())
        creators = {one.creator for one in declared}
        known = frozenset(name for name in creators if name in authority.known)
        return cls(declared, known)

    def beside(self, tolerated: Needs, group: ObjectGroup) -> Needs:
        """What else is tolerated on these objects, with this; the same object for the same."""
        if not self.declared or group.is_extension_member or group.is_out_of_reach:
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
        found: dict[str, Need] = {}
        for one in self.declared:
            is_its = one.creator == owner or one.creator not in self.known
            if one.kind is kind and is_its and one.schema in (None, schema):
                before = found.get(one.grantee, NOTHING)
                found[one.grantee] = Need(before.privileges | one.privileges)
        return found or NO_NEEDS


def _united(one: Needs, other: Needs) -> Mapping[str, Need]:
    found = dict(one)
    for grantee, need in other.items():
        before = found.get(grantee, NOTHING)
        found[grantee] = Need(
            before.privileges | need.privileges, before.grantable | need.grantable
        )
    return found

"""Gathers differences of single ACLs into few changes: many objects TO many grantees.

The server is asked for the same edge once for all the objects that need it: the shape that was
measured fastest (detection: 1.8 s against 41 s for one GRANT per object and role).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from regent.changes import (
    Effect,
    GrantPrivileges,
    ObjectRef,
    PrivilegeChange,
    RevokePrivileges,
    losing,
)
from regent.desired import Causes
from regent.kinds import COLUMNS
from regent.observed import ObjectGroup
from regent.plan.authority import Authority
from regent.plan.differences import Given, Taken
from regent.plan.matching import CompiledGrants, Signature
from shared.privileges import ObjectKind

Columns = tuple[str, ...]
ColumnGiven = tuple[Columns, Given]
ColumnTaken = tuple[Columns, Taken]

OBJECTS_PER_UNIT = 100
"""So small that a REVOKE and the GRANTs that must follow it fit in one short transaction."""


@dataclass(slots=True)
class _Gathered:
    refs: list[ObjectRef] = field(default_factory=list)
    explicit: set[int] = field(default_factory=set)
    implied: set[int] = field(default_factory=set)

    def add(
        self,
        refs: Iterable[ObjectRef],
        explicit: Signature = (),
        implied: Signature = (),
    ) -> None:
        self.refs.extend(refs)
        self.explicit.update(explicit)
        self.implied.update(implied)

    def objects(self) -> tuple[ObjectRef, ...]:
        return tuple(sorted(self.refs, key=lambda ref: ref.oid))


@dataclass(frozen=True, slots=True)
class _Unit:
    """REVOKEs on tables, and what they clear on columns although it is declared."""

    kind: ObjectKind
    taken: tuple[Taken, ...]
    again: tuple[ColumnGiven, ...]


class Edits:
    """What is to be done in one database, or on what all share, merged as it comes in."""

    def __init__(
        self, database: str | None, compiled: CompiledGrants, authority: Authority
    ) -> None:
        self._database = database
        self._compiled = compiled
        self._authority = authority
        self._given: dict[tuple[ObjectKind, Columns, Given], _Gathered] = {}
        self._taken: dict[tuple[ObjectKind, Columns, Taken], _Gathered] = {}
        self._units: dict[_Unit, _Gathered] = {}

    def give(
        self,
        kind: ObjectKind,
        given: Given,
        refs: Sequence[ObjectRef],
        explicit: Signature,
        *,
        implied: Signature = (),
        columns: Columns = (),
    ) -> None:
        """One edge that is missing on these objects, by the declarations of a signature."""
        gathered = self._given.setdefault((kind, columns, given), _Gathered())
        gathered.add(refs, explicit, implied)

    def take(
        self, kind: ObjectKind, taken: Taken, refs: Sequence[ObjectRef], columns: Columns = ()
    ) -> None:
        """One edge that is spurious on these objects."""
        gathered = self._taken.setdefault((kind, columns, taken), _Gathered())
        gathered.add(refs)

    def take_and_give_again(
        self,
        kind: ObjectKind,
        taken: tuple[Taken, ...],
        again: tuple[ColumnGiven, ...],
        refs: Sequence[ObjectRef],
        explicit: Signature,
    ) -> None:
        """REVOKEs on tables that clear declared column privileges, which then come back."""
        gathered = self._units.setdefault(_Unit(kind, taken, again), _Gathered())
        gathered.add(refs, explicit)

    def changes(self) -> list[PrivilegeChange]:
        """Grants, then revokes: of columns first, and last those with something to give again."""
        out: list[PrivilegeChange] = []
        for (kind, columns, given), gathered in self._given.items():
            objects = gathered.objects()
            out.append(self._grant(kind, columns, given, objects, gathered, Effect.WIDEN))
        revokes = [self._revoke(*edge, found.objects()) for edge, found in self._taken.items()]
        out.sort(key=_stated_order)
        revokes.sort(key=_stated_order)
        return [*out, *revokes, *self._in_units()]

    def _in_units(self) -> Iterable[PrivilegeChange]:
        for unit, gathered in self._units.items():
            objects = gathered.objects()
            for start in range(0, len(objects), OBJECTS_PER_UNIT):
                chunk = objects[start : start + OBJECTS_PER_UNIT]
                for taken in unit.taken:
                    yield self._revoke(unit.kind, (), taken, chunk)
                for columns, given in unit.again:
                    yield self._grant(COLUMNS.kind, columns, given, chunk, gathered, Effect.NARROW)

    def _grant(
        self,
        kind: ObjectKind,
        columns: Columns,
        given: Given,
        objects: tuple[ObjectRef, ...],
        gathered: _Gathered,
        effect: Effect,
    ) -> GrantPrivileges:
        return GrantPrivileges(
            database=self._database,
            kind=kind,
            objects=objects,
            privileges=given.privileges,
            grantees=given.grantees,
            columns=columns,
            grantable=given.grantable,
            instead_of=given.instead_of,
            causes=self._causes(given, gathered),
            effect=effect,
        )

    def _revoke(
        self,
        kind: ObjectKind,
        columns: Columns,
        taken: Taken,
        objects: tuple[ObjectRef, ...],
    ) -> RevokePrivileges:
        return RevokePrivileges(
            database=self._database,
            kind=kind,
            objects=objects,
            privileges=taken.privileges,
            grantees=taken.grantees,
            grantor=taken.grantor,
            columns=columns,
            grant_option_only=taken.option_only,
            cascade=taken.cascade,
            cut=taken.cut,
            by_grantor=taken.by_grantor,
            refusal=taken.refusal,
            as_owner=taken.as_owner,
            causes=self._authority.causes_of(*taken.grantees, *losing(taken.along)),
            along=taken.along,
        )

    def _causes(self, given: Given, gathered: _Gathered) -> Causes:
        """The Permissions that say so, and whoever declares the grantees, or the role that loses
        what it gave them.
        """
        compiled = self._compiled
        grantees = frozenset(given.grantees)
        found = {
            compiled.grants[index].permission
            for index in gathered.explicit | gathered.implied
            if (index in gathered.implied or compiled.grants[index].privileges & given.privileges)
            and not grantees.isdisjoint(compiled.grantees(index))
        }
        roles = (*given.grantees, *given.instead_of)
        return tuple(sorted(found.union(self._authority.causes_of(*roles))))


_KINDS = list(ObjectKind)


def _stated_order(change: PrivilegeChange) -> tuple[int, int, list[str], list[str]]:
    """Columns before their tables where it is taken; then the kinds in order, the oldest object.

    A column's item may hang on a grantor whom the REVOKE on the table leaves without any right.
    """
    rank = _KINDS.index(change.kind)
    if isinstance(change, RevokePrivileges) and change.kind is COLUMNS.kind:
        rank = -1
    grantees = [grantee or "" for grantee in change.grantees]
    return rank, change.objects[0].oid, sorted(change.privileges), grantees


def refs_of(group: ObjectGroup, positions: Sequence[int]) -> list[ObjectRef]:
    """Some of a group's objects, as a change names them."""
    schema, kind, owner = group.schema, group.relation_kind, group.owner
    if group.arguments:
        return [
            ObjectRef(group.oids[p], schema, group.names[p], kind, owner, group.arguments[p])
            for p in positions
        ]
    return [ObjectRef(group.oids[p], schema, group.names[p], kind, owner) for p in positions]

"""What there is to have access to, object by object, and what gives it there. Pure.

Places are known by their names, so that those of two servers are compared as well as those of one
server before and after a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from regent.kinds import COLUMNS, DATABASES, KINDS, NEW_ONES, Address, Naming
from regent.observed import (
    Acl,
    AclItem,
    ObjectGroup,
    Observed,
    ObservedColumn,
    ObservedDefault,
    ObservedServer,
)
from regent.why.chains import FIRST_UNPINNED_OID
from shared.privileges import ObjectKind


class Place(NamedTuple):
    """One object, one column of one, or what a role makes from now on (`is_new`).

    `database` is empty of what no database has, and `schema` of what stands in none. `name` has the
    types of a routine's arguments; of what is new it is who makes it.
    """

    database: str
    kind: ObjectKind
    schema: str
    name: str
    column: str = ""
    form: str = ""
    is_new: bool = False

    @property
    def word(self) -> str:
        """What it is: `view`."""
        row = KINDS[self.kind]
        form = row.forms.get(self.form)
        one = form.one if form else row.one.removeprefix("trusted ")
        return f"column of {one}" if self.column else one

    @property
    def words(self) -> str:
        """The same of several."""
        row = KINDS[self.kind]
        form = row.forms.get(self.form)
        many = form.many if form else row.many.removeprefix("trusted ")
        return f"columns of {many}" if self.column else many

    @property
    def called(self) -> str:
        """Its name, with its schema; in quotes where the parts could not be told apart else."""
        parts = [one for one in (self.schema, self.name, self.column) if one]
        if len(parts) == 1:
            return self.name
        if KINDS[self.kind].naming is Naming.SIGNATURE:  # a dot may be one of its arguments'
            return f"{_part(self.schema)}.{self.name}"
        return ".".join(map(_part, parts))

    @property
    def shown(self) -> str:
        """`table schema1.flights`, `new tables of app_owner in schema1`."""
        if self.is_new:
            place = f" in {self.schema}" if self.schema else ""
            return f"new {KINDS[self.kind].many} of {self.name}{place}"
        return f"{self.word} {self.called}"


def _part(name: str) -> str:
    quoted = name.replace('"', '""')
    return f'"{quoted}"' if "." in name or '"' in name else name


class Held(NamedTuple):
    """What decides on the access to a place: equal ones give the same to everybody."""

    owner: str
    acl: Acl
    column_acl: Acl = ()
    is_pinned: bool = False
    """A catalog of PostgreSQL's own: only superusers write to it."""


NOBODYS = Held("", ())
At = tuple[str, Address]
"""A database, empty for none, and an object in it."""


@dataclass(frozen=True, slots=True)
class Places:
    """One reading of a server, or what a change would make of it.

    `at` finds the place of an object; columns are found at their relation.
    """

    server: ObservedServer
    held: Mapping[Place, Held]
    at: Mapping[At, Place] = field(default_factory=dict, compare=False)
    columns: Mapping[Place, tuple[Place, ...]] = field(default_factory=dict, compare=False)
    databases: tuple[str, ...] = ()
    """Those that were read."""

    def owner_of(self, database: str) -> str:
        """Who owns a database."""
        place = Place(database, DATABASES.kind, "", database)
        return self.held.get(place, NOBODYS).owner

    def of(self, place: Place) -> Held:
        """What decides there; a column without an ACL of its own is as its table is."""
        found = self.held.get(place)
        if found is not None:
            return found
        if place.is_new:
            return _unwritten(place)
        if place.column and COLUMNS.part_of is not None:
            whole = place._replace(kind=COLUMNS.part_of, column="")
            return self.held.get(whole, NOBODYS)
        return NOBODYS


def places_of(observed: Observed) -> Places:
    """Every object that was read, by name."""
    held: dict[Place, Held] = {}
    at: dict[At, Place] = {}
    columns: dict[Place, tuple[Place, ...]] = {}
    for database, group in _groups(observed):
        for oid, place in _in_group(group, database):
            held[place] = Held(group.owner, group.acl, (), _is_pinned(group.kind, oid))
            at[database, KINDS[group.kind].at(oid)] = place
    for reading in observed.databases.values():
        for one in reading.columns:
            whole = at.get((reading.name, COLUMNS.at(one.relation_oid)))
            if whole is None:  # a system table on which nobody was given anything as a whole
                held.update((_alone(reading.name, one),))
                continue
            part = whole._replace(kind=COLUMNS.kind, column=one.column)
            held[part] = held[whole]._replace(column_acl=one.acl)
            columns[whole] = (*columns.get(whole, ()), part)
        held.update(_new_ones(reading.name, reading.defaults))
    read = tuple(sorted(observed.databases))
    return Places(observed.server, held, at, columns, read)


def _groups(observed: Observed) -> Iterator[tuple[str, ObjectGroup]]:
    for group in (*observed.server.databases, *observed.server.shared):
        yield "", group
    for reading in observed.databases.values():
        for group in reading.groups:
            yield reading.name, group


def _in_group(group: ObjectGroup, database: str) -> Iterator[tuple[int, Place]]:
    for position, (name, oid) in enumerate(zip(group.names, group.oids, strict=True)):
        called = f"{name}({group.arguments[position]})" if group.arguments else name
        where = name if group.kind is DATABASES.kind else database
        schema = group.schema or ""
        yield oid, Place(where, group.kind, schema, called, form=group.relation_kind)


def _alone(database: str, one: ObservedColumn) -> tuple[Place, Held]:
    """A column by what it has of its own, where nothing was read of its table."""
    place = Place(
        database, COLUMNS.kind, one.schema, one.relation, one.column, form=one.relation_kind
    )
    return place, Held(one.owner, (), one.acl, _is_pinned(COLUMNS.kind, one.relation_oid))


def _is_pinned(kind: ObjectKind, oid: int) -> bool:
    return KINDS[kind].catalog == COLUMNS.catalog and oid < FIRST_UNPINNED_OID


def _new_ones(database: str, defaults: Iterable[ObservedDefault]) -> Iterator[tuple[Place, Held]]:
    """What the maker has of its own it has as their owner: that is nothing that was given."""
    for one in defaults:
        acl = tuple(item for item in one.acl if item.grantee != one.creator)
        yield new_place(database, one.creator, one.schema, one.kind), Held(one.creator, acl)


def new_place(database: str, creator: str, schema: str | None, kind: ObjectKind) -> Place:
    """The place of what a role makes from now on."""
    return Place(database, kind, schema or "", creator, is_new=True)


def _unwritten(place: Place) -> Held:
    """What is on new objects where nobody said anything: what PUBLIC has by itself."""
    rows = (row for row in NEW_ONES.values() if row.kind is place.kind)
    words = next((row.new_ones.of_public for row in rows if row.new_ones), frozenset[str]())
    if place.schema or not words:
        return Held(place.name, ())
    return Held(place.name, (AclItem(None, place.name, words),))

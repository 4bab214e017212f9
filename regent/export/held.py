"""What roles hold by the catalog, as what a Permission could say: spots, and what is in them. Pure.

The ACLs of a group are looked at once; whose grant an item is does not matter here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from regent.kinds import COLUMNS, DATABASES, DRAWN_ON, KINDS, Scope
from regent.observed import Acl, ObjectGroup, Observed, ObservedDatabase
from regent.plan.matching import Need, is_system, is_temporary
from regent.plan.public import of_public
from shared.patterns import escaped
from shared.privileges import ObjectKind, PublicRight

Grantee = str | None
"""None is PUBLIC."""
COLUMN = "\n"
"""Between a table and a column in the name of one thing; a pattern has a table alone."""


class Place(NamedTuple):
    """Where objects of one kind are; `schema` is None for what stands in none."""

    database: str
    kind: ObjectKind
    schema: str | None


class Spot(NamedTuple):
    """One privilege on objects of one place, as one Permission could give it."""

    place: Place
    privilege: str
    is_grantable: bool = False
    is_of_extension: bool = False


@dataclass(slots=True)
class Holding:
    """What some roles and PUBLIC hold, and what there is to hold.

    Names are patterns that match that object alone; of columns `table`, COLUMN, `column`.
    """

    of: dict[Grantee, dict[Spot, set[str]]] = field(default_factory=dict)
    owners: dict[Place, dict[str, str]] = field(default_factory=dict)
    """Who owns each object that a wildcard would match."""
    default_sequences: dict[Place, dict[str, frozenset[tuple[str, str]]]] = field(
        default_factory=dict
    )
    """By tables, schema and name of the sequences that their columns' defaults draw on."""
    sequence_owners: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """By database, schema and name."""

    def add(self, grantee: Grantee, spot: Spot, names: Iterable[str]) -> None:
        """One more privilege of somebody."""
        self.of.setdefault(grantee, {}).setdefault(spot, set()).update(names)

    def names(self, grantee: Grantee, spot: Spot) -> Set[str]:
        """Those on which somebody has it, exactly so."""
        return self.of.get(grantee, {}).get(spot, frozenset())

    def has(self, grantee: Grantee, place: Place, privilege: str, name: str) -> bool:
        """Whether it has a privilege on this object by any grant, or owns it."""
        if self.owners.get(place, {}).get(name) == grantee:
            return True
        return any(
            name in self.names(grantee, Spot(place, privilege, option, member))
            for option in (False, True)
            for member in (False, True)
        )


def holding(
    observed: Observed,
    roles: Set[str],
    rights: Set[PublicRight],
    trusted: Set[str],
) -> Holding:
    """What these roles hold, and PUBLIC as far as these of its rights are declared."""
    found = Holding()
    for database, reading in observed.databases.items():
        for group in reading.groups:
            _group(found, database, group, roles, rights, trusted)
        _columns(found, reading, roles, rights)
        _draws(found, reading)
    first = next(iter(observed.databases), "")
    for group in (*observed.server.databases, *observed.server.shared):
        if group.kind is DATABASES.kind:
            for name in group.names:
                if name in observed.databases:
                    place = Place(name, group.kind, None)
                    _items(found, place, group, (name,), roles, _public(rights, group, trusted))
        else:
            place = Place(first, group.kind, None)
            _items(found, place, group, patterns_of_names(group), roles, frozenset())
    return found


def patterns_of_names(group: ObjectGroup) -> tuple[str, ...]:
    """What names each of its objects in a Permission."""
    if not group.arguments:
        return tuple(map(escaped, group.names))
    pairs = zip(group.names, group.arguments, strict=True)
    return tuple(f"{signature_name(name)}({arguments})" for name, arguments in pairs)


def signature_name(name: str) -> str:
    """The name of a routine before its bracket, where one of its own would end it."""
    return escaped(name).replace("(", "\\(")


def held_by(acl: Acl) -> dict[Grantee, Need]:
    """What each grantee has by whatever grant."""
    found: dict[Grantee, Need] = {}
    for item in acl:
        before = found.get(item.grantee, Need())
        found[item.grantee] = Need(
            before.privileges | item.privileges, before.grantable | item.grantable
        )
    return found


def _group(
    found: Holding,
    database: str,
    group: ObjectGroup,
    roles: Set[str],
    rights: Set[PublicRight],
    trusted: Set[str],
) -> None:
    schema = group.schema
    if group.is_out_of_reach or (schema is not None and _is_beyond(schema)):
        return
    place = Place(database, group.kind, schema)
    names = patterns_of_names(group)
    if KINDS[group.kind].is_container:
        names = tuple(name for name in names if not _is_beyond(name))
    if not group.is_extension_member:
        found.owners.setdefault(place, {}).update(dict.fromkeys(names, group.owner))
    _items(found, place, group, names, roles, _public(rights, group, trusted))
    if group.kind in DRAWN_ON:
        for name in group.names:
            found.sequence_owners[database, schema or "", name] = group.owner


def _is_beyond(schema: str) -> bool:
    return is_system(schema) or is_temporary(schema)


def _public(
    rights: Set[PublicRight], group: ObjectGroup, trusted: Set[str], kind: ObjectKind | None = None
) -> frozenset[str]:
    """The privileges of PUBLIC that are declared there, less what is an extension's own."""
    scope = of_public(rights, group, kind or group.kind, trusted)
    return frozenset() if scope.is_kept else scope.privileges


def _items(
    found: Holding,
    place: Place,
    group: ObjectGroup,
    names: Iterable[str],
    roles: Set[str],
    public: Set[str],
) -> None:
    names = tuple(names)
    for grantee, privilege, is_grantable in _held(group.acl, group.owner, roles, public):
        found.add(grantee, Spot(place, privilege, is_grantable, group.is_extension_member), names)


def _held(
    acl: Acl, owner: str, roles: Set[str], public: Set[str]
) -> Iterator[tuple[Grantee, str, bool]]:
    for grantee, need in held_by(acl).items():
        if grantee is None:
            yield from ((None, one, False) for one in need.privileges & public)
        elif grantee in roles and grantee != owner:
            yield from ((grantee, one, one in need.grantable) for one in need.privileges)


def _columns(
    found: Holding, reading: ObservedDatabase, roles: Set[str], rights: Set[PublicRight]
) -> None:
    public = COLUMNS.privileges_of(rights)
    for column in reading.columns:
        if _is_beyond(column.schema):
            continue
        place = Place(reading.name, COLUMNS.kind, column.schema)
        name = f"{escaped(column.relation)}{COLUMN}{column.column}"
        for grantee, privilege, is_grantable in _held(column.acl, column.owner, roles, public):
            spot = Spot(place, privilege, is_grantable, column.is_extension_member)
            found.add(grantee, spot, (name,))


def _draws(found: Holding, reading: ObservedDatabase) -> None:
    """Which sequences come with INSERT on which tables."""
    sequences = {
        oid: (group.schema or "", name)
        for group in reading.groups
        if group.kind in DRAWN_ON
        for oid, name in zip(group.oids, group.names, strict=True)
    }
    for group in reading.groups:
        if group.kind is not COLUMNS.part_of:
            continue
        place = Place(reading.name, group.kind, group.schema)
        for oid, name in zip(group.oids, group.names, strict=True):
            if drawn := reading.default_sequences.get(oid):
                there = found.default_sequences.setdefault(place, {})
                there[escaped(name)] = frozenset(sequences[one] for one in drawn)


def objects_by_owner(reading: ObservedDatabase) -> Mapping[tuple[str, ObjectKind, str], int]:
    """How many objects of which schema and kind each role owns, members of extensions aside."""
    found: dict[tuple[str, ObjectKind, str], int] = {}
    for group in reading.groups:
        is_local = KINDS[group.kind].scope is Scope.IN_SCHEMA
        if not is_local or group.is_extension_member or group.is_out_of_reach:
            continue
        if group.schema is not None and not _is_beyond(group.schema):
            at = (group.schema, group.kind, group.owner)
            found[at] = found.get(at, 0) + len(group.names)
    return found

"""Objects that go to the owner of their schema, as they are until then and as they will be. Pure.

They go last (rule 22). What their new owner has on them stays until it is the owner's own, and what
their former owner is declared to have comes with the move: so nothing is missing in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from regent.changes import Change, GatherObjects, GrantPrivileges, ObjectRef, PrivilegeChange
from regent.kinds import COLUMNS, KINDS, Address
from regent.observed import Acl, AclItem, ObjectGroup, ObservedColumn, ObservedDatabase

Gathering: TypeAlias = Mapping[Address, GatherObjects]
"""Of one database, by what each object goes."""
NOTHING_GATHERED: Gathering = {}
Way: TypeAlias = tuple[str, str, str]
"""Former and new owner, schema."""
KeptOn: TypeAlias = Mapping[Way, tuple[GrantPrivileges, ...]]
"""What the former owners keep, by the way that it goes."""


def handed_acl(acl: Acl, former: str, owner: str) -> Acl:
    """As PostgreSQL writes it with the new owner: what the former gave or had counts as his."""

    def name(role: str) -> str:
        return owner if role == former else role

    items: dict[tuple[str | None, str], AclItem] = {}
    for item in acl:
        place = None if item.grantee is None else name(item.grantee), name(item.grantor)
        known = items.get(place, AclItem(*place, frozenset()))
        items[place] = replace(
            known,
            privileges=known.privileges | item.privileges,
            grantable=known.grantable | item.grantable,
        )
    return tuple(items.values())


def apart(
    groups: Iterable[ObjectGroup], gathering: Gathering
) -> Iterator[tuple[ObjectGroup, GatherObjects | None]]:
    """The groups, cut where only some of their objects go to another owner."""
    for group in groups:
        found: dict[int, tuple[GatherObjects | None, list[int]]] = {}
        for position, oid in enumerate(group.oids if gathering else ()):
            change = gathering.get(KINDS[group.kind].at(oid))
            found.setdefault(id(change), (change, []))[1].append(position)
        if len(found) > 1:
            yield from ((_some(group, here), change) for change, here in found.values())
        else:
            yield group, next((change for change, _ in found.values()), None)


def _some(group: ObjectGroup, positions: Sequence[int]) -> ObjectGroup:
    return replace(
        group,
        names=tuple(group.names[p] for p in positions),
        oids=tuple(group.oids[p] for p in positions),
        arguments=tuple(group.arguments[p] for p in positions) if group.arguments else (),
    )


def as_gathered(reading: ObservedDatabase, gathering: Gathering) -> ObservedDatabase:
    """What goes to another owner, alone, as it will be."""
    groups = (
        replace(one, owner=to.owner, acl=handed_acl(one.acl, to.former, to.owner))
        for one, to in apart(reading.groups, gathering)
        if to is not None
    )
    columns = (one for one in (_handed(one, gathering) for one in reading.columns) if one)
    return replace(reading, groups=tuple(groups), columns=tuple(columns), defaults=())


def _handed(column: ObservedColumn, gathering: Gathering) -> ObservedColumn | None:
    to = gathering.get(COLUMNS.at(column.relation_oid))
    if to is None:
        return None
    return replace(column, owner=to.owner, acl=handed_acl(column.acl, to.former, to.owner))


def kept_on(given: Iterable[PrivilegeChange], gathering: Gathering) -> KeptOn:
    """What of `given` is the former owners', on what they lose.

    Of all kinds together: a sequence of a column goes with its table.
    """
    found: dict[Way, list[GrantPrivileges]] = {}
    for one in given:
        if not isinstance(one, GrantPrivileges):
            continue
        refs: dict[Way, list[ObjectRef]] = {}
        for address, ref in zip(one.addresses, one.objects, strict=True):
            to = gathering.get(address)
            if to is not None and to.former in one.grantees:
                refs.setdefault(way_of(to), []).append(replace(ref, owner=to.owner))
        for way, here in refs.items():
            kept = replace(one, objects=tuple(here), grantees=(way[0],))
            found.setdefault(way, []).append(kept)
    return {way: tuple(kept) for way, kept in found.items()}


def way_of(change: GatherObjects) -> Way:
    """From whom, to whom, and in which schema."""
    return change.former, change.owner, change.name


def gathered_by(changes: Iterable[Change], database: str) -> Gathering:
    """What goes to another owner in this database."""
    return {
        address: one
        for one in changes
        if isinstance(one, GatherObjects) and one.database == database
        for address in one.addresses
    }

"""A change that was planned while the desired state stood still is a drift: what, where, whose.

Pure (rule 30). Who did it and when is asked of regent/detect/attribution.py, object by object:
what one change corrects at once may be the deeds of several people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from regent.changes import (
    AdoptRole,
    Change,
    CreateRole,
    DefaultsChange,
    DropRole,
    EndSessions,
    GatherObjects,
    GrantPrivileges,
    HandOnOwned,
    HandOver,
    ObjectRef,
    OfAttribute,
    OfDefaults,
    OfMembership,
    OfOwner,
    OfStranger,
    PrivilegeChange,
    ReleaseRole,
    RenameRole,
    RevokePrivileges,
    SetOwner,
)
from regent.detect.attribution import Records, Touched, Undone, Witnesses, of_defaults
from regent.kinds import LOCAL, Address
from regent.plan.describe import describe
from shared.outcomes import Actor


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: in words, on which objects (of which database), of which role.

    `is_shared`: it stands in a catalog that all databases share, of which nothing is recorded.
    """

    what: str
    object: str
    role: str | None
    database: str | None
    objects: tuple[Address, ...]
    resources: tuple[str, ...]
    change: Change
    is_shared: bool = True


@dataclass(frozen=True, slots=True)
class Deed:
    """A difference, or the part of it that one actor made."""

    difference: Difference
    actor: Actor
    happened_at: datetime | None


_RECORDED = frozenset(row.kind for row in LOCAL)
NOT_RECORDED = "Nothing is recorded in this database: its triggers are not installed."


def deeds(difference: Difference, witnesses: Witnesses) -> tuple[Deed, ...]:
    """Who made it; apart for each of its objects where it was not the same one."""
    change = difference.change
    if isinstance(change, DefaultsChange):
        return (_of_defaults(difference, change, witnesses),)
    if isinstance(change, SetOwner) and change.local_to is not None:
        return (_of_owner(difference, change, witnesses),)
    if difference.is_shared or not isinstance(change, PrivilegeChange | GatherObjects):
        return (Deed(difference, witnesses.probable, None),)
    if change.database is None:
        return (Deed(difference, witnesses.probable, None),)
    records = witnesses.records(change.database)
    if records is None:
        return (Deed(difference, _not_recorded(witnesses.probable), None),)
    return tuple(_by_actor(change, records))


def _of_defaults(difference: Difference, change: DefaultsChange, witnesses: Witnesses) -> Deed:
    records = witnesses.records(change.database)
    if records is None:
        return Deed(difference, _not_recorded(witnesses.probable), None)
    return Deed(difference, *of_defaults(records.events, change.kind))


def _of_owner(difference: Difference, change: SetOwner, witnesses: Witnesses) -> Deed:
    records = witnesses.records(change.database)
    if records is None:
        return Deed(difference, _not_recorded(witnesses.probable), None)
    return Deed(difference, *records.who(Touched(change.oid, change.kind, "ALTER")))


def _not_recorded(probable: Actor) -> Actor:
    """Who changed a shared catalog then has nothing to do with it."""
    if probable.certainty == "Unknown":
        return probable
    return Actor(certainty="Unknown", why_not=NOT_RECORDED)


def _by_actor(change: PrivilegeChange | GatherObjects, records: Records) -> Iterator[Deed]:
    objects: dict[Actor, list[ObjectRef]] = {}
    when: dict[Actor, datetime | None] = {}
    for one in change.objects:
        undoes: Undone = "GRANT" if isinstance(change, RevokePrivileges) else "REVOKE"
        if isinstance(change, GatherObjects):
            undoes = "ALTER"
        actor, at = records.who(Touched(one.oid, change.kind, undoes))
        objects.setdefault(actor, []).append(one)
        when.setdefault(actor, at)
    for actor, some in objects.items():
        part = change if len(objects) == 1 else replace(change, objects=tuple(some))
        yield Deed(_difference(part), actor, when[actor])


def differences(changes: tuple[Change, ...]) -> tuple[Difference, ...]:
    """One entry a change, less what only follows from another one."""
    created = {c.role for c in changes if isinstance(c, CreateRole)}
    return tuple(_difference(change) for change in changes if not _only_follows(change, created))


def _only_follows(change: Change, created: set[str]) -> bool:
    """A role that was dropped is one drift, not five; sessions end because LOGIN did."""
    match change:
        case EndSessions():
            return True
        case CreateRole() | OfStranger():
            return False
        case GrantPrivileges():
            return created.issuperset(change.grantees)
        case AdoptRole() | RenameRole() | HandOver() | OfAttribute() | OfMembership():
            return change.whose in created
        case RevokePrivileges() | OfDefaults() | HandOnOwned() | DropRole() | ReleaseRole():
            return change.whose in created
        case OfOwner():
            return change.whose in created
        case _:
            assert_never(change)


def _difference(change: Change) -> Difference:
    local = change if isinstance(change, PrivilegeChange) else None
    database, is_shared = (local.database, local.kind not in _RECORDED) if local else (None, True)
    if isinstance(change, DefaultsChange | OfOwner):
        database, is_shared = change.local_to, change.local_to is None
    return Difference(
        what=describe(change),
        object=change.object,
        role=change.whose,
        database=database,
        objects=local.addresses if local else (),
        resources=tuple(str(key) for key in change.causes),
        change=change,
        is_shared=is_shared,
    )

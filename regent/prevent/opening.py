"""What a pass is about to write, as the judges are asked whether it fits what they were told. Pure.

A correction brings back what they were told; whatever else a pass gives or takes they would refuse
others on the same object for, so they forget that object until they are told anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import NamedTuple, TypeAlias

from regent.changes import (
    Change,
    GatherObjects,
    GrantPrivileges,
    RevokePrivileges,
    SetOwner,
)
from regent.kinds import COLUMNS, KINDS, Row
from regent.plan.edges import edges


class Written(NamedTuple):
    """One edge on one object, by the catalog that the judge knows it by; column "" is the whole.

    `is_gain` None is anything else: the object is to be forgotten.
    """

    catalog: str
    oid: int
    column: str = ""
    grantee: str = ""
    privilege: str = ""
    is_option: bool = False
    is_gain: bool | None = None


ByDatabase: TypeAlias = Mapping[str, list[Written]]


def about_to_write(changes: Iterable[Change]) -> ByDatabase:
    """By database. What PUBLIC gains or loses no judge looks at."""
    found: dict[str, list[Written]] = {}
    for change in changes:
        if isinstance(change, GrantPrivileges) and change.database is not None:
            found.setdefault(change.database, []).extend(_given(change))
        elif isinstance(change, RevokePrivileges) and change.database is not None:
            found.setdefault(change.database, []).extend(_taken(change))
        elif isinstance(change, SetOwner | GatherObjects) and change.local_to is not None:
            whole = (Written(one.catalog, one.oid) for one in change.addresses)
            found.setdefault(change.local_to, []).extend(whole)
    return found


def _given(change: GrantPrivileges) -> Iterator[Written]:
    catalog = _told_by(KINDS[change.kind])
    for oid, grantee, privilege, column in edges(change):
        if grantee is not None:
            option = change.grantable
            yield Written(catalog, oid, column, grantee, privilege, option, is_gain=True)


def _taken(change: RevokePrivileges) -> Iterator[Written]:
    catalog = _told_by(KINDS[change.kind])
    if change.cut is not None:
        yield from (Written(catalog, one.oid) for one in change.objects)
        return
    for oid, grantee, privilege, column in edges(change):
        if grantee is not None:
            option = change.grant_option_only
            yield Written(catalog, oid, column, grantee, privilege, option, is_gain=False)
    for one in change.along:
        if one.grantee is None:
            continue
        lost = product(change.objects, one.columns or ("",), one.privileges)
        for on, column, privilege in lost:
            yield Written(catalog, on.oid, column, one.grantee, privilege, is_gain=False)


def _told_by(row: Row) -> str:
    """The catalog that has the object's ACL; of a column its table's."""
    return row.catalog if row is COLUMNS else row.acl_catalog

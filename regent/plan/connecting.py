"""Declared roles that would be shut out, as their own CONNECT is put off. Pure (rule 11).

PUBLIC's CONNECT goes at once, while what replaces it may wait: for the end of a pause, for the
brake, for a name that is listed no more, for what the server refused; or for what is missing, held
or not allowed, which is in no plan (regent/resolve/comers.py). So whoever is declared to
have CONNECT, may log in, and will not have it after these changes keeps PUBLIC's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

from regent.changes import (
    Change,
    GrantMembership,
    GrantPrivileges,
    RevokeMembership,
    RevokePrivileges,
    SetOwner,
)
from regent.desired import Desired
from regent.kinds import KINDS
from regent.observed import Observed, ObservedServer
from regent.plan.renames import new_names, with_new_names
from regent.reach import Reaches
from shared.privileges import CONNECT

InNeed = Mapping[str, frozenset[str]]
"""By database, the declared roles that have no CONNECT but PUBLIC's for now."""
NOBODY: InNeed = MappingProxyType({})


def in_need(desired: Desired, observed: Observed, changes: Collection[Change]) -> InNeed:
    """Where these changes close a database to PUBLIC; `desired` has all that is declared."""
    closed = {
        change.database
        for change in changes
        if isinstance(change, RevokePrivileges) and closes(change) and change.database is not None
    }
    if not closed:
        return NOBODY
    server = with_new_names(observed, new_names(changes)).server
    inherited = ((m.member, m.group) for m in desired.memberships if m.inherit)
    declared = Reaches.by(server, (*inherited, *desired.comers.joining))
    will_be = Reaches.by(server, _memberships_after(server, changes))
    found = {}
    for database in closed:
        due = _due(desired, database) | _of_others(desired, server, database)
        have = _holders_after(server, database, changes)
        missing = frozenset(
            name
            for name in _who_log_in(desired, server)
            if not due.isdisjoint(declared.roles_of(name))
            and have.isdisjoint(will_be.roles_of(name))
        )
        if missing:
            found[database] = missing
    return found


def closes(change: Change) -> bool:
    """Whether it takes CONNECT on a database from PUBLIC, or what PUBLIC has that by."""
    if not isinstance(change, RevokePrivileges):
        return False
    taken = () if change.grant_option_only else change.grantees
    return CONNECT in change.privileges and None in (*taken, *change.losing)


def _who_log_in(desired: Desired, server: ObservedServer) -> Iterator[str]:
    """Declared to log in and able to now, but for superusers, who need no privilege."""
    names = {role.name for role in desired.roles.values() if role.login}
    for name in names | (desired.comers.refused - desired.roles.keys()):
        there = server.roles.get(name)
        if there is not None and there.login and not there.attributes.superuser:
            yield name


def _due(desired: Desired, database: str) -> frozenset[str | None]:
    given = frozenset(
        grantee
        for grant in desired.grants.get(database, ())
        if CONNECT in grant.privileges
        for grantee in grant.grantees
    )
    return given | desired.comers.by_database.get(database, frozenset())


def _of_others(desired: Desired, server: ObservedServer, database: str) -> frozenset[str | None]:
    """Roles of others that have CONNECT: whoever is to join one is to connect by it."""
    acls = (group.acl for group in server.databases if database in group.names)
    held = {item.grantee for acl in acls for item in acl if CONNECT in item.privileges}
    return frozenset(held) - desired.managed - {None}


def _memberships_after(
    server: ObservedServer, changes: Iterable[Change]
) -> Iterator[tuple[str, str]]:
    left = {
        (one.member, one.group)
        for one in changes
        if isinstance(one, RevokeMembership) and not one.admin_only
    }
    for row in server.memberships:
        if row.inherit and (row.member, row.group) not in left:
            yield row.member, row.group
    for one in changes:
        if isinstance(one, GrantMembership) and one.inherit:
            yield one.member, one.group


def _holders_after(
    server: ObservedServer, database: str, changes: Iterable[Change]
) -> frozenset[str | None]:
    """Who has CONNECT himself: what is given counts last, as it may stand for what is taken."""
    acls = (group.acl for group in server.databases if database in group.names)
    held = {item.grantee for acl in acls for item in acl if CONNECT in item.privileges}
    given: set[str | None] = set()
    for one in changes:
        if isinstance(one, SetOwner):
            if one.database == database and CONNECT in KINDS[one.kind].privileges:
                given.add(one.owner)
            continue
        if not isinstance(one, GrantPrivileges | RevokePrivileges):
            continue
        if one.database != database or CONNECT not in one.privileges:
            continue
        if isinstance(one, GrantPrivileges):
            given.update(one.grantees)
        else:
            held.difference_update(one.losing)
            if not one.grant_option_only:
                held.difference_update(one.grantees)
    return frozenset(held | given) - {None}

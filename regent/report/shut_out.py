"""Who may not connect to a database any more once PUBLIC may not, for plan and apply. Pure.

PostgreSQL lets everybody connect. Where `publicPrivileges.connect: Declared` ends that, nobody is
named by the change itself: it is PUBLIC's. Who has a session keeps it open (regent/plan/public.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from regent.changes import (
    Change,
    DisableRole,
    DropRole,
    GrantMembership,
    GrantPrivileges,
    RevokeMembership,
    RevokePrivileges,
)
from regent.desired import Desired
from regent.observed import ObservedServer
from regent.plan.connecting import closes
from regent.plan.renames import server_after
from shared.listing import first_of
from shared.privileges import CONNECT

SHOWN = 10


def shut_out_notes(
    changes: Iterable[Change], server: ObservedServer, desired: Desired
) -> tuple[str, ...]:
    """One for each database that is closed, if it is to anybody. `server` is before or after."""
    changes = tuple(changes)
    closed = {name for change in changes for name in _closed_by(change)}
    if not closed:
        return ()
    server = server_after(changes, server)
    groups = _groups(changes, server)
    users, others = _logins(changes, server, desired)
    notes: list[str] = []
    for database in sorted(closed):
        holders = _holders(database, changes, server)
        lost, strangers = (
            [one for one in names if holders.isdisjoint(_rights(one, groups))]
            for names in (users, others)
        )
        if lost or strangers:
            notes.append(_words(database, lost, strangers))
    return tuple(notes)


def _words(database: str, users: list[str], others: list[str]) -> str:
    named = [first_of([repr(one) for one in users], SHOWN)] if users else []
    if others:
        named.append(f"{first_of([repr(one) for one in others], SHOWN)}, declared by nobody")
    return (
        f"Once PUBLIC has no CONNECT on database {database!r} these may not connect to it:"
        f" {'; '.join(named)}. Nothing else gives it to them. Whoever is to connect needs a"
        " Role with a Permission for CONNECT."
    )


def _closed_by(change: Change) -> Iterator[str]:
    if isinstance(change, RevokePrivileges) and closes(change):
        yield from (one.name for one in change.objects)


def _holders(database: str, changes: Iterable[Change], server: ObservedServer) -> frozenset[str]:
    """Who has CONNECT there itself, after these changes."""
    found = {
        item.grantee
        for group in server.databases
        if database in group.names
        for item in group.acl
        if CONNECT in item.privileges
    }
    taken: set[str | None] = set()
    given: set[str | None] = set()
    for change in changes:
        if not isinstance(change, GrantPrivileges | RevokePrivileges):
            continue
        is_there = any(one.name == database for one in change.objects)
        if CONNECT not in change.privileges or not is_there:
            continue
        if isinstance(change, GrantPrivileges):
            given.update(change.grantees)
            continue
        taken.update(change.losing)
        if not change.grant_option_only:
            taken.update(change.grantees)
    return frozenset(one for one in (found - taken) | given if one is not None)


def _groups(changes: Iterable[Change], server: ObservedServer) -> Mapping[str, frozenset[str]]:
    """Whose rights each role uses by INHERIT, one step, after these changes."""
    rows = {(m.member, m.group, m.grantor) for m in server.memberships if m.inherit}
    for change in changes:
        if isinstance(change, RevokeMembership) and not change.admin_only:
            gone = {(change.member, change.grantor), *change.along}
            rows = {row for row in rows if row[1] != change.group or (row[0], row[2]) not in gone}
    for change in changes:
        if isinstance(change, GrantMembership) and change.inherit:
            rows.add((change.member, change.group, ""))
    found: dict[str, frozenset[str]] = {}
    for member, group, _ in rows:
        found[member] = found.get(member, frozenset()) | {group}
    return found


def _rights(role: str, groups: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The roles whose rights it uses, itself among them."""
    seen: set[str] = set()
    open_ends = [role]
    while open_ends:
        one = open_ends.pop()
        if one not in seen:
            seen.add(one)
            open_ends += groups.get(one, ())
    return frozenset(seen)


def _logins(
    changes: Iterable[Change], server: ObservedServer, desired: Desired
) -> tuple[list[str], list[str]]:
    """Who may log in after these changes and is no superuser: declared, and by nobody."""
    users = sorted(
        name for name, role in desired.roles.items() if role.login and not role.attributes.superuser
    )
    ended = {one.role for one in changes if isinstance(one, DropRole | DisableRole)}
    ended |= {one.name for one in desired.endings}
    others = sorted(
        name
        for name, role in server.roles.items()
        if role.login
        and not role.attributes.superuser
        and name not in (desired.roles.keys() | ended | server.own_admins)
    )
    return users, others

"""What an adoption, and the end of access for a time, add to a plan and to its order."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from regent.changes import (
    AlterRole,
    Change,
    Effect,
    EndSessions,
    RevokeMembership,
    SetPassword,
)
from regent.desired import Desired
from regent.observed import ObservedServer
from regent.plan.handing_over import Members, gives_to, hands_on, taken_from

ACCESS_ENDED = "its access for a time has ended, and one in SET ROLE keeps it"
WHY = "it is adopted, and they keep what was taken from it"


def plan_sessions(
    desired: Desired, changes: Sequence[Change], adopted: Collection[str], sessions: Collection[str]
) -> Iterator[EndSessions]:
    """Sessions of adopted roles end when something is taken: one in SET ROLE keeps it (PG-ROLE-17).

    Those of a role without LOGIN end as they always do.
    """
    taken = {role for change in changes for role in taken_from(change)}
    for name in sorted(adopted):
        role = desired.roles[name]
        if role.login and (name in taken or name in sessions):
            yield EndSessions(name, WHY, role.declared_by, Effect.REMOVE)


def ended_sessions(
    desired: Desired, changes: Sequence[Change], sessions: Collection[str]
) -> Iterator[EndSessions]:
    """All sessions of whoever loses access for a time that is over, or lost it in an earlier pass.

    Nobody can see from outside which of them is in SET ROLE, and that one would keep it.
    """
    lost = {
        change.member
        for change in changes
        if isinstance(change, RevokeMembership)
        and not change.admin_only
        and (change.group, change.member) in desired.ended
    }
    for name in sorted(lost.union(sessions)):
        role = desired.roles.get(name)
        if role is not None and role.login and not role.attributes.superuser:
            yield EndSessions(name, ACCESS_ENDED, role.declared_by, Effect.REMOVE)


def handing_on_late(
    changes: Sequence[Change], server: ObservedServer, strangers: Collection[str] = ()
) -> frozenset[int]:
    """The ids of new passwords and LOGIN that must come last, after what is taken from the role.

    What a role reaches counts: its holder gets that as well. Whatever the declaration gives comes
    last where strangers may use the role.
    """
    late = [
        change
        for change in changes
        if isinstance(change, SetPassword)
        or (isinstance(change, AlterRole) and change.effect is Effect.OPEN)
    ]
    taken = {role for change in changes for role in taken_from(change)}
    if not (late and taken) and not strangers:
        return frozenset()
    members = Members.of(server)
    having = members.reaching(taken)
    last = {id(change) for change in late if hands_on(change, members) in having}
    if strangers:
        last |= {
            id(change)
            for change in changes
            if hands_on(change, members) in strangers
            or not gives_to(change, members).isdisjoint(strangers)
        }
    return frozenset(last)

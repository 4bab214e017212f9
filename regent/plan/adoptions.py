"""What an adoption, and the end of access for a time, add to a plan."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from regent.changes import Change, Effect, EndSessions, RevokeMembership, RevokePrivileges
from regent.desired import Desired
from regent.plan.handing_over import taken_from

ACCESS_ENDED = "its access for a time has ended, and one in SET ROLE keeps it"
WHY = "it is adopted, and they keep what was taken from it"


def plan_sessions(
    desired: Desired, changes: Sequence[Change], adopted: Collection[str], sessions: Collection[str]
) -> Iterator[EndSessions]:
    """Sessions of adopted roles end when something is taken: one in SET ROLE keeps it (PG-ROLE-17).

    Those of a role without LOGIN end as they always do.
    """
    tried = (c for c in changes if not (isinstance(c, RevokePrivileges) and c.refusal))
    taken = {role for change in tried for role in taken_from(change)}
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

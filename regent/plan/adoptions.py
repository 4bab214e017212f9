"""What the adoption of a role adds to a plan, and to its order (rule 10)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from regent.changes import AlterRole, Change, Effect, EndSessions, SetPassword
from regent.desired import Desired
from regent.observed import ObservedServer
from regent.plan.handing_over import Members, hands_on, taken_from

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


def handing_on_late(changes: Sequence[Change], server: ObservedServer) -> frozenset[int]:
    """The ids of new passwords and LOGIN that must come last, after what is taken from the role.

    What a role reaches counts: its holder gets that as well.
    """
    late = [
        change
        for change in changes
        if isinstance(change, SetPassword)
        or (isinstance(change, AlterRole) and change.effect is Effect.OPEN)
    ]
    taken = {role for change in changes for role in taken_from(change)}
    if not late or not taken:
        return frozenset()
    members = Members.of(server)
    handed = ((id(change), hands_on(change, members)) for change in late)
    return frozenset(one for one, role in handed if role and members.reach(role, taken))

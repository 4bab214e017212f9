"""Roles at their end: access first, then what they hold, then what they own (rule 27)."""

from __future__ import annotations

from collections.abc import Iterator

from regent.changes import (
    AdoptRole,
    AlterRole,
    Change,
    ClearPassword,
    DropRole,
    Effect,
    EndSessions,
    HandOnOwned,
    ReleaseRole,
)
from regent.desired import Desired, Ending
from regent.observed import ObservedServer
from regent.plan.authority import Authority

WHY = "nothing declares it any more"


def plan_endings(
    desired: Desired, server: ObservedServer, authority: Authority
) -> Iterator[Change]:
    """Everything but privileges and memberships, which are spurious like any others.

    Whether a role still owns something, here or in a database that nobody serves, only the server
    knows: it refuses the DROP, and that is the outcome.
    """
    for ending in sorted(desired.endings, key=lambda e: e.name):
        is_there = ending.name in server.roles
        if ending.is_taken_back:
            if not is_there or authority.is_untouchable(ending.name):
                continue
            yield AdoptRole(ending.name, ending.holder, (ending.holder,))
        if ending.retain or not is_there or authority.is_untouchable(ending.name):
            yield ReleaseRole(ending.name, (ending.holder,), marked_as=ending.marked_as)
        else:
            yield from _ended(ending, desired, server)


def _ended(ending: Ending, desired: Desired, server: ObservedServer) -> Iterator[Change]:
    """A database that is not on the server holds nothing that could be handed on."""
    name, causes, observed = ending.name, (ending.holder,), server.roles[ending.name]
    if observed.login:
        yield AlterRole(name, Effect.CLOSE, login=False, causes=causes)
    yield EndSessions(name, WHY, causes)
    if observed.verifier is not None and not ending.created:
        yield ClearPassword(name, causes)
    if ending.reassign_to is not None:
        there = {name for group in server.databases for name in group.names}
        for database in sorted(there.intersection(desired.grants)):
            yield HandOnOwned(
                database,
                name,
                ending.reassign_to,
                causes,
                listed=ending.listed,
                refusal=ending.refusal,
                ended_at=ending.ended_at,
            )
    if ending.created:
        yield DropRole(name, causes, marked_as=ending.marked_as)
    else:
        yield ReleaseRole(name, causes, has_ended=True, marked_as=ending.marked_as)

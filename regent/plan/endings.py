"""Roles at their end: access first, then what they hold, then what they own (rule 27)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from regent.changes import (
    AdoptRole,
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    DropRole,
    Effect,
    EndSessions,
    HandOnOwned,
    ReleaseRole,
)
from regent.desired import Desired, Ending
from regent.observed import ObservedRole, ObservedServer
from regent.plan.authority import Authority
from regent.reach import POWERFUL_ATTRIBUTES
from shared.keys import ResourceKey

WHY = "nothing declares it any more"


def plan_endings(
    desired: Desired, server: ObservedServer, authority: Authority
) -> Iterator[Change]:
    """Everything but privileges and memberships, which are spurious like any others.

    Whether a role still owns something, here or in a database that nobody serves, only the server
    knows: it refuses the DROP, and that is the outcome.
    """
    there = server.database_names
    databases = sorted(there.intersection(desired.grants))
    for ending in sorted(desired.endings, key=lambda e: e.name):
        is_there = ending.name in server.roles
        if ending.is_taken_back:
            if not is_there or authority.is_untouchable(ending.name):
                continue
            yield AdoptRole(ending.name, ending.holder, (ending.holder,))
        if ending.retain or not is_there or authority.is_untouchable(ending.name):
            yield ReleaseRole(ending.name, (ending.holder,), marked_as=ending.marked_as)
        else:
            yield from _ended(ending, databases, server)


def _ended(ending: Ending, databases: Sequence[str], server: ObservedServer) -> Iterator[Change]:
    """A database that is not on the server holds nothing that could be handed on."""
    name, causes, observed = ending.name, (ending.holder,), server.roles[ending.name]
    if observed.login:
        yield AlterRole(name, Effect.CLOSE, login=False, causes=causes)
    yield from _powers_taken(observed, causes)
    yield EndSessions(name, WHY, causes)
    if observed.verifier is not None and not ending.created:
        yield ClearPassword(name, causes)
    if ending.reassign_to is not None:
        for database in databases:
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


def _powers_taken(observed: ObservedRole, causes: tuple[ResourceKey, ...]) -> Iterator[Change]:
    """What the role itself may do, and its settings: nothing declares them any more.

    It may stay for what it owns, and its code runs with its attributes. They go together with LOGIN
    and before its sessions end: an admin that is no superuser ends no superuser's. One change each,
    so that one which the admin may not take keeps no other.
    """
    change = AlterRole(observed.name, Effect.CLOSE, causes=causes)
    for attribute in POWERFUL_ATTRIBUTES:
        if getattr(observed.attributes, attribute):
            taken: dict[str, Any] = {attribute: False}
            yield replace(change, **taken)
    for key in sorted(observed.settings, key=lambda key: (key.database or "", key.parameter)):
        yield AlterSetting(observed.name, key.database, key.parameter, None, causes, Effect.NARROW)

"""LOGIN is taken from a role whose own sessions hold its row (rule 24).

Every role may change its own password, and holds its row in pg_authid until it commits: so the one
whose access shall end could keep it. In the transaction that takes LOGIN its sessions are told to
end right before. Who comes back meanwhile queues behind us, and is told to end in the next attempt.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress

import asyncpg

from regent.apply.locked import LOCK_IS_HELD, Holder, LockedError
from regent.apply.result import RETRIED, ChangeResult, sqlstate
from regent.changes import AlterRole, Change, DisableRole, Effect
from regent.server.again import again
from regent.server.connection import Connection
from shared.backoff import Backoff
from sql import load

ATTEMPTS = 8
"""Each more needs a client that was faster than the queue of the lock."""
VAIN_ATTEMPTS = 2
"""Of these, with no session of the role to end: somebody else holds the row."""
PATIENCE_SECONDS = 5.0
"""For all ends of one plan together. What is had at once takes nothing from it."""


def closed_by(changes: Iterable[Change]) -> tuple[str, ...]:
    """The roles whose LOGIN these changes take."""
    return tuple(
        change.role
        for change in changes
        if isinstance(change, AlterRole | DisableRole) and change.effect is Effect.CLOSE
    )


def locked_ends(results: Iterable[ChangeResult]) -> frozenset[str]:
    """The roles whose LOGIN could not be taken, as somebody held them."""
    locked = (r.change for r in results if not r.done and r.sqlstate == LOCK_IS_HELD)
    return frozenset(closed_by(locked))


async def tell_to_end(
    connection: Connection, roles: Collection[str], ours: Collection[int]
) -> bool:
    """Whether any session of these roles was told to end; nobody waits for it here."""
    pids = [*map(str, ours)]
    return bool(await connection.fetch(load("leaving/told_to_end"), list(roles), pids))


async def insist(once: Callable[[], Awaitable[None]], found: Callable[[], bool]) -> None:
    """`once` again and again, while it has sessions to end: `found` says so of the last attempt.

    Bounded: who comes back each time wins no more than ATTEMPTS rounds of one effort.
    """
    vain = 0

    def goes_on(error: asyncpg.PostgresError) -> bool:
        nonlocal vain
        vain += not found()
        return vain < VAIN_ATTEMPTS and sqlstate(error) in RETRIED

    await again(once, attempts=ATTEMPTS, waits=Backoff(first=0.0), passes_by=goes_on)


async def locked_by(connection: Connection, role: str) -> LockedError:
    """Who holds the row of a role: exactly where pg_authid can be read, else who may be it."""
    rows = await connection.fetch(load("leaving/changes_roles"))
    with suppress(asyncpg.InsufficientPrivilegeError):
        writer = await connection.fetchval(load("leaving/role_writer"), role)
        rows = [row for row in rows if writer in row["transactions"]] or rows
    return LockedError([*map(Holder.of, rows)])

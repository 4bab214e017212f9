"""One short transaction as one string: one round trip when it is small (benchmarks/README.md)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence

import asyncpg

from regent.apply.becoming import Becoming
from regent.apply.locked import LOCK_IS_HELD, Patience
from regent.apply.render import Statement
from regent.apply.result import DID_LESS, RETRIED, OnlyWarnedError, sqlstate
from regent.server.again import again
from regent.server.connection import Connection
from shared.backoff import Backoff

STATEMENTS_PER_STRING = 1_000
"""Longer strings cost more than linearly."""

LOCK_TIMEOUT_MS = 250
"""Below deadlock_timeout (1 s): in a deadlock with an application it is we who give way."""

ATTEMPTS = 4
FIRST_WAIT_SECONDS = 0.03


async def run(
    connection: Connection,
    statements: Sequence[str],
    *,
    lock_timeout_ms: int = LOCK_TIMEOUT_MS,
    patience: Patience | None = None,
    before_commit: Callable[[], Awaitable[None]] | None = None,
    after_begin: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """All of the statements or none. The connection is in no transaction afterwards.

    Of the `patience` is taken what it waits for locks that are not to be had. Raises
    OnlyWarnedError where PostgreSQL did less than it was told: of that nothing is undone, where
    nothing is to be done `before_commit`.
    """
    began = time.monotonic()
    warnings: list[asyncpg.PostgresLogMessage] = []

    def hear(_: object, said: asyncpg.PostgresLogMessage) -> None:
        if getattr(said, "sqlstate", None) in DID_LESS:
            warnings.append(said)

    connection.add_log_listener(hear)
    if patience is not None:
        lock_timeout_ms = patience.timeout_ms(lock_timeout_ms)
    begin = ["BEGIN", f"SET LOCAL lock_timeout = {lock_timeout_ms}"]
    try:
        if after_begin is not None:
            await connection.execute("; ".join(begin))
            begin = []
            await after_begin()
        pending = [*begin, *statements]
        if before_commit is None:
            pending.append("COMMIT")
        for start in range(0, len(pending), STATEMENTS_PER_STRING):
            await connection.execute(";\n".join(pending[start : start + STATEMENTS_PER_STRING]))
        _require_done(warnings)
        if before_commit is not None:
            await before_commit()
            await connection.execute("COMMIT")
    except BaseException as error:
        if patience is not None and isinstance(error, asyncpg.LockNotAvailableError):
            patience.spend(time.monotonic() - began)
        await _leave(connection)
        raise
    finally:
        connection.remove_log_listener(hear)


async def patiently(
    work: Callable[[], Awaitable[None]],
    *,
    retried: Collection[str] = RETRIED,
    patience: Patience | None = None,
) -> None:
    """Again while somebody else is at it, a few times, a little later each time.

    For what others hold only while the `patience` of the pass lasts: give it to run() too.
    """

    def passes_by(error: asyncpg.PostgresError) -> bool:
        state = sqlstate(error)
        is_over = state == LOCK_IS_HELD and patience is not None and patience.is_over
        return state in retried and not is_over

    await again(work, attempts=ATTEMPTS, waits=Backoff(FIRST_WAIT_SECONDS), passes_by=passes_by)


def as_their_roles(statements: Sequence[Statement], becoming: Becoming) -> list[str]:
    """The SQL of the statements, each as the role it wants, for inside one transaction."""
    lines: list[str] = []
    role: str | None = None
    for statement in statements:
        is_superusers = becoming.is_superuser and statement.is_owners
        wanted = None if is_superusers else statement.as_role
        if wanted != role:
            if role is not None and (wanted is None or becoming.joins):
                lines += becoming.end(role)
            if wanted is not None:
                lines += becoming.begin(wanted)
            role = wanted
        lines.append(statement.sql)
    if role is not None:
        lines += becoming.end(role)
    return lines


def _require_done(warnings: Sequence[asyncpg.PostgresLogMessage]) -> None:
    for said in warnings:
        raise OnlyWarnedError(str(said.sqlstate), str(said))


async def _leave(connection: Connection) -> None:
    """Out of the failed transaction. A connection that cannot even do that is given up."""
    if connection.is_closed():
        return
    try:
        async with asyncio.timeout(5):
            await connection.execute("ROLLBACK")
    except Exception:  # noqa: BLE001 - whatever it was, the first error is the one to tell
        connection.terminate()
    except BaseException:
        connection.terminate()
        raise

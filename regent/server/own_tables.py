"""Others can lock our tables in a served database: nothing waits for them, and who does is named.

Whoever owns the database may read them (a dump locks every table) and VACUUM FULL them, which
queues everybody behind the reader.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

import sql
from regent.server.lenient_text import legible

LOCK_TIMEOUT = "100ms"
BEGIN = f"BEGIN; SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"


@asynccontextmanager
async def without_waiting(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """One transaction that waits for no lock; raises LockNotAvailableError where it would."""
    await connection.execute(BEGIN)
    try:
        yield
    except asyncpg.PostgresError:
        await connection.execute("ROLLBACK")
        raise
    await connection.execute("COMMIT")


@asynccontextmanager
async def impatient(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """As `without_waiting`, for what has transactions of its own."""
    await connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    try:
        yield
    except Exception:
        if not connection.is_closed():
            await connection.execute("RESET lock_timeout")
        raise
    await connection.execute("RESET lock_timeout")


async def in_the_way(connection: asyncpg.Connection) -> str:
    """Who locks our tables in this database, in words, with what helps."""
    rows = await connection.fetch(sql.load("watch/in_the_way"))
    if not rows:
        return "Somebody locked a table of PostgRegent's for a moment."
    tables = sorted({f"postgregent.{row['table']}" for row in rows})
    holding = _sessions([row for row in rows if row["is_held"]])
    waiting = _sessions([row for row in rows if not row["is_held"]])
    said = [f"{', '.join(holding)} holds a lock"] if holding else []
    if waiting:
        said.append(f"{', '.join(waiting)} waits for one that shuts out everybody")
    pids = sorted({row["pid"] for row in rows if row["pid"] is not None})
    ends = "; ".join(f"SELECT pg_terminate_backend({pid})" for pid in pids)
    helps = ends or "COMMIT PREPARED or ROLLBACK PREPARED what pg_prepared_xacts names"
    return f"On {', '.join(tables)} {' and '.join(said)}. To end it: {helps}."


def _sessions(rows: Sequence[asyncpg.Record]) -> list[str]:
    return list(
        dict.fromkeys(
            f'"{legible(row["session_user"])}" (pid {row["pid"]})'
            if row["session_user"] is not None
            else "a prepared transaction"
            for row in rows
        )
    )

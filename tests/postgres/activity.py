"""What sessions were seen to run: pg_stat_activity, looked at again and again during a test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.postgres.server import PostgresServer

PERIOD_SECONDS = 0.01
SEEN = (
    "SELECT application_name || ' ' || query FROM pg_catalog.pg_stat_activity"
    " WHERE pid <> pg_catalog.pg_backend_pid() AND query <> ''"
)


@asynccontextmanager
async def sampled_activity(server: PostgresServer) -> AsyncIterator[set[str]]:
    """A set that fills with `application query` while the block runs; one sample at least."""
    connection = await server.connect()
    seen: set[str] = set()
    await _sample(connection, seen)
    task = asyncio.create_task(_keep_sampling(connection, seen))
    try:
        yield seen
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, asyncpg.PostgresError, OSError):
            await task
        connection.terminate()


async def _keep_sampling(connection: asyncpg.Connection, seen: set[str]) -> None:
    while True:
        await asyncio.sleep(PERIOD_SECONDS)
        await _sample(connection, seen)


async def _sample(connection: asyncpg.Connection, seen: set[str]) -> None:
    seen.update(row[0] for row in await connection.fetch(SEEN))

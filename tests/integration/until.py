"""Waiting in tests for what happens by itself, without asserting how long it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg

PATIENCE_SECONDS = 120


async def until(condition: Callable[[], Awaitable[bool] | bool]) -> None:
    """Return once the condition holds; TimeoutError when it never does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            answer = condition()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.01)


async def cleared(connection: asyncpg.Connection) -> None:
    """Wait until the Regent has cleared away the events of its own grants.

    One that is killed before cannot be told from anybody else by the next one.
    """
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await connection.fetchval("SELECT count(*) FROM postgregent.event"):
            await asyncio.sleep(0.02)

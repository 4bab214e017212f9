"""Answers the watcher's questions about one database over the pool, where no connection LISTENs.

A LISTEN connection for each of hundreds of databases would take all that a server has. What is only
asked in turn is found a little later, and nothing of it is lost: fingerprints compare contents.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg

from regent.detect.wake import Full, Hint
from regent.server.connections import Connections
from regent.server.trouble import TROUBLE

ANSWER_SECONDS = 5.0


class PolledSource:
    """A watcher's source without a connection of its own."""

    def __init__(
        self, database: str, connections: Connections, wake: Callable[[Hint], None]
    ) -> None:
        self._database = database
        self._connections = connections
        self._wake = wake
        self._was_lost = False

    async def fetchrow(self, query: str, *arguments: Any) -> asyncpg.Record | None:
        """One row. The first answer after trouble asks for a full look."""
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS),
                self._connections.use(self._database) as connection,
            ):
                try:
                    row = await connection.fetchrow(query, *arguments)
                except asyncio.CancelledError:
                    connection.terminate()
                    raise
        except TROUBLE:
            self._was_lost = True
            raise
        if self._was_lost:
            self._was_lost = False
            self._wake(Full(f"asking {self._database} again"))
        return row

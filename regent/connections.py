"""One work connection per database, opened when first asked for and again when it broke."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from regent.home_database import Connects
from regent.trouble import TROUBLE

CLOSE_SECONDS = 2.0


class Connections:
    """The work connections of one Regent. Each is used by one task at a time."""

    def __init__(self, connector: Connects, *, purpose: str = "work") -> None:
        self._connector = connector
        self._purpose = purpose
        self._open: dict[str, asyncpg.Connection] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def use(self, database: str) -> AsyncIterator[asyncpg.Connection]:
        """The connection to this database, for us alone. Raises what Connector.connect raises.

        One that is left inside a transaction is closed: what was half done there is undone.
        """
        async with self._locks.setdefault(database, asyncio.Lock()):
            connection = self._open.get(database)
            if connection is None or connection.is_closed():
                connection = await self._connector.connect(database, purpose=self._purpose)
                self._open[database] = connection
            try:
                yield connection
            finally:
                if not connection.is_closed() and connection.is_in_transaction():
                    connection.terminate()

    @property
    def pids(self) -> frozenset[int]:
        """The server processes that work for us now: what they do is no drift."""
        return frozenset(
            connection.get_server_pid()
            for connection in self._open.values()
            if not connection.is_closed()
        )

    async def close(self) -> None:
        """Close all of them, those that hang as well. They may be used, and open, again."""
        connections, self._open = self._open, {}
        for connection in connections.values():
            try:
                await connection.close(timeout=CLOSE_SECONDS)
            except TROUBLE:
                connection.terminate()

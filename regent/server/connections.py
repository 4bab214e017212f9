"""The work connections: one per database at most, and few over all databases of a Regent.

However many databases a Regent serves, it holds at most 20 connections: 8 for work, 8 that LISTEN
(regent/detect/detectors.py), and one each for lock, home database and watcher; one is in reserve.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from regent.server.connection import Connects
from regent.server.trouble import TROUBLE

CLOSE_SECONDS = 2.0
MOST_WORKING = 8
"""Work connections that are open at one time."""


class Connections:
    """The work connections of one Regent. Each is used by one task at a time."""

    def __init__(
        self, connector: Connects, *, purpose: str = "work", most: int = MOST_WORKING
    ) -> None:
        """`most` are open at one time; who wants another one waits until one is free."""
        self._connector = connector
        self._purpose = purpose
        self._open: dict[str, asyncpg.Connection] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._most = most
        self._places = asyncio.Semaphore(most)
        self._in_use: set[str] = set()

    @asynccontextmanager
    async def use(self, database: str) -> AsyncIterator[asyncpg.Connection]:
        """The connection to this database, for us alone. Raises what Connector.connect raises.

        One that is left inside a transaction is closed: what was half done there is undone.
        """
        async with self._locks.setdefault(database, asyncio.Lock()), self._places:
            self._in_use.add(database)
            try:
                connection = await self._connection(database)
            except BaseException:
                self._in_use.discard(database)
                raise
            try:
                yield connection
            finally:
                self._in_use.discard(database)
                if not connection.is_closed() and connection.is_in_transaction():
                    connection.terminate()

    async def _connection(self, database: str) -> asyncpg.Connection:
        """The open one, or a new one for which the one used longest ago makes room."""
        connection = self._open.pop(database, None)
        if connection is None or connection.is_closed():
            while idle := self._in_the_way():
                await _close(self._open.pop(idle))
            connection = await self._connector.connect(database, purpose=self._purpose)
        self._open[database] = connection
        return connection

    def _in_the_way(self) -> str | None:
        """The database whose idle connection is closed next; those in use are no more than fit."""
        besides = self._in_use - self._open.keys()
        if len(self._open) + len(besides) <= self._most:
            return None
        return next((name for name in self._open if name not in self._in_use), None)

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
            await _close(connection)


async def _close(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=CLOSE_SECONDS)
    except TROUBLE:
        connection.terminate()

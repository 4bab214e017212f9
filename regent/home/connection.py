"""The one connection to the home database, for one caller at a time, opened again when it broke.

What is read and written there is done as the owner role; whoever borrows it has the admin's rights.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Literal, TypeVar

import asyncpg

from regent.home import database as home_database
from regent.home.database import HomeDatabaseMissing
from regent.server.connection import Connection, Connects
from regent.server.lenient_text import shown
from regent.server.trouble import CONNECTION_IS_GONE, ConnectionOverError, heed_cancellation
from sql import load

ADMIN: Literal["admin"] = "admin"
OWNER: Literal["owner"] = "owner"

CLOSING_SECONDS = 5.0

T = TypeVar("T")


class HomeConnection:
    """Opened by whoever makes or finds the home database, as the admin."""

    def __init__(self, connector: Connects, connection: Connection, database: str) -> None:
        self.database = database
        self._connector = connector
        self._connection = connection
        self._lock = asyncio.Lock()
        self._is_over = False
        self._acts_as: str | None = ADMIN

    async def close(self) -> None:
        """It ends, and none is opened again; nothing is lost by it.

        Whoever waits for an answer that does not come, as from a server that stands still, is cut
        off: who closes would wait for ever, and the Regent connect to nothing meanwhile.
        """
        self._is_over = True
        try:
            async with asyncio.timeout(CLOSING_SECONDS), self._lock:
                with suppress(*CONNECTION_IS_GONE):
                    await self._connection.close(timeout=CLOSING_SECONDS)
        except TimeoutError:
            self._connection.terminate()

    @asynccontextmanager
    async def borrowed(self) -> AsyncIterator[Connection]:
        """The connection to the home database, for one caller at a time, opened when it broke.

        It has the admin's rights: who writes in our tables acts as their owner meanwhile.
        """
        async with self._lock:
            yield await self._acting(ADMIN)

    async def do(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Work as the owner role, once more on a new connection where this one broke."""
        async with self._lock:
            connection = await self._living()
            try:
                return await work(await self._acting(OWNER))
            except CONNECTION_IS_GONE:
                connection.terminate()
                heed_cancellation()
                return await work(await self._acting(OWNER))

    async def fetch(self, name: str, *values: object) -> list[asyncpg.Record]:
        """The rows of a query of sql/home."""

        async def once(connection: Connection) -> list[asyncpg.Record]:
            return await connection.fetch(load(name), *map(_storable, values))

        return await self.do(once)

    async def execute(self, name: str, *values: object) -> None:
        """A statement of sql/home."""

        async def once(connection: Connection) -> None:
            await connection.execute(load(name), *map(_storable, values))

        await self.do(once)

    async def _living(self) -> Connection:
        if not self._connection.is_closed():
            return self._connection
        if self._is_over:
            raise ConnectionOverError(way_out="Ask again: another one is opened.")
        connection = await home_database.enter(self._connector, self.database)
        if connection is None:
            raise HomeDatabaseMissing(
                f'The home database "{self.database}" is gone.',
                way_out="Restore it, or start the Regent again: it makes a new one and observes.",
            )
        self._connection, self._acts_as = connection, ADMIN
        return connection

    async def _acting(self, role: Literal["admin", "owner"]) -> Connection:
        """The living connection in this role. What was cut off half way is set again."""
        connection = await self._living()
        if self._acts_as != role:
            self._acts_as = None
            if role == OWNER:
                await home_database.act_as_owner(connection)
            else:
                await home_database.act_as_admin(connection)
            self._acts_as = role
        return connection


def _storable(value: object) -> object:
    """Whatever is remembered is legible: what the server said may hold a name that is not UTF-8."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, list):
        return [_storable(one) for one in value]
    return value

"""The work connections: one per database at most, and few over all databases of a Regent.

However many databases a Regent serves, it holds at most 20 connections: 8 for work, 8 that LISTEN
(regent/detect/detectors.py), and one each for lock, home database and watcher; one is in reserve.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg

from regent.server.connection import Connects
from regent.server.connection_limits import TOO_MANY, AnyConnection, with_numbers
from regent.server.places import Places, Turn
from regent.server.trouble import TROUBLE, CannotConnectError, DidNotAnswerError, heed_cancellation

CLOSE_SECONDS = 2.0
MOST_WORKING = 8
"""Work connections that are open at one time."""
IDLE_SECONDS = 30.0
"""A connection that nobody used for so long is closed."""
WORK_SECONDS = 600.0
"""How long one use may last where its caller names no other time."""
READ_SECONDS = 60.0
"""A database that is not read by then is unread for this pass."""
TRIAL_SECONDS = 5.0
"""Within these a database that hung before must answer a small question."""


class Connections:
    """The work connections of one Regent. Each is used by one task at a time."""

    def __init__(
        self,
        connector: Connects,
        *,
        purpose: str = "work",
        most: int = MOST_WORKING,
        idle_seconds: float = IDLE_SECONDS,
        reader: Callable[[], AbstractAsyncContextManager[AnyConnection]] | None = None,
        trial_seconds: float = TRIAL_SECONDS,
    ) -> None:
        """`most` are open at one time; who wants another one waits until one is free.

        `reader` lends a connection of another kind, to read which limit refused one of these.
        """
        self._connector = connector
        self._purpose = purpose
        self._open: dict[str, asyncpg.Connection] = {}
        self._most = most
        self._places = Places(most)
        self._trial_seconds = trial_seconds
        self._in_use: set[str] = set()
        self._plans_are_old: set[str] = set()
        self._idle_seconds = idle_seconds
        self._used_at: dict[str, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._reader = reader

    @asynccontextmanager
    async def use(
        self, database: str, *, seconds: float = WORK_SECONDS, yields: bool = False
    ) -> AsyncIterator[asyncpg.Connection]:
        """The connection to this database, for us alone. Raises what Connector.connect raises.

        `seconds` after its place is had the connection is ended: DidNotAnswerError. With
        `yields` everybody else goes first. One that is left inside a transaction, or by a
        cancellation, is closed: what was half done there is undone, and who comes next does not
        wait for the answer.
        """
        async with self._places.place(database, seconds, yields=yields) as turn:
            self._in_use.add(database)
            try:
                connection = await self._answering(database, turn)
            except BaseException:
                self._in_use.discard(database)
                raise
            # To cancel is not enough: the driver would wait for the answer to its ROLLBACK.
            end = asyncio.get_running_loop().call_at(turn.until, connection.terminate)
            try:
                await self._planned(database, connection)
                yield connection
            except asyncio.CancelledError:
                connection.terminate()
                raise
            finally:
                end.cancel()
                self._in_use.discard(database)
                self._note_use(database)
                if not connection.is_closed() and connection.is_in_transaction():
                    connection.terminate()

    def plan_anew(self) -> None:
        """The catalogs have grown: plans that were made while they were small are made again.

        Each is made once (`force_generic_plan`), and reads whole what has one page. It would go on
        doing so until the server analyzes the catalog, a minute later or never.
        """
        self._plans_are_old = set(self._open)

    async def _planned(self, database: str, connection: asyncpg.Connection) -> None:
        if database in self._plans_are_old:
            self._plans_are_old.discard(database)
            await connection.execute("DISCARD PLANS")

    async def _answering(self, database: str, turn: Turn) -> asyncpg.Connection:
        """The connection; one to a database that hung before has answered a small question."""
        if not turn.is_trial:
            return await self._connection(database)
        try:
            async with asyncio.timeout(self._trial_seconds):
                connection = await self._connection(database)
                try:
                    await connection.fetchval("SELECT 1")
                except asyncio.CancelledError:
                    connection.terminate()
                    raise
        except TimeoutError:
            heed_cancellation()
            raise DidNotAnswerError(
                f"Database {database!r} did not answer within {self._trial_seconds:g} s."
            ) from None
        turn.has_answered = True
        return connection

    async def _connection(self, database: str) -> asyncpg.Connection:
        """The open one, or a new one for which the one used longest ago makes room."""
        connection = self._open.pop(database, None)
        if connection is None or connection.is_closed():
            while idle := self._in_the_way():
                await _close(self._open.pop(idle))
            connection = await self._connect(database)
        self._open[database] = connection
        return connection

    async def _connect(self, database: str) -> asyncpg.Connection:
        try:
            return await self._connector.connect(database, purpose=self._purpose)
        except CannotConnectError as error:
            if self._reader is None or error.sqlstate != TOO_MANY:
                raise
            raise await with_numbers(error, database, self._reader()) from None

    def _note_use(self, database: str) -> None:
        """One timer at most for all of them, and none once none is open."""
        loop = asyncio.get_running_loop()
        self._used_at[database] = loop.time()
        if self._timer is None and database in self._open:
            self._timer = loop.call_later(self._idle_seconds, self._end_idle)

    def _end_idle(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        idle = [name for name in self._open if name not in self._in_use]
        for name in idle:
            if self._used_at.get(name, 0.0) + self._idle_seconds <= loop.time():
                self._open.pop(name).terminate()
        self._used_at = {name: at for name, at in self._used_at.items() if name in self._open}
        rest = [at for name, at in self._used_at.items() if name not in self._in_use]
        if rest:
            self._timer = loop.call_at(min(rest) + self._idle_seconds, self._end_idle)

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
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        connections, self._open = self._open, {}
        for connection in connections.values():
            await _close(connection)


async def _close(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=CLOSE_SECONDS)
    except TROUBLE:
        connection.terminate()

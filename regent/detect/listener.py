"""Hears the NOTIFY of our event triggers in one database, on a connection of its own.

A notification only wakes: it is a hint, which anybody may send. One that is lost is a delay, never
a loss, so each new connection asks for a full look. The same connection answers the watcher's
questions about this database, which serves as its heartbeat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container
from typing import Any

import asyncpg
import structlog

from regent.detect.wake import Full, Hint, LocalEvents
from regent.server.lenient_text import shown
from regent.server.own_tables import LOCK_TIMEOUT
from regent.server.trouble import TROUBLE, heed_cancellation, reconnecting
from shared.backoff import Backoff
from shared.errors import PostgRegentError

CHANNEL = "postgregent"
HEARTBEAT_SECONDS = 5.0
ANSWER_SECONDS = 5.0

log = structlog.get_logger()


class NotConnectedError(PostgRegentError):
    """The listener has no connection at the moment."""


class Listener:
    """Keeps a connection that LISTENs; run() never ends but by cancellation."""

    def __init__(
        self,
        database: str,
        *,
        connect: Callable[[], Awaitable[asyncpg.Connection]],
        wake: Callable[[Hint], None],
        own: Container[int] = (),
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        backoff: Backoff | None = None,
    ) -> None:
        """`connect` opens the connection; `own` holds the pids of our sessions."""
        self.database = database
        self._connect = connect
        self._wake = wake
        self._own = own
        self._heartbeat_seconds = heartbeat_seconds
        self._backoff = backoff or reconnecting()
        self.trouble = ""
        """Why it does not listen; empty while it does, and before it was tried."""
        self._connection: asyncpg.Connection | None = None
        self._one_at_a_time = asyncio.Lock()

    @property
    def is_listening(self) -> bool:
        """Whether a notification would be heard now."""
        return self._connection is not None

    async def run(self) -> None:
        """Connect, listen, notice the end, wait a little, again."""
        while True:
            try:
                await self._listen_until_it_ends()
            except TROUBLE as error:
                heed_cancellation()
                log.warning("listener lost", database=self.database, error=_short(error))
                self.trouble = f"{self.database} is not listened to: {_short(error)}"
            await asyncio.sleep(self._backoff.after())

    async def fetchrow(self, query: str, *arguments: Any) -> asyncpg.Record | None:
        """One row over this connection. Ends the connection when no answer comes in time."""
        async with self._one_at_a_time:
            connection = self._connection
            if connection is None or connection.is_closed():
                raise NotConnectedError
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await connection.fetchrow(query, *arguments)
            except TimeoutError:
                connection.terminate()
                raise

    async def _listen_until_it_ends(self) -> None:
        ended = asyncio.Event()
        connection = await self._connect()
        try:
            connection.add_termination_listener(lambda _: ended.set())
            await connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
            await connection.add_listener(CHANNEL, self._heard)
            self._connection, self.trouble = connection, ""
            log.info("listening", database=self.database)
            self._wake(Full(f"listening on {self.database}"))
            while not await _happens(ended, self._heartbeat_seconds):
                await self.fetchrow("SELECT 1")
                self._backoff.succeeded()
        finally:
            self._connection = None
            connection.terminate()

    def _heard(self, _connection: object, pid: int, _channel: str, _payload: object) -> None:
        """The server says the sender's pid, so that much cannot be forged."""
        if pid not in self._own:
            self._wake(LocalEvents(self.database))


async def _happens(event: asyncio.Event, within_seconds: float) -> bool:
    try:
        async with asyncio.timeout(within_seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _short(error: BaseException) -> str:
    return shown(str(error)) or type(error).__name__

"""Answers the watcher's questions about one database over the pool, where no connection LISTENs.

A LISTEN connection for each of hundreds of databases would take all that a server has. What is only
asked in turn is found a little later, and nothing of it is lost: fingerprints compare contents.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

import asyncpg

from regent.detect.wake import Full, Hint
from regent.server.connections import Connections
from regent.server.own_tables import without_waiting
from regent.server.trouble import TROUBLE, DidNotAnswerError, reconnecting
from shared.backoff import Backoff

ANSWER_SECONDS = 5.0


class PolledSource:
    """A watcher's source without a connection of its own."""

    def __init__(
        self,
        database: str,
        connections: Connections,
        wake: Callable[[Hint], None],
        *,
        answer_seconds: float = ANSWER_SECONDS,
        backoff: Backoff | None = None,
    ) -> None:
        """`answer_seconds` are counted from when there is a place in the pool."""
        self._database = database
        self._connections = connections
        self._wake = wake
        self._answer_seconds = answer_seconds
        self._backoff = backoff or reconnecting()
        self._not_before = 0.0
        self._was_lost = False

    async def fetchrow(self, query: str, *arguments: Any) -> asyncpg.Record | None:
        """One row. The first answer after trouble asks for a full look.

        To wait for a place in the pool is no trouble. After trouble it is asked later each time.
        """
        if monotonic() < self._not_before:
            raise DidNotAnswerError(f"Database {self._database!r} is asked again later.")
        try:
            async with (
                self._connections.use(
                    self._database, seconds=self._answer_seconds, yields=True
                ) as connection,
                without_waiting(connection),
            ):
                row = await connection.fetchrow(query, *arguments)
        except asyncpg.LockNotAvailableError:
            raise  # it answers, and says that somebody locks the event table
        except TROUBLE:
            self._was_lost = True
            self._not_before = monotonic() + self._backoff.after()
            raise
        self._backoff.succeeded()
        if self._was_lost:
            self._was_lost = False
            self._wake(Full(f"asking {self._database} again"))
        return row

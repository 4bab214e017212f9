"""What a server that goes away makes asyncpg raise, in one place.

TimeoutError is an OSError. InternalClientError comes when a query begins after the server's
farewell has arrived and before it has been read.
"""

from __future__ import annotations

import asyncio

import asyncpg

from shared.backoff import Backoff
from shared.errors import PostgRegentError

CONNECTION_IS_GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""The connection broke; not that a statement was refused."""

TROUBLE = (asyncpg.PostgresError, *CONNECTION_IS_GONE, PostgRegentError)
"""Anything that a server, or the way to it, may say no with."""


def heed_cancellation() -> None:
    """Raise CancelledError where trouble has replaced it. For each handler that goes on.

    A task that is cancelled inside a transaction may raise "connection is closed" instead: the
    driver's ROLLBACK fails, and that is raised in the place of the cancellation.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def reconnecting() -> Backoff:
    """The waits between two tries to reach the server."""
    return Backoff(first=0.1, longest=10.0)

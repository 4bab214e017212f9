"""What a server that goes away or refuses makes asyncpg raise, and the words for it.

TimeoutError is an OSError. InternalClientError comes when a query begins after the server's
farewell has arrived and before it has been read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

import asyncpg

from regent.server.lenient_text import shown
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


class ServerTroubleError(PostgRegentError):
    """PostgreSQL did not do what was asked."""


class CannotConnectError(PostgRegentError):
    """The server cannot be reached.

    `sqlstate` is what the server said, if it did.
    """

    def __init__(self, message: str, *, way_out: str = "", sqlstate: str | None = None) -> None:
        super().__init__(message, way_out=way_out)
        self.sqlstate = sqlstate


class ConnectionOverError(ServerTroubleError):
    """The Regent's connection to its server has just ended."""


class DidNotAnswerError(ServerTroubleError, TimeoutError):
    """A database did not answer in time."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(
            message, way_out="It is asked again by itself; pg_stat_activity says what it waits for."
        )


_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "25006": (
            "The server is a standby or read-only",
            "Name the host of the primary, or promote this server.",
        ),
        "57014": ("A statement was canceled", "Look for who cancels it; try again."),
        "55P03": ("A lock was not to be had", "Try again when the other session has ended."),
        "40P01": ("A deadlock was broken", "Try again."),
        "53": ("The server is short of connections, memory or disk", "Free some, and try again."),
        "57P": ("The server is starting, stopping or ended the session", "Try again in a moment."),
        "08": ("The connection broke", "Try again; look in the server's log when it goes on."),
        "28": ("The server lets the admin not in", "Check the admin's user name, and pg_hba.conf."),
        "3D000": (
            "A database is not there",
            "Check the names of it and of the home database.",
        ),
        "42501": ("The admin lacks a right", "Give it, as the server's message says."),
        "54": ("A limit of the server is exceeded", "The server's message says which."),
    }
)
"""By SQLSTATE, or by how it begins: what happened, and what to do."""


def in_words(error: BaseException) -> PostgRegentError:
    """One of TROUBLE as what a person is told; what is in words already stays as it is."""
    if isinstance(error, PostgRegentError):
        return error
    state = str(getattr(error, "sqlstate", None) or "")
    known = max((code for code in _WORDS if state.startswith(code)), key=len, default="")
    what, way_out = _WORDS.get(
        known,
        ("The server refused", "The server's log says more.")
        if state
        else ("The connection to the server broke", "Try again."),
    )
    said = (shown(str(error)).strip().splitlines() or [""])[0].rstrip(".") or type(error).__name__
    code = f" (SQLSTATE {state})" if state else ""
    return ServerTroubleError(f"{what}: {said}{code}.", way_out=way_out)


CANNOT_BE_SENT = asyncpg.DataError
"""A value of ours that no connection takes (SQLSTATE 22…): a new connection would not help. asyncpg
raises the same for a value that it cannot write."""

TOLD = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionError,
    TimeoutError,
    PostgRegentError,
)
"""Trouble that a command tells in words. Another OSError is about a file, and no server's."""


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

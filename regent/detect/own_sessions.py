"""Which sessions are ours: what they do must not wake us, nor be blamed on a stranger.

By the server's process ids of connections that are open now. An application_name proves nothing, as
anybody may choose any.
"""

from __future__ import annotations

from collections.abc import Iterator

import asyncpg

from regent.server.connection import Connects


class OwnSessions:
    """The connections that were enlisted and have not ended."""

    def __init__(self) -> None:
        self._pids: dict[int, int] = {}

    def enlist(self, connection: asyncpg.Connection) -> None:
        """Count this connection as ours until it ends."""
        pid = connection.get_server_pid()
        self._pids[pid] = self._pids.get(pid, 0) + 1
        connection.add_termination_listener(lambda _: self._strike(pid))

    def __contains__(self, pid: object) -> bool:
        return pid in self._pids

    def __iter__(self) -> Iterator[int]:
        return iter(tuple(self._pids))

    def _strike(self, pid: int) -> None:
        """A new connection may have got the pid before the end of the old one was noticed."""
        self._pids[pid] -= 1
        if not self._pids[pid]:
            del self._pids[pid]


class OwnConnector:
    """Connects, and enlists every connection that it opens."""

    def __init__(self, connector: Connects, own: OwnSessions) -> None:
        self._connector = connector
        self._own = own

    async def connect(self, database: str, *, purpose: str) -> asyncpg.Connection:
        """As the connector that it wraps."""
        connection = await self._connector.connect(database, purpose=purpose)
        self._own.enlist(connection)
        return connection

"""What a connection to the server is, for those who do not open it themselves."""

from __future__ import annotations

from typing import Protocol, TypeAlias

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Connects(Protocol):
    """What is needed of regent.server.connect.Connector."""

    async def connect(self, database: str, *, purpose: str) -> Connection:
        """A new connection of our own."""
        ...

"""The database `mydb` of one test: a copy of the flights template, and connections to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from tests.postgres.clusters import OWNER, TEMPLATE
from tests.postgres.server import PostgresServer

NAME = "mydb"


@dataclass(slots=True)
class Database:
    """A database with the flights schema, owned by app_owner; connections end with the test."""

    server: PostgresServer
    name: str = NAME
    owner: str = OWNER
    _open: list[asyncpg.Connection] = field(default_factory=list, repr=False)

    def dsn(self, user: str | None = None, password: str | None = None) -> str:
        """The address of this database; the admin's without arguments."""
        return self.server.dsn(self.name, user, password)

    async def connect(
        self, user: str | None = None, password: str | None = None
    ) -> asyncpg.Connection:
        """A connection as `user`, else as the admin; closed when the test ends."""
        connection = await self.server.connect(self.name, user, password)
        self._open.append(connection)
        return connection

    async def execute(self, statements: str, user: str | None = None) -> None:
        """Run statements on a connection of their own, as `user`, else as the admin."""
        connection = await self.server.connect(self.name, user)
        try:
            await connection.execute(statements)
        finally:
            await connection.close()

    async def close(self) -> None:
        """Close what connect() opened; sessions that were ended meanwhile are no trouble."""
        for connection in self._open:
            connection.terminate()


@asynccontextmanager
async def flights(server: PostgresServer, name: str = NAME) -> AsyncIterator[Database]:
    """A fresh copy of the flights database on a clean server."""
    connection = await server.connect()
    try:
        # Block by block through the WAL, as it is by default from 15 on, costs twice as much.
        how = "STRATEGY FILE_COPY" if server.version >= 15 else ""
        await connection.execute(
            f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE} OWNER {OWNER} {how}'
        )
    finally:
        await connection.close()
    database = Database(server, name)
    try:
        yield database
    finally:
        await database.close()

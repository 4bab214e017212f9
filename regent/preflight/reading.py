"""Reads the facts, each database in one READ ONLY transaction. What cannot be read is said.

A part that the server refuses hides no other one: it is read behind a savepoint.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import asyncpg

from regent.inspect import inspect_server
from regent.preflight.facts import (
    DatabaseFacts,
    EventTrigger,
    Facts,
    OpenCode,
    Owned,
    Session,
    Slot,
    Subscription,
)
from regent.server.connect import Connector
from regent.server.connections import READ_SECONDS, Connections
from regent.server.doors import first_open
from regent.server.lenient_text import is_legible, shown
from regent.server.trouble import TROUBLE, heed_cancellation, in_words
from sql import load

THE_SERVER = "the server"
T = TypeVar("T")


@dataclass(slots=True)
class _Unread:
    """What could not be read, by what it is; and what was left out."""

    why: dict[str, str] = field(default_factory=dict)
    illegible: list[str] = field(default_factory=list)

    async def rows(
        self, connection: asyncpg.Connection, name: str, where: str
    ) -> list[asyncpg.Record]:
        """Those of sql/preflight/NAME.sql whose names can be shown; none where it is refused."""
        try:
            async with connection.transaction():
                found = await connection.fetch(load(f"preflight/{name}"))
        except asyncpg.PostgresError as error:
            heed_cancellation()
            self.why[f"{name.replace('_', ' ')} of {where}"] = in_words(error).message
            return []
        legible = [row for row in found if _is_legible(row)]
        if odd := len(found) - len(legible):
            what = f"{name.replace('_', ' ')} of {where}"
            self.illegible.append(f"{odd} of the {what} left alone: a name is not UTF-8.")
        return legible


async def read(
    connector: Connector, databases: Iterable[str], *, home: str, declared: frozenset[str]
) -> Facts:
    """Raises CannotConnectError where no database of the server lets us in."""
    meant = tuple(dict.fromkeys(databases))
    unread = _Unread()
    found: dict[str, DatabaseFacts] = {}
    connections = Connections(connector, purpose="preflight")
    try:
        through = await first_open(connections, meant, home=home)
        async with _reading(connections, through) as connection:
            facts = await _of_the_server(connection, meant, unread)
        for database in meant:
            try:
                async with _reading(connections, database) as connection:
                    found[database] = await _of_a_database(connection, database, unread)
            except TROUBLE as error:
                heed_cancellation()
                unread.why[f"database {shown(database)}"] = str(in_words(error))
    finally:
        await connections.close()
    return replace(
        facts,
        home=home,
        declared=declared,
        databases=found,
        unread=unread.why,
        illegible=(*facts.server.illegible, *unread.illegible),
    )


@asynccontextmanager
async def _reading(connections: Connections, database: str) -> AsyncIterator[asyncpg.Connection]:
    async with (
        connections.use(database, seconds=READ_SECONDS) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection


async def _of_the_server(
    connection: asyncpg.Connection, databases: Collection[str], unread: _Unread
) -> Facts:
    server = await inspect_server(connection, databases=databases)
    known = await connection.fetchrow(load("preflight/server"))
    if known is None:
        raise LookupError("the server says nothing of itself")
    parameters = await connection.fetch(load("inspect/parameters"))
    return Facts(
        server=server,
        today=known["today"],
        home="",
        may_signal=known["may_signal"],
        ordinary=frozenset(row["name"] for row in parameters if row["is_ordinary"]),
        sessions=_all(Session, await unread.rows(connection, "sessions", THE_SERVER)),
        senders=_all(Session, await unread.rows(connection, "senders", THE_SERVER)),
        slots=_all(Slot, await unread.rows(connection, "slots", THE_SERVER)),
        subscriptions=_all(
            Subscription, await unread.rows(connection, "subscriptions", THE_SERVER)
        ),
    )


async def _of_a_database(
    connection: asyncpg.Connection, database: str, unread: _Unread
) -> DatabaseFacts:
    where = shown(database)
    row = await connection.fetchrow(load("preflight/database"))
    if row is None:
        raise LookupError("the database does not know itself")
    schemas = await unread.rows(connection, "open_schemas", where)
    publications = await unread.rows(connection, "publications", where)
    return DatabaseFacts(
        is_template=row["is_template"],
        may_create=row["may_create"],
        owned=_all(Owned, await unread.rows(connection, "owned", where)),
        open_schemas=tuple(one["name"] for one in schemas),
        open_code=_all(OpenCode, await unread.rows(connection, "open_code", where)),
        event_triggers=_all(EventTrigger, await unread.rows(connection, "event_triggers", where)),
        publications=tuple(one["name"] for one in publications),
    )


def _all(make: Callable[..., T], rows: Iterable[asyncpg.Record]) -> tuple[T, ...]:
    """The columns of a row are the fields of the value."""
    return tuple(make(**dict(row)) for row in rows)


def _is_legible(row: asyncpg.Record) -> bool:
    return all(is_legible(one) for one in row.values() if isinstance(one, str))

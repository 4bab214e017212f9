"""One reading of the server for a pass: shared catalogs first, then every served database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType

import asyncpg

import sql
from regent.desired import Desired
from regent.inspect import Interest, inspect_database, inspect_server
from regent.inspect.assemble import LastReading
from regent.kinds import KINDS, LOCAL, Naming, Scope
from regent.observed import Observed, ObservedDatabase, ObservedServer
from regent.resolve.libraries import prefixes_of
from regent.server.connections import READ_SECONDS, Connections
from regent.server.lenient_text import shown
from regent.server.trouble import TROUBLE, heed_cancellation
from shared.privileges import PublicRight

NOTHING_READ: Mapping[str, LastReading] = MappingProxyType({})


def interest_of(desired: Desired) -> Interest:
    """What a reading must look for, so that the planner finds what it compares."""
    grants = [grant for grants in desired.grants.values() for grant in grants]
    return Interest(
        roles=desired.managed,
        columns=frozenset(column for grant in grants for column in grant.columns),
        ignore_schemas=desired.ignore_schemas,
        kinds=frozenset(grant.kind for grant in grants).union(
            row.kind
            for row in LOCAL
            if row.privileges_of(desired.public)
            or (row.scope is Scope.IN_SCHEMA and any(one.objects for one in desired.owners))
        ),
        with_public=PublicRight.OTHER in desired.public,
        oids=frozenset(
            int(name)
            for grant in grants
            if KINDS[grant.kind].naming is Naming.NUMBER
            for name in grant.names
        ),
        with_sequences=any(
            grant.implied
            and KINDS[grant.kind].draws_on is not None
            and "INSERT" in grant.privileges
            for grant in grants
        ),
    )


async def read_server(connections: Connections, home_database: str) -> ObservedServer:
    """The shared catalogs, over the home database's connection."""
    async with connections.use(home_database, seconds=READ_SECONDS) as connection:
        return await inspect_server(connection)


async def read_databases(
    connections: Connections,
    served: tuple[str, ...],
    desired: Desired,
    server: ObservedServer,
    *,
    last: Mapping[str, LastReading] = NOTHING_READ,
    seconds: float = READ_SECONDS,
) -> tuple[Observed, Mapping[str, str]]:
    """The local objects of every served database, side by side; and which could not be read, why.

    One that does not exist, lets nobody in, or gives no answer within `seconds`, must not
    keep the others from being served. `last` are the readings before, where they are kept.
    """
    return await read_with(connections, served, interest_of(desired), server, last, seconds)


async def read_with(
    connections: Connections,
    served: tuple[str, ...],
    interest: Interest,
    server: ObservedServer,
    last: Mapping[str, LastReading] = NOTHING_READ,
    seconds: float = READ_SECONDS,
) -> tuple[Observed, Mapping[str, str]]:
    """The same, of what somebody else looks for."""
    unread: dict[str, str] = {}

    async def read(database: str) -> ObservedDatabase | None:
        try:
            async with connections.use(database, seconds=seconds) as connection:
                return await inspect_database(connection, interest, last.get(database))
        except TROUBLE as error:
            heed_cancellation()
            unread[database] = shown(str(error)) or type(error).__name__
            return None

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(read(database)) for database in served]
    found = [task.result() for task in tasks]
    return Observed(server, {one.name: one for one in found if one is not None}), unread


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be set, in lower case: by any user, known to the server at all, by which library."""

    ordinary: frozenset[str]
    known: frozenset[str]
    libraries: frozenset[str]


async def read_parameters(connections: Connections, home_database: str) -> Parameters:
    """The parameters of the server, and the libraries that could bring others.

    PL/pgSQL is loaded first, so that its parameters are known however old the session is.
    """
    async with connections.use(home_database, seconds=READ_SECONDS) as connection:
        with suppress(asyncpg.PostgresError):
            await connection.execute("DO LANGUAGE plpgsql 'BEGIN END'")
        rows = await connection.fetch(sql.load("inspect/parameters"))
        names = await connection.fetch(sql.load("inspect/libraries"))
        if await connection.fetchval(sql.load("inspect/may_read_libraries")):
            with suppress(asyncpg.PostgresError):
                names += await connection.fetch(sql.load("inspect/library_files"))
    return Parameters(
        ordinary=frozenset(row["name"] for row in rows if row["is_ordinary"]),
        known=frozenset(row["name"] for row in rows),
        libraries=prefixes_of(row["name"] for row in names),
    )

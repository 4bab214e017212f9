"""One reading of the server for a pass: shared catalogs first, then every served database."""

from __future__ import annotations

import asyncio

import sql
from regent.connections import Connections
from regent.desired import Desired
from regent.inspect import Interest, inspect_database, inspect_server
from regent.observed import Observed, ObservedDatabase, ObservedServer
from shared.privileges import ObjectKind


def interest_of(desired: Desired) -> Interest:
    """What a reading must look for, so that the planner finds what it compares."""
    grants = [grant for grants in desired.grants.values() for grant in grants]
    return Interest(
        roles=desired.managed,
        columns=frozenset(column for grant in grants for column in grant.columns),
        ignore_schemas=desired.ignore_schemas,
        with_sequences=any(
            grant.implied
            and grant.kind in (ObjectKind.TABLE, ObjectKind.COLUMN)
            and "INSERT" in grant.privileges
            for grant in grants
        ),
    )


async def read_server(connections: Connections, home_database: str) -> ObservedServer:
    """The shared catalogs, over the home database's connection."""
    async with connections.use(home_database) as connection:
        return await inspect_server(connection)


async def read_databases(
    connections: Connections, served: tuple[str, ...], desired: Desired, server: ObservedServer
) -> Observed:
    """The local objects of every served database, side by side."""
    interest = interest_of(desired)

    async def read(database: str) -> ObservedDatabase:
        async with connections.use(database) as connection:
            return await inspect_database(connection, interest)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(read(database)) for database in served]
    return Observed(server, {task.result().name: task.result() for task in tasks})


async def read_parameters(
    connections: Connections, home_database: str
) -> tuple[frozenset[str], frozenset[str]]:
    """The parameters that any user may set, and all that the server knows, in lower case."""
    async with connections.use(home_database) as connection:
        rows = await connection.fetch(sql.load("inspect/parameters"))
    return (
        frozenset(row["name"] for row in rows if row["is_ordinary"]),
        frozenset(row["name"] for row in rows),
    )

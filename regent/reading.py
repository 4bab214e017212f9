"""One reading of the server for a pass: shared catalogs first, then every served database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import sql
from regent.connections import Connections
from regent.desired import Desired
from regent.inspect import Interest, inspect_database, inspect_server
from regent.observed import Observed, ObservedDatabase, ObservedServer
from regent.trouble import TROUBLE, heed_cancellation
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
) -> tuple[Observed, Mapping[str, str]]:
    """The local objects of every served database, side by side; and which could not be read, why.

    One that does not exist, or lets nobody in, must not keep the others from being served.
    """
    interest = interest_of(desired)
    unread: dict[str, str] = {}

    async def read(database: str) -> ObservedDatabase | None:
        try:
            async with connections.use(database) as connection:
                return await inspect_database(connection, interest)
        except TROUBLE as error:
            heed_cancellation()
            unread[database] = str(error) or type(error).__name__
            return None

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(read(database)) for database in served]
    found = [task.result() for task in tasks]
    return Observed(server, {one.name: one for one in found if one is not None}), unread


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

"""The numbers behind a refused connection (SQLSTATE 53300), read over a connection that is open."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import asyncpg

import sql
from regent.server.connection import Connection
from regent.server.trouble import TROUBLE, CannotConnectError, heed_cancellation

TOO_MANY = "53300"
PATIENCE_SECONDS = 2.0

AnyConnection: TypeAlias = "asyncpg.Connection | Connection"


async def with_numbers(
    error: CannotConnectError,
    database: str,
    reader: AbstractAsyncContextManager[AnyConnection],
) -> CannotConnectError:
    """The refusal with limits and use, or as it was where they cannot be read soon."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), reader as connection:
            row = await connection.fetchrow(sql.load("connect/limits"), database)
    except TROUBLE:
        heed_cancellation()
        return error
    if row is None:
        return error
    counted = [f"max_connections {row['of_server']}, {row['in_server']} in use"]
    if row["of_database"] is not None and row["of_database"] >= 0:
        counted.append(
            f"of database {database!r} {row['of_database']}, {row['in_database']} in use"
        )
    if row["of_admin"] >= 0:
        counted.append(f"of {row['admin']!r} {row['of_admin']}, {row['by_admin']} in use")
    return CannotConnectError(
        f"{error.message} Limits: {'; '.join(counted)}.",
        way_out=error.way_out,
        sqlstate=error.sqlstate,
    )

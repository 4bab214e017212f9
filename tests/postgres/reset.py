"""Between two tests: drop what the last one made, and make sure that nothing of it is left.

Dropping takes some milliseconds. Whether it was enough is decided by comparing what a whole server
shares with what it was like at the beginning; if anything differs, the data folder is copied anew.
"""

from __future__ import annotations

from pathlib import Path

import asyncpg

from shared.names import quote_ident
from tests.postgres.clusters import ADMIN, BOOTSTRAP, OWNER, TEMPLATE
from tests.postgres.server import PostgresServer

KEPT_ROLES = [BOOTSTRAP, ADMIN, OWNER]
KEPT_DATABASES = ["postgres", "template0", "template1", TEMPLATE]
OTHER_SESSIONS = (
    "SELECT pg_catalog.pg_terminate_backend(pid, 5000) FROM pg_catalog.pg_stat_activity"
    " WHERE backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid()"
)
OTHER_DATABASES = "SELECT datname FROM pg_catalog.pg_database WHERE datname <> ALL ($1::text[])"
OTHER_ROLES = (
    "SELECT rolname FROM pg_catalog.pg_roles"
    " WHERE rolname <> ALL ($1::text[]) AND rolname !~ '^pg_'"
)
OTHER_TABLESPACES = "SELECT spcname FROM pg_catalog.pg_tablespace WHERE spcname !~ '^pg_'"
STATE = Path(__file__).with_name("state.sql").read_text("utf-8")
PARAMETER_ACLS = "SELECT p::text FROM pg_catalog.pg_parameter_acl p"  # from 15


async def reset(server: PostgresServer) -> None:
    """Leave `server` running and as it was when it was launched."""
    server.start()
    if not server.pristine:
        server.pristine = await _state_of(server)
    elif not await _dropping_was_enough(server):
        server.restore()
    server.log_offset = server.log_path.stat().st_size


async def _dropping_was_enough(server: PostgresServer) -> bool:
    try:
        connection = await server.connect()
        try:
            await _drop_everything(connection)
            return await _state(connection, server.version) == server.pristine
        finally:
            await connection.close(timeout=10)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, UnicodeError):
        return False


async def _drop_everything(connection: asyncpg.Connection) -> None:
    await connection.execute(OTHER_SESSIONS)
    for (name,) in await connection.fetch(OTHER_DATABASES, KEPT_DATABASES):
        await connection.execute(f"DROP DATABASE {quote_ident(name)} WITH (FORCE)")
    names = [quote_ident(name) for (name,) in await connection.fetch(OTHER_ROLES, KEPT_ROLES)]
    if names:
        await connection.execute(f"DROP OWNED BY {', '.join(names)} CASCADE")
    for (name,) in await connection.fetch(OTHER_TABLESPACES):
        await connection.execute(f"DROP TABLESPACE {quote_ident(name)}")
    if names:
        await connection.execute(f"DROP ROLE {', '.join(names)}")


async def _state_of(server: PostgresServer) -> str:
    connection = await server.connect()
    try:
        return await _state(connection, server.version)
    finally:
        await connection.close(timeout=10)


async def _state(connection: asyncpg.Connection, version: int) -> str:
    things = [row[0] for row in await connection.fetch(STATE)]
    if version >= 15:
        things += [row[0] for row in await connection.fetch(PARAMETER_ACLS)]
    return "\n".join(things)

"""Statements are planned once, and again when a pass has made the catalogs grow."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
import pytest

from regent.accept.merge import accept
from regent.foundation import founded
from regent.settings import connector_of
from shared.state import etag
from tests.declared import state
from tests.postgres.database import Database
from tests.settings import settings_for

TABLES = 200
DECLARED = """
Permission/read: {database: mydb, schemas: [schema1], tables: ["*"], actions: [SELECT]}
Role/one: {database: mydb, permissions: [read]}
"""


async def plan_while_small(connection: asyncpg.Connection) -> None:
    """A statement whose table has grown since, as pg_shdepend does."""
    await connection.execute("CREATE TEMP TABLE grown (i int PRIMARY KEY)")
    await connection.execute("INSERT INTO grown VALUES (0)")
    await connection.execute("ANALYZE grown")
    await connection.execute("PREPARE one AS SELECT FROM grown WHERE i = 1")
    await connection.execute("EXECUTE one")
    await connection.execute("INSERT INTO grown SELECT generate_series(1, 10000)")


async def reads_whole(connection: asyncpg.Connection) -> bool:
    """Whether the statement looks at each row of the table."""
    plan = await connection.fetch("EXPLAIN EXECUTE one")
    return "Seq Scan" in "\n".join(row[0] for row in plan)


@pytest.mark.found("E310")
async def test_what_was_planned_for_small_catalogs_is_planned_anew_after_a_large_pass(
    database: Database,
) -> None:
    """Until the server analyzed them, each look went through pg_shdepend a hundred times."""
    await database.execute(
        f"DO $$ BEGIN FOR i IN 1..{TABLES} LOOP"
        " EXECUTE format('CREATE TABLE schema1.t%s (i int)', i); END LOOP; END $$"
    )
    settings, declared = settings_for(database), state(DECLARED)
    async with founded(settings, connector_of(settings.server)) as stand:
        home = stand.home.database
        stand.passes.memory.accepted = accept(None, declared, etag(declared), datetime.now(UTC))
        async with stand.connections.use(home) as connection:
            await plan_while_small(connection)
            assert await reads_whole(connection)
        await stand.passes.full()
        async with stand.connections.use(home) as connection:
            assert not await reads_whole(connection)

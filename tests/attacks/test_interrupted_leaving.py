"""What interrupts the end of a leaver puts it off, and gives nobody more than all of it would."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from regent.one_shot import OnceReport
from tests.attacks.test_leaving import owners
from tests.integration.facts.once import applied
from tests.postgres.database import Database

pytestmark = [pytest.mark.found("E107"), pytest.mark.rule("27")]

STAYING = """
Role/heir: {database: mydb}
User/keeper: {database: mydb}
"""
LEAVER = "User/leaver: {database: mydb, reassignOwnedTo: heir}\n"
OWN = (
    "GRANT USAGE, CREATE ON SCHEMA schema1 TO leaver; SET ROLE leaver;"
    "CREATE TABLE schema1.ut (i int); CREATE VIEW schema1.uv AS SELECT 1 AS i"
)
BOTH = ("ut", "uv")
WAITING = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND query LIKE '%OWNER TO%'"
)


async def prepared(database: Database) -> None:
    """The leaver owns a table, and a view that may be code."""
    await applied(database, STAYING + LEAVER)
    await database.execute(OWN)


async def left(database: Database) -> OnceReport:
    return await applied(database, STAYING, revision=2)


async def remembered(database: Database, table: str) -> int:
    """How many rows of a table of the home database."""
    home = await database.server.connect("postgregent")
    try:
        return int(await home.fetchval(f"SELECT count(*) FROM postgregent.{table}"))
    finally:
        await home.close()


async def reading(database: Database) -> asyncpg.Connection:
    """A session that has read the leaver's view, and has not ended its transaction."""
    reader = await database.connect()
    await reader.execute("BEGIN; SELECT count(*) FROM schema1.uv")
    return reader


async def interrupted(database: Database) -> OnceReport:
    """The table went to the heir, the view was held."""
    reader = await reading(database)
    report = await left(database)
    await reader.execute("ROLLBACK")
    assert await owners(database, BOTH) == {"ut": "heir", "uv": "leaver"}
    return report


@pytest.mark.every_version
async def test_what_a_reader_held_is_handed_on_by_the_next_apply(database: Database) -> None:
    """The heir's power over the table came from this leaver, whichever process handed it on."""
    await prepared(database)
    report = await interrupted(database)
    refused = [one for one in report.results if not one.done]
    assert {one.sqlstate for one in refused} == {"55P03"}
    assert all("reassignOwnedTo" not in one.way_out for one in refused)
    assert await remembered(database, "unmanageable") == 0
    await left(database)
    assert await owners(database, BOTH) == {"ut": "heir", "uv": "heir"}
    look = await database.connect()
    assert await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = 'leaver'") == 0
    assert await remembered(database, "belongings") == 0


@pytest.mark.every_version
async def test_what_came_from_an_earlier_end_is_the_heirs_own(database: Database) -> None:
    """Whoever comes back could write new code, which may not reach what has been the heir's since.

    The twin of the above: what is remembered is good for one end only.
    """
    await prepared(database)
    await interrupted(database)
    await applied(database, STAYING + LEAVER, revision=3)
    report = await applied(database, STAYING, revision=4)
    assert await owners(database, BOTH) == {"ut": "heir", "uv": "leaver"}
    [said] = {one.message for one in report.results if "uv" in one.message}
    assert 'it is code (it is not plain data), and "heir" can do more' in said


@pytest.mark.versions(18)
async def test_a_connection_that_breaks_at_the_view_is_no_refusal(database: Database) -> None:
    await prepared(database)
    reader = await reading(database)
    look = await database.connect()

    async def break_it() -> None:
        while not await look.fetch(WAITING):
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as tasks:
        breaking = tasks.create_task(break_it())
        report = await left(database)
        await breaking
    assert any(one.sqlstate.startswith(("08", "57P")) for one in report.results)
    await reader.execute("ROLLBACK")
    assert await remembered(database, "unmanageable") == 0
    await left(database)
    assert await owners(database, BOTH) == {"ut": "heir", "uv": "heir"}

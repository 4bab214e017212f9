"""What was read by its oid is not done to another object that has its name meanwhile (ADR 40)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeAlias

import asyncpg
import pytest

from regent.apply.result import ChangeResult
from regent.changes import HandOnOwned
from regent.desired import Listed
from sql import load
from tests.eventually import eventually
from tests.integration.test_apply import Bench, bench, create

__all__ = ["bench"]
pytestmark = pytest.mark.every_version

SWAP = "ALTER SCHEMA app RENAME TO app_old; ALTER SCHEMA fake RENAME TO app"
Results: TypeAlias = tuple[ChangeResult, ...]
OWNER = "SELECT relowner::regrole::text FROM pg_class WHERE oid = $1"


async def while_it_waits(
    work: Awaitable[Results], holder: asyncpg.Connection, then: asyncpg.Connection, deed: str
) -> Results:
    """The deed, done when the work waits for the holder's open transaction, which then ends."""
    task = asyncio.ensure_future(work)

    async def waits() -> bool:
        if task.done():
            raise AssertionError(f"it did not wait: {await task}")
        return bool(
            await then.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))",
                holder.get_server_pid(),
            )
        )

    await eventually(waits)
    await then.execute(deed)
    await holder.execute("ROLLBACK")
    return await task


async def oid_of(bench: Bench, relation: str) -> int:
    return int(await bench.look.fetchval("SELECT $1::regclass::oid", relation))


@pytest.mark.found("E158")
async def test_a_table_that_took_a_leavers_name_does_not_go_to_the_heir(bench: Bench) -> None:
    """Seen: the table of whoever owned the schema became the heir's, and its index ran as him."""
    await bench.apply(create("leaver"), create("heir"))
    await bench.look.execute(
        "CREATE ROLE mallory; CREATE SCHEMA app AUTHORIZATION mallory;"
        "CREATE SCHEMA fake AUTHORIZATION mallory; GRANT ALL ON SCHEMA app, fake TO leaver, heir;"
        "SET ROLE leaver; CREATE TABLE app.a1 (i int); CREATE TABLE app.t (i int);"
        "SET ROLE mallory; CREATE TABLE fake.t (i int);"
        "CREATE FUNCTION fake.f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';"
        "CREATE INDEX ON fake.t (fake.f(i)); RESET ROLE"
    )
    trap, real = await oid_of(bench, "fake.t"), await oid_of(bench, "app.t")
    mallory, other = await bench.database.connect(), await bench.database.connect()
    await mallory.execute("SET ROLE mallory; BEGIN; DROP TABLE app.a1")
    change = HandOnOwned("mydb", "leaver", "heir")
    [result] = await while_it_waits(bench.apply(change), mallory, other, SWAP)
    assert await bench.look.fetchval(OWNER, trap) == "mallory"
    assert await bench.look.fetchval(OWNER, real) == "heir", "read again, it has its name of then"
    assert result.done, result


@pytest.mark.found("E158")
async def test_a_function_that_took_a_leavers_name_does_not_go_to_the_heir(bench: Bench) -> None:
    """Seen: it was SECURITY DEFINER, and read for its maker what the heir may read."""
    await bench.apply(create("leaver"), create("heir"))
    await bench.look.execute(
        "CREATE ROLE mallory; CREATE SCHEMA app AUTHORIZATION mallory;"
        "GRANT ALL ON SCHEMA app TO leaver, heir; SET ROLE leaver;"
        "CREATE FUNCTION app.a1() RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "CREATE FUNCTION app.util() RETURNS int LANGUAGE sql AS 'SELECT 2'; RESET ROLE"
    )
    mallory, other = await bench.database.connect(), await bench.database.connect()
    await mallory.execute("SET ROLE mallory; BEGIN; DROP FUNCTION app.a1()")
    swap = (
        "SET ROLE mallory; DROP FUNCTION app.util(); CREATE FUNCTION app.util() RETURNS int"
        " LANGUAGE sql SECURITY DEFINER AS 'SELECT 3'"
    )
    change = HandOnOwned("mydb", "leaver", "heir", listed=Listed.BY_NAME)
    [result] = await while_it_waits(bench.apply(change), mallory, other, swap)
    assert result.done, result
    owners = await bench.look.fetch(
        "SELECT proname, proowner::regrole::text FROM pg_proc"
        " WHERE pronamespace = 'app'::regnamespace ORDER BY proname"
    )
    assert [tuple(row) for row in owners] == [("a1", "heir"), ("util", "mallory")]


@pytest.mark.found("E158")
async def test_every_catalog_with_owners_is_asked_who_owns_now(bench: Bench) -> None:
    """What is of a catalog that is not asked would stay with the leaver for ever."""
    catalogs = await bench.look.fetchval(
        "SELECT array_agg(c.relname::text) FROM pg_attribute AS a"
        " JOIN pg_class AS c ON c.oid = a.attrelid WHERE c.relkind = 'r'"
        " AND (a.attname ~ 'owner$' OR a.attname = 'datdba')"
        " AND c.relnamespace = 'pg_catalog'::regnamespace"
    )
    asked = load("leaving/owner_now")
    assert {one for one in catalogs if f"pg_catalog.{one} AS" not in asked} == {"pg_extension"}


@pytest.mark.found("E158")
async def test_what_keeps_its_name_is_handed_on_of_every_kind(bench: Bench) -> None:
    """The twin; to the bootstrap superuser too, whose objects pg_shdepend does not know."""
    await bench.apply(create("leaver"))
    await bench.look.execute(
        "ALTER ROLE leaver SUPERUSER; SET ROLE leaver; CREATE SCHEMA own;"
        "CREATE TABLE own.t (i serial);"
        "CREATE VIEW own.v AS SELECT 1; CREATE TYPE own.c AS (i int); CREATE DOMAIN own.d AS int;"
        "CREATE FUNCTION own.f() RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "CREATE STATISTICS own.s ON i, (i + 1) FROM own.t;"
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
        "SELECT lo_create(4711); CREATE TEXT SEARCH DICTIONARY own.dict (TEMPLATE = simple);"
        "CREATE OPERATOR own.=== (FUNCTION = int4eq, LEFTARG = int4, RIGHTARG = int4);"
        "RESET ROLE"
    )
    change = HandOnOwned("mydb", "leaver", "postgres", listed=Listed.BY_NAME)
    [result] = await bench.apply(change)
    assert result.done, result
    left = "SELECT count(*) FROM pg_shdepend WHERE refobjid = 'leaver'::regrole AND deptype = 'o'"
    assert await bench.look.fetchval(left) == 0

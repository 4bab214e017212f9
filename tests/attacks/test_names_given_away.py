"""What was read by its oid is not done to another object that has its name meanwhile (ADR 40)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import asyncpg
import pytest

from regent.apply.locked import Patience
from regent.changes import DropRole, HandOnOwned
from regent.desired import Listed
from sql import load
from tests.eventually import eventually
from tests.integration.facts.once import applied
from tests.integration.test_apply import Bench, bench, create
from tests.postgres.database import Database

__all__ = ["bench"]
pytestmark = [pytest.mark.every_version, pytest.mark.slow_versions(14, 16, 17)]

SWAP = "ALTER SCHEMA app RENAME TO app_old; ALTER SCHEMA fake RENAME TO app"
Done = TypeVar("Done")
OWNER = "SELECT relowner::regrole::text FROM pg_class WHERE oid = $1"


async def while_it_waits(
    work: Awaitable[Done], holder: asyncpg.Connection, then: asyncpg.Connection, deed: str
) -> Done:
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


OPTION = """
CREATE ROLE mallory; CREATE ROLE bob; CREATE ROLE carol;
CREATE SCHEMA s1 AUTHORIZATION mallory; CREATE SCHEMA s2 AUTHORIZATION mallory;
GRANT USAGE ON SCHEMA s1 TO u;
CREATE TABLE s1.a (i int); CREATE TABLE s1.t (i int); CREATE TABLE s2.t (i int);
CREATE FUNCTION s1.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION s2.f() RETURNS int LANGUAGE sql AS 'SELECT 2';
REVOKE ALL ON FUNCTION s1.f(), s2.f() FROM PUBLIC;
ALTER TABLE s1.a OWNER TO bob; ALTER TABLE s1.t OWNER TO bob; ALTER TABLE s2.t OWNER TO carol;
ALTER FUNCTION s1.f OWNER TO bob; ALTER FUNCTION s2.f OWNER TO carol;
GRANT SELECT ON s1.t, s1.a TO u WITH GRANT OPTION;
GRANT EXECUTE ON FUNCTION s1.f TO u WITH GRANT OPTION;
SET ROLE u; GRANT SELECT ON s1.t, s1.a TO mallory; GRANT EXECUTE ON FUNCTION s1.f TO mallory;
RESET ROLE
"""
SWAP_BOTH = (
    "BEGIN; ALTER SCHEMA s1 RENAME TO x; ALTER SCHEMA s2 RENAME TO s1;"
    " ALTER SCHEMA x RENAME TO s2; COMMIT"
)
OF_MALLORY = """
SELECT o.what, o.owner::regrole::text AS owner, x.grantor::regrole::text AS grantor
FROM (
    SELECT relname AS what, relowner AS owner, relacl AS acl FROM pg_class
    UNION ALL SELECT proname, proowner, proacl FROM pg_proc
) AS o, aclexplode(o.acl) AS x
WHERE x.grantee = 'mallory'::regrole AND o.owner <> x.grantee ORDER BY o.what
"""

WHAT_HE_HAD = [("a", "bob", "bob"), ("f", "bob", "bob"), ("t", "bob", "bob")]


@pytest.mark.found("E159")
@pytest.mark.parametrize("held", ["TABLE s1.t", "FUNCTION s1.f"])
async def test_what_a_leaver_passed_on_is_not_given_on_what_took_the_name(
    bench: Bench, held: str
) -> None:
    """Seen for grants in place of another's: mallory got what he never had, on carol's table."""
    await bench.apply(create("u"))
    await bench.look.execute(OPTION)
    mallory, other = await bench.database.connect(), await bench.database.connect()
    await mallory.execute(f"SET ROLE mallory; BEGIN; DROP {held}")
    dropping = bench.apply(DropRole("u"), patience=Patience(30))
    await while_it_waits(dropping, mallory, other, SWAP_BOTH)
    await bench.apply(DropRole("u"))
    assert [tuple(row) for row in await bench.look.fetch(OF_MALLORY)] == WHAT_HE_HAD


ON_S1 = "database: mydb, schemas: [s1]"


def declared(option: str) -> str:
    """What u has on s1.t and s1.f."""
    return (
        f"Permission/t: {{{ON_S1}, tables: [t], actions: [SELECT], withGrantOption: {option}}}\n"
        f"Permission/f: {{{ON_S1}, routines: [f], actions: [EXECUTE], withGrantOption: {option}}}\n"
        "User/u: {database: mydb, permissions: [t, f]}\n"
    )


@pytest.mark.found("E159")
@pytest.mark.parametrize("held", ["TABLE s1.t", "FUNCTION s1.f"])
async def test_a_grant_in_place_of_anothers_is_on_what_that_was_on(
    database: Database, held: str
) -> None:
    """Seen: what hung on a grant option was given again by name, on somebody else's table."""
    await applied(database, "User/u: {database: mydb}\n")
    await database.execute(OPTION)
    await applied(database, declared("true"), 2)
    mallory, other = await database.connect(), await database.connect()
    await mallory.execute(f"SET ROLE mallory; BEGIN; DROP {held}")
    work = applied(database, declared("false"), 3)
    await while_it_waits(work, mallory, other, SWAP_BOTH)
    # Carol's objects are in s1 now, and declared by that name; mallory keeps what is bob's.
    await applied(database, declared("false"), 3)
    look = await database.connect()
    assert [tuple(row) for row in await look.fetch(OF_MALLORY)] == WHAT_HE_HAD

"""Facts of privileges, each reproduced on a server, and what a pass makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncpg
import pytest

from tests.integration.facts.once import all_ready, applied, demote, is_settled, outcome, refused
from tests.postgres.database import Database, flights
from tests.postgres.server import PostgresServer

TABLES = 3_000
READER = """
Permission/read: {database: mydb, schemas: [schema1], tables: [flights], actions: [SELECT]}
Role/reader: {database: mydb, permissions: [read]}
"""


@pytest.mark.fact("PG-ACL-3")
@pytest.mark.rule("9")
async def test_an_owners_own_entries_are_never_revoked(database: Database) -> None:
    """A GRANT to somebody else writes the owner's own entry, which nobody declared."""
    await applied(database, READER)
    await database.execute(
        "ALTER TABLE schema1.airports OWNER TO reader; GRANT SELECT ON schema1.airports TO PUBLIC"
    )
    look = await database.connect()
    acl = await look.fetchval(
        "SELECT relacl::text FROM pg_class WHERE oid = 'schema1.airports'::regclass"
    )
    assert "reader=arwdDxt" in acl
    assert await is_settled(database, READER)
    assert (await applied(database, READER)).results == ()
    assert acl == await look.fetchval(
        "SELECT relacl::text FROM pg_class WHERE oid = 'schema1.airports'::regclass"
    )


@pytest.mark.fact("PG-ACL-7")
@pytest.mark.rule("15")
async def test_a_table_can_be_read_since_usage_of_its_schema_comes_along(
    database: Database,
) -> None:
    """Without it (`implied: false`) SELECT is there and is of no use."""
    bare = READER.replace("[SELECT]}", "[SELECT], implied: false}")
    assert all_ready(await applied(database, bare))
    look = await database.connect()
    assert await look.fetchval("SELECT has_table_privilege('reader', 'schema1.flights', 'SELECT')")
    await look.execute("SET ROLE reader")
    assert await refused(look, "SELECT FROM schema1.flights") == "42501"
    assert all_ready(await applied(database, READER, 2))
    assert await refused(look, "SELECT FROM schema1.flights") == ""


@pytest.mark.fact("PG-ACL-8")
@pytest.mark.rule("15")
async def test_rows_can_be_inserted_since_usage_of_a_serial_columns_sequence_comes_along(
    database: Database,
) -> None:
    """An identity column's sequence is used as its owner, and nothing is granted on it."""
    writer = """
Permission/write:
  {database: mydb, schemas: [schema1], tables: [flights, airports], actions: [INSERT]}
Role/writer: {database: mydb, permissions: [write]}
"""
    assert all_ready(await applied(database, writer))
    look = await database.connect()
    may_use = "SELECT has_sequence_privilege('writer', $1, 'USAGE')"
    assert await look.fetchval(may_use, "schema1.flights_flight_id_seq")
    assert not await look.fetchval(may_use, "schema1.airports_airport_id_seq")
    insert = "INSERT INTO schema1.flights (origin, destination) VALUES ('A', 'B')"
    await look.execute("SET ROLE writer")
    assert await refused(look, insert) == ""
    assert await refused(look, "INSERT INTO schema1.airports (code) VALUES ('X')") == ""
    await look.execute(
        "RESET ROLE; REVOKE USAGE ON SEQUENCE schema1.flights_flight_id_seq FROM writer;"
        " SET ROLE writer"
    )
    assert await refused(look, insert) == "42501"
    await applied(database, writer)
    assert await refused(look, insert) == ""


@pytest.mark.fact("PG-ACL-9")
@pytest.mark.rule("9")
async def test_public_keeps_connect_and_the_permission_says_that_it_restricts_nobody(
    database: Database,
) -> None:
    connect = """
Permission/enter: {database: mydb, actions: [CONNECT]}
Role/guest: {database: mydb, permissions: [enter]}
"""
    report = await applied(database, connect)
    look = await database.connect()
    await look.execute("CREATE ROLE stranger")
    for privilege in ("CONNECT", "TEMPORARY"):
        assert await look.fetchval(
            "SELECT has_database_privilege('stranger', 'mydb', $1)", privilege
        )
    assert "PUBLIC" in " ".join(outcome(report, "Permission/enter").notes)
    await look.execute("REVOKE CONNECT ON DATABASE mydb FROM PUBLIC")
    report = await applied(database, connect)
    assert outcome(report, "Permission/enter").notes == ()
    assert not await look.fetchval("SELECT has_database_privilege('stranger', 'mydb', 'CONNECT')")
    assert await look.fetchval("SELECT has_database_privilege('guest', 'mydb', 'CONNECT')")


@pytest.mark.fact("PG-ACL-10")
@pytest.mark.rule("9")
@pytest.mark.every_version
async def test_what_public_may_in_the_schema_public_is_left_as_it_is(database: Database) -> None:
    assert all_ready(await applied(database, READER))
    look = await database.connect()
    may: bool = await look.fetchval("SELECT has_schema_privilege('reader', 'public', 'CREATE')")
    assert may is (database.server.version < 15)
    assert await is_settled(database, READER)


@pytest.mark.fact("PG-ACL-11")
@pytest.mark.rule("13")
async def test_after_a_swap_of_tables_the_privilege_is_on_the_one_that_has_the_name_now(
    database: Database,
) -> None:
    await applied(database, READER)
    look = await database.connect()
    may = "SELECT has_table_privilege('reader', $1, 'SELECT')"
    await look.execute(
        "ALTER TABLE schema1.flights RENAME TO flights_old;"
        "ALTER TABLE schema1.airports RENAME TO flights"
    )
    assert await look.fetchval(may, "schema1.flights_old")
    assert not await look.fetchval(may, "schema1.flights")
    await applied(database, READER)
    assert not await look.fetchval(may, "schema1.flights_old")
    assert await look.fetchval(may, "schema1.flights")


@pytest.mark.fact("PG-ACL-13")
@pytest.mark.rule("14", "21")
async def test_what_matches_nothing_or_cannot_be_granted_settles(database: Database) -> None:
    """The admin is no superuser and no member of the tables' owner."""
    await demote(database)
    nothing = READER.replace("[flights]", '["nothing_*"]')
    report = await applied(database, nothing)
    assert all_ready(report)
    assert outcome(report, "Permission/read").matches == 0
    assert await is_settled(database, nothing)
    report = await applied(database, READER, 2)
    assert outcome(report, "Role/reader").reason == "NotManageable"
    assert (
        "app_owner" in outcome(report, "Role/reader").message
        or "owner" in outcome(report, "Role/reader").message
    )
    assert await is_settled(database, READER, 2)


@pytest.mark.fact("PG-ACL-14")
@pytest.mark.rule("21", "23")
async def test_a_grant_that_somebody_else_has_not_committed_yet_is_waited_for(
    database: Database,
) -> None:
    """A plain GRANT beside it fails; ours is tried again and succeeds."""
    await database.execute("CREATE ROLE first; CREATE ROLE second")
    somebody, plain = await database.connect(), await database.connect()

    async def begun() -> None:
        await somebody.execute("BEGIN; GRANT SELECT ON schema1.flights TO first")

    await begun()
    waiting = asyncio.create_task(refused(plain, "GRANT SELECT ON schema1.flights TO second"))
    await _is_blocked(database, plain.get_server_pid())
    await somebody.execute("COMMIT")
    assert await waiting == "XX000"
    await somebody.execute("REVOKE SELECT ON schema1.flights FROM first")
    await begun()
    applying = asyncio.create_task(applied(database, READER))
    await _is_blocked(database)
    await somebody.execute("COMMIT")
    assert all_ready(await applying)
    assert await is_settled(database, READER)


async def _is_blocked(database: Database, pid: int | None = None) -> None:
    """Wait until this session, or one of the Regent's, waits for another one."""
    look = await database.connect()
    async with asyncio.timeout(120):
        while not await look.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND (pid = $1 OR ($1 IS NULL AND application_name ~ '^postgregent'))",
            pid,
        ):
            await asyncio.sleep(0.005)


@pytest.mark.fact("PG-ACL-17")
@pytest.mark.rule("14", "21")
async def test_an_acl_that_is_full_is_told_with_the_way_out_and_hides_nothing_else(
    database: Database,
) -> None:
    """Strangers have filled it; other tables get what is declared, and it is not asked again."""
    await database.execute(
        "DO $$ BEGIN FOR n IN 1..2600 LOOP EXECUTE format('CREATE ROLE s%s', n); END LOOP; END $$"
    )
    look = await database.connect()
    full = ""
    for step in (200, 10, 1):
        full = await _fill(look, step)
    assert full == "54000"
    count = await look.fetchval(
        "SELECT cardinality(relacl) FROM pg_class WHERE oid = 'schema1.flights'::regclass"
    )
    assert 2_300 < count < 2_550
    both = READER.replace("[flights]", "[flights, airports]")
    report = await applied(database, both)
    said = outcome(report, "Role/reader")
    assert said.reason == "NotManageable"
    assert "54000" in said.message
    assert "grant to a Role" in said.message
    may = "SELECT has_table_privilege('reader', $1, 'SELECT')"
    assert await look.fetchval(may, "schema1.airports")
    assert not await look.fetchval(may, "schema1.flights")
    assert await is_settled(database, both)


async def _fill(look: asyncpg.Connection, step: int) -> str:
    """GRANT to ever more strangers until the server refuses; its SQLSTATE."""
    number: int = await look.fetchval(
        "SELECT cardinality(coalesce(relacl, '{}')) FROM pg_class"
        " WHERE oid = 'schema1.flights'::regclass"
    )
    while number + step <= 2_600:
        names = ", ".join(f"s{n}" for n in range(number + 1, number + step + 1))
        if state := await refused(look, f"GRANT SELECT ON schema1.flights TO {names}"):
            return state
        number += step
    return ""


@pytest.mark.fact("PG-ACL-18")
@pytest.mark.rule("27")
async def test_a_role_that_goes_keeps_what_its_views_need(database: Database) -> None:
    """Everybody else goes on reading through its view."""
    await applied(database, READER)
    look = await database.connect()
    await look.execute(
        "CREATE ROLE stranger; GRANT USAGE ON SCHEMA schema1 TO stranger;"
        "CREATE VIEW public.window AS SELECT origin FROM schema1.flights;"
        "ALTER VIEW public.window OWNER TO reader; GRANT SELECT ON public.window TO stranger"
    )
    await look.execute("SET ROLE stranger")
    assert await refused(look, "SELECT FROM public.window") == ""
    await look.execute("RESET ROLE; BEGIN; REVOKE SELECT ON schema1.flights FROM reader;"
                       " SET ROLE stranger")  # fmt: skip
    assert await refused(look, "SELECT FROM public.window") == "42501"
    await look.execute("ROLLBACK")
    await applied(database, "{}", 2)
    assert await look.fetchval("SELECT NOT rolcanlogin FROM pg_roles WHERE rolname = 'reader'")
    await look.execute("SET ROLE stranger")
    assert await refused(look, "SELECT FROM public.window") == ""


@pytest.mark.fact("PG-ACL-16")
@pytest.mark.rule("22")
@pytest.mark.versions(18)
async def test_more_tables_than_the_server_has_locks_for_are_granted_on(
    launch_server: Callable[..., PostgresServer],
) -> None:
    """One statement over all of them runs out of shared memory; a pass does not."""
    server = launch_server(max_locks_per_transaction="10", max_connections="25")
    async with flights(server) as database:
        look = await database.connect()
        await look.execute("CREATE SCHEMA wide")
        for start in range(0, TABLES, 150):
            await look.execute(
                f"DO $$ BEGIN FOR n IN {start}..{start + 149} LOOP"
                " EXECUTE format('CREATE TABLE wide.t%s (i int)', n); END LOOP; END $$"
            )
        await look.execute("CREATE ROLE plain")
        names = ", ".join(f"wide.t{n}" for n in range(TABLES))
        assert await refused(look, f"GRANT SELECT ON {names} TO plain") == "53200"
        wide = READER.replace("[schema1]", "[wide]").replace("[flights]", '["*"]')
        report = await applied(database, wide)
        assert all_ready(report), [o.message for o in report.outcomes]
        assert outcome(report, "Permission/read").matches == TABLES

"""The ground the other tests stand on: real servers, clean before each test."""

from __future__ import annotations

from collections.abc import Callable

import asyncpg
import pytest

from shared import scram
from tests.postgres.activity import sampled_activity
from tests.postgres.canary import Canary, everything_of
from tests.postgres.database import Database
from tests.postgres.reset import reset
from tests.postgres.server import PostgresServer

USER_ROLES = "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_' ORDER BY 1"


@pytest.mark.every_version
async def test_each_version_serves_the_flights_database(
    database: Database, postgres_version: int
) -> None:
    connection = await database.connect()
    assert connection.get_server_version().major == postgres_version
    assert await connection.fetchval("SELECT pg_catalog.count(*) FROM schema1.flights") == 2


@pytest.mark.every_version
async def test_what_a_test_leaves_behind_is_gone_for_the_next(server: PostgresServer) -> None:
    connection = await server.connect()
    pid = server.process.data.joinpath("postmaster.pid").read_text().splitlines()[0]
    await connection.execute(
        "CREATE ROLE leaver LOGIN; CREATE ROLE grp ROLE leaver; GRANT leaver TO app_owner;"
        "GRANT CREATE ON DATABASE postgres TO grp; ALTER ROLE leaver SET work_mem = '1MB';"
        "CREATE SCHEMA left_over AUTHORIZATION leaver; CREATE TABLE left_over.t ()"
    )
    await connection.execute("CREATE DATABASE other OWNER leaver")
    elsewhere = await server.connect("other")
    await elsewhere.execute("CREATE TABLE t (); GRANT SELECT ON t TO grp")
    await reset(server)
    connection = await server.connect()
    names = [row[0] for row in await connection.fetch(USER_ROLES)]
    assert names == ["app_owner", "my-admin", "postgres"]
    await connection.close()
    assert server.process.data.joinpath("postmaster.pid").read_text().splitlines()[0] == pid


@pytest.mark.parametrize(
    "damage",
    [
        "ALTER ROLE app_owner CREATEDB",
        "ALTER ROLE app_owner RENAME TO owner_of_apps",
        "REVOKE CONNECT ON DATABASE postgres FROM PUBLIC",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "CREATE TABLE public.left_over ()",
        "GRANT pg_monitor TO app_owner",
        "COMMENT ON ROLE app_owner IS 'x'",
    ],
)
async def test_what_cannot_be_dropped_is_restored(server: PostgresServer, damage: str) -> None:
    connection = await server.connect()
    before = server.pristine
    await connection.execute(damage)
    await connection.close()
    await reset(server)
    server.pristine = ""
    await reset(server)
    assert server.pristine == before


async def test_passwords_are_asked_for(database: Database) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await database.connect("my-admin", "not this one")
    owner = await database.connect("app_owner")
    assert await owner.fetchval("SELECT current_user") == "app_owner"


async def test_a_killed_server_comes_back_with_what_was_committed(database: Database) -> None:
    await database.execute("INSERT INTO public.notes VALUES ('kept')")
    database.server.kill()
    database.server.start()
    connection = await database.connect()
    assert await connection.fetchval("SELECT note FROM public.notes") == "kept"


async def test_a_server_of_the_tests_own_has_its_own_settings(
    launch_server: Callable[..., PostgresServer],
) -> None:
    connection = await launch_server(max_prepared_transactions="3").connect()
    assert await connection.fetchval("SHOW max_prepared_transactions") == "3"
    await connection.close()


async def test_a_clear_password_is_found_where_it_went(server: PostgresServer) -> None:
    leaked = Canary()
    connection = await server.connect()
    await connection.execute(f"CREATE ROLE leaky LOGIN PASSWORD '{leaked.password}'")
    await connection.close()
    with pytest.raises(AssertionError, match="the server's log"):
        leaked.assert_nowhere(await everything_of(server))


@pytest.mark.fact("PG-ROLE-8")
async def test_a_verifier_is_stored_as_given_and_logs_in(
    database: Database, canary: Canary
) -> None:
    text = scram.build(canary.password).value
    await database.execute(f"CREATE ROLE pilot LOGIN PASSWORD '{text}'")
    admin = await database.connect()
    stored = "SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = 'pilot'"
    assert await admin.fetchval(stored) == text
    pilot = await database.connect("pilot", canary.password)
    assert await pilot.fetchval("SELECT session_user") == "pilot"


async def test_activity_shows_what_sessions_ran(database: Database) -> None:
    connection = await database.connect()
    async with sampled_activity(database.server) as seen:
        await connection.execute("SELECT pg_catalog.pg_sleep(0.05), 'look at me'")
    assert any("look at me" in query for query in seen)

"""The detector never breaks its database's own work."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable

import asyncpg
import pytest

from regent.detect.events import EventReader
from regent.detect.install import install, remove
from tests.postgres.database import Database, flights
from tests.postgres.server import PostgresServer

pytestmark = pytest.mark.slow_versions(16, 17)
HARM = [
    "DROP TABLE postgregent.event",
    "ALTER SCHEMA postgregent RENAME TO elsewhere",
    "ALTER TABLE postgregent.event ADD CHECK (false) NOT VALID",
    "ALTER TABLE postgregent.event DROP COLUMN pid",
    "DROP SEQUENCE postgregent.event_taken",
    "ALTER TABLE postgregent.event ALTER command_tag TYPE integer USING 1",
    "REVOKE ALL ON postgregent.event FROM CURRENT_USER",
    (
        "ALTER TABLE postgregent.event RENAME TO other;"
        " CREATE VIEW postgregent.event AS SELECT 1 AS xid"
    ),
    "ALTER FUNCTION postgregent.record_change() OWNER TO app_owner",
]


@pytest.mark.fact("PG-EVENT-16")
@pytest.mark.rule("23")
@pytest.mark.every_version
@pytest.mark.parametrize("harm", HARM)
async def test_a_damaged_schema_lets_commands_through(database: Database, harm: str) -> None:
    admin = await database.connect()
    await install(admin)
    await admin.execute(harm)
    application = await database.connect(database.owner)
    await application.execute("CREATE TABLE schema1.t (id serial); DROP TABLE schema1.t")
    async with application.transaction():
        await application.execute("GRANT SELECT ON schema1.flights TO PUBLIC")


async def test_a_damaged_schema_still_notifies(database: Database) -> None:
    admin = await database.connect()
    await install(admin)
    await admin.execute("DROP TABLE postgregent.event")
    heard = asyncio.Event()
    await admin.add_listener("postgregent", lambda *_: heard.set())
    await database.execute("CREATE TABLE schema1.t ()", database.owner)
    async with asyncio.timeout(120):
        await heard.wait()


@pytest.mark.rule("23")
async def test_a_lock_on_the_event_table_stops_nobody(database: Database) -> None:
    admin = await database.connect()
    await install(admin)
    async with admin.transaction():
        await admin.execute("LOCK TABLE postgregent.event IN ACCESS EXCLUSIVE MODE")
        application = await database.connect(database.owner)
        await application.execute("CREATE TABLE schema1.t ()")
    assert (await EventReader().take(admin)).events == ()


@pytest.mark.rule("23")
@pytest.mark.every_version
async def test_serializable_transactions_do_not_fail_each_other_through_us(
    database: Database,
) -> None:
    admin = await database.connect()
    await install(admin)
    one, two = await database.connect(database.owner), await database.connect(database.owner)
    first = one.transaction(isolation="serializable")
    second = two.transaction(isolation="serializable")
    await first.start()
    await second.start()
    for _ in range(3):
        await one.execute("GRANT SELECT ON schema1.flights TO PUBLIC")
        await two.execute("GRANT SELECT ON schema2.crews TO PUBLIC")
    await first.commit()
    await second.commit()
    assert len((await EventReader().take(admin)).events) == 6


@pytest.mark.fact("PG-EVENT-17")
@pytest.mark.every_version
async def test_prepare_transaction_works_and_leaves_its_event(
    launch_server: Callable[..., PostgresServer],
) -> None:
    server = launch_server(max_prepared_transactions="5")
    async with flights(server) as database:
        admin = await database.connect()
        await install(admin)
        application = await database.connect(database.owner)
        await application.execute("""
            BEGIN; CREATE TABLE schema1.t (); PREPARE TRANSACTION 'p'
        """)
        reader = EventReader()
        assert (await reader.take(admin)).events == ()
        await application.execute("COMMIT PREPARED 'p'")
        assert len((await reader.take(admin)).events) == 1


@pytest.mark.found("E124")
async def test_what_a_failed_pass_was_given_is_given_again(database: Database) -> None:
    """Who did it was lost with the pass, and the next one told of nobody."""
    admin = await database.connect()
    await install(admin)
    reader = EventReader()
    await database.execute("CREATE TABLE schema1.early ()", database.owner)
    reader.begin()
    early = (await reader.take(admin)).events
    reader.begin()
    await database.execute("CREATE TABLE schema1.late ()", database.owner)
    late = (await reader.take(admin)).events
    assert len(early) == len(late) == 1
    reader.give_again()
    reader.begin()
    assert (await reader.take(admin)).events == late
    assert (await reader.take(admin)).events == ()
    assert await reader.forget(admin) == 2


@pytest.mark.fact("PG-EVENT-17")
async def test_a_notify_in_a_transaction_would_make_prepare_transaction_fail(
    launch_server: Callable[..., PostgresServer],
) -> None:
    server = launch_server(max_prepared_transactions="5")
    connection = await server.connect()
    with pytest.raises(asyncpg.FeatureNotSupportedError):
        await connection.execute("BEGIN; NOTIFY postgregent; PREPARE TRANSACTION 'p'")
    await connection.close()


@pytest.mark.fact("PG-EVENT-13")
@pytest.mark.every_version
async def test_the_role_of_a_replica_changes_nothing(database: Database) -> None:
    admin = await database.connect()
    await install(admin)
    reader = EventReader()
    await reader.take(admin)
    await admin.execute("SET session_replication_role = replica; CREATE SCHEMA s; DROP SCHEMA s")
    assert len((await reader.take(admin)).events) == 2


@pytest.mark.fact("PG-EVENT-14")
async def test_an_update_of_a_catalog_is_not_seen(database: Database) -> None:
    admin = await database.connect()
    await install(admin)
    reader = EventReader()
    await reader.take(admin)
    await admin.execute("""
        SET allow_system_table_mods = on;
        UPDATE pg_class SET relacl = '{app_owner=arwd/app_owner,=r/app_owner}'
        WHERE oid = 'schema1.flights'::regclass
    """)
    assert (await reader.take(admin)).events == ()


@pytest.mark.fact("PG-EVENT-23")
@pytest.mark.versions(17, 18)
async def test_event_triggers_off_beats_always(database: Database) -> None:
    admin = await database.connect()
    await install(admin)
    reader = EventReader()
    await reader.take(admin)
    await admin.execute("SET event_triggers = off; CREATE SCHEMA s; RESET event_triggers")
    assert (await reader.take(admin)).events == ()


@pytest.mark.parametrize(
    "setting", ["plpgsql.extra_errors = 'all'", "transform_null_equals = on", "lock_timeout = 0"]
)
async def test_no_setting_of_a_user_stops_recording(database: Database, setting: str) -> None:
    admin = await database.connect()
    await install(admin)
    reader = EventReader()
    await reader.take(admin)
    application = await database.connect(database.owner)
    await application.execute(f"SET {setting}")
    await application.execute("CREATE TABLE schema1.t ()")
    assert len((await reader.take(admin)).events) == 1


@pytest.mark.fact("PG-EVENT-22")
@pytest.mark.every_version
async def test_a_copy_of_the_database_works_and_the_detector_can_be_taken_out(
    database: Database,
) -> None:
    admin = await database.connect()
    await install(admin)
    await admin.close()
    other = await database.server.connect()
    await other.execute("CREATE DATABASE copy TEMPLATE mydb OWNER app_owner")
    await other.close()
    owner = await database.server.connect("copy", database.owner)
    await owner.execute("CREATE TABLE schema1.t (); DROP TABLE schema1.t")
    await owner.close()
    superuser = await database.server.connect("copy")
    assert len((await EventReader().take(superuser)).events) == 2
    assert await remove(superuser) == ""
    await superuser.close()


@pytest.mark.rule("5")
@pytest.mark.every_version
async def test_the_owner_can_dump_the_database_and_the_dump_can_be_restored(
    database: Database,
) -> None:
    admin = await database.connect()
    await install(admin)
    await database.execute("CREATE TABLE schema1.t ()", database.owner)
    dump = dumped(database, database.owner)
    assert "CREATE TABLE schema1.t" in dump
    await admin.execute("CREATE DATABASE restored OWNER app_owner")
    script = "\n".join(line for line in dump.splitlines() if not line.startswith("\\"))
    restored = await database.server.connect("restored")
    await restored.execute(script)
    await restored.close()


def dumped(database: Database, user: str, *options: str) -> str:
    """The database as pg_dump writes it for this user; the data as INSERTs."""
    server = database.server
    account = server.process.account
    answer = subprocess.run(
        [
            server.cluster.binaries.program("pg_dump"),
            "--inserts",
            *options,
            f"--host={server.host}",
            f"--port={server.port}",
            f"--username={user}",
            database.name,
        ],
        cwd="/",
        env=os.environ | {"PGPASSWORD": server.password_of(user) or ""},
        user=account.uid if account else None,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout

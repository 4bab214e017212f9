"""Installing, repairing, upgrading and removing the detector of a served database."""

from __future__ import annotations

import asyncpg
import pytest

from regent.detect.install import damage, install, remove
from tests.postgres.database import Database

LEFT_BEHIND = """
    SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'postgregent')
         + (SELECT count(*) FROM pg_event_trigger)
         + (SELECT count(*) FROM pg_proc WHERE proname = 'record_change')
"""
DAMAGES = [
    "DROP EVENT TRIGGER postgregent_change",
    "DROP EVENT TRIGGER postgregent_drop",
    "ALTER EVENT TRIGGER postgregent_change DISABLE",
    "ALTER EVENT TRIGGER postgregent_drop ENABLE",
    "ALTER EVENT TRIGGER postgregent_drop RENAME TO another",
    "DROP FUNCTION postgregent.record_change() CASCADE",
    (
        "CREATE OR REPLACE FUNCTION postgregent.record_change() RETURNS event_trigger"
        " LANGUAGE plpgsql AS 'BEGIN END'"
    ),
    "ALTER FUNCTION postgregent.record_change() SECURITY INVOKER",
    "ALTER FUNCTION postgregent.record_change() RESET search_path",
    "ALTER FUNCTION postgregent.record_change() OWNER TO app_owner",
    "GRANT EXECUTE ON FUNCTION postgregent.record_change() TO PUBLIC",
    "DROP TABLE postgregent.event",
    "DROP TABLE postgregent.event; CREATE TABLE postgregent.event (id bigint)",
    "ALTER TABLE postgregent.event ADD COLUMN extra text",
    "ALTER TABLE postgregent.event ADD CHECK (command_tag <> 'GRANT')",
    "ALTER TABLE postgregent.event ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE postgregent.event SET LOGGED",
    "ALTER TABLE postgregent.event OWNER TO app_owner",
    "DROP INDEX postgregent.event_xid",
    "DROP SEQUENCE postgregent.event_taken",
    "GRANT SELECT ON postgregent.event TO PUBLIC",
    "GRANT UPDATE ON SEQUENCE postgregent.event_overflow TO app_owner",
    "REVOKE SELECT ON postgregent.event FROM pg_database_owner",
    "GRANT CREATE ON SCHEMA postgregent TO PUBLIC",
    "ALTER SCHEMA postgregent OWNER TO app_owner",
    "ALTER SCHEMA postgregent RENAME TO elsewhere",
    "DROP SCHEMA postgregent CASCADE",
    "COMMENT ON SCHEMA postgregent IS NULL",
]


@pytest.mark.rule("5")
@pytest.mark.every_version
async def test_an_installed_detector_is_intact_and_installing_again_writes_nothing(
    database: Database,
) -> None:
    connection = await database.connect()
    assert await damage(connection)
    status = await install(connection)
    assert status.kind == "Triggers"
    assert await damage(connection) == ()
    async with connection.transaction():
        again = await install(connection)
        assert await connection.fetchval("SELECT pg_current_xact_id_if_assigned()") is None
    assert (again.kind, again.repaired) == ("Triggers", ())


@pytest.mark.parametrize("harm", DAMAGES)
async def test_each_damage_is_seen_and_repaired(database: Database, harm: str) -> None:
    connection = await database.connect()
    await install(connection)
    await connection.execute(harm)
    assert await damage(connection), harm
    status = await install(connection)
    assert status.repaired
    assert await damage(connection) == ()
    await connection.execute("TRUNCATE postgregent.event; CREATE SCHEMA fresh")
    assert await connection.fetchval("SELECT count(*) FROM postgregent.event") == 1


@pytest.mark.every_version
async def test_an_older_version_is_replaced_in_place(database: Database) -> None:
    connection = await database.connect()
    await install(connection)
    await connection.execute("""
        ALTER TABLE postgregent.event DROP COLUMN in_extension;
        CREATE OR REPLACE FUNCTION postgregent.record_change() RETURNS event_trigger
            LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN END';
        COMMENT ON SCHEMA postgregent IS 'PostgRegent''s detector, version 0.';
    """)
    await install(connection)
    assert await damage(connection) == ()


async def test_default_privileges_of_the_admin_give_nothing_away(database: Database) -> None:
    connection = await database.connect()
    await connection.execute("""
        ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
        ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO app_owner;
        ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO app_owner;
    """)
    await install(connection)
    assert await damage(connection) == ()


@pytest.mark.fact("PG-EVENT-21")
@pytest.mark.every_version
async def test_nobody_but_the_owners_of_database_and_detector_gets_in(database: Database) -> None:
    connection = await database.connect()
    await install(connection)
    await connection.execute("CREATE ROLE stranger")
    await connection.execute("SET ROLE stranger")
    for attempt in (
        "SELECT * FROM postgregent.event",
        "INSERT INTO postgregent.event DEFAULT VALUES",
        "SELECT nextval('postgregent.event_overflow')",
        "CREATE TABLE postgregent.mine ()",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(attempt)


@pytest.mark.fact("PG-EVENT-15")
@pytest.mark.every_version
async def test_an_admin_who_is_no_superuser_gets_polling_and_nothing_is_left(
    database: Database,
) -> None:
    connection = await database.connect(database.owner)
    status = await install(connection)
    assert status.kind == "Polling"
    assert "event trigger" in status.why
    assert await connection.fetchval(LEFT_BEHIND) == 0


async def test_a_schema_of_somebody_elses_is_not_touched(database: Database) -> None:
    connection = await database.connect()
    await connection.execute("CREATE SCHEMA postgregent; CREATE VIEW postgregent.event AS SELECT 1")
    status = await install(connection)
    assert status.kind == "Polling"
    assert await connection.fetchval("SELECT count(*) FROM postgregent.event") == 1


@pytest.mark.fact("PG-EVENT-24")
@pytest.mark.rule("5")
@pytest.mark.every_version
async def test_removing_leaves_nothing(database: Database) -> None:
    connection = await database.connect()
    assert await remove(connection) == ""
    await install(connection)
    await connection.execute("CREATE TABLE seen ()")
    assert await remove(connection) == ""
    assert await connection.fetchval(LEFT_BEHIND) == 0
    await connection.execute("CREATE TABLE unseen ()")


async def test_removing_leaves_what_others_put_into_the_schema_and_says_so(
    database: Database,
) -> None:
    connection = await database.connect()
    await install(connection)
    await connection.execute("CREATE TABLE postgregent.theirs ()")
    assert "theirs" in await remove(connection)
    assert await connection.fetchval("SELECT count(*) FROM postgregent.theirs") == 0
    assert await connection.fetchval("SELECT count(*) FROM pg_event_trigger") == 0

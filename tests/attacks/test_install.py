"""Somebody has the schema postgregent before the detector comes, or keeps it out of its own.

The schema of a database is made by whoever may create one, with any comment on it.
"""

from __future__ import annotations

import pytest

from regent.detect.install import COMMENT, DetectorDoesNotHold, damage, install, remove
from shared.names import quote_literal
from tests.postgres.database import Database

MARKED = f"COMMENT ON SCHEMA postgregent IS {quote_literal(COMMENT)}"
THEIRS = """
    CREATE SCHEMA postgregent;
    CREATE TABLE postgregent.event (
        command_tag int, in_extension int, session_user_name int, xid int
    );
    INSERT INTO postgregent.event VALUES (1);
    CREATE SEQUENCE postgregent.event_taken;
    CREATE FUNCTION postgregent.record_change() RETURNS int LANGUAGE sql AS 'SELECT 1';
"""
OWNERS = """
    SELECT (SELECT nspowner FROM pg_namespace WHERE nspname = 'postgregent')::regrole::text
        || ' ' || (SELECT relowner FROM pg_class WHERE oid = 'postgregent.event'::regclass)::regrole
        || ' ' || (SELECT proowner FROM pg_proc WHERE proname = 'record_change')::regrole
        || ' ' || (SELECT command_tag FROM postgregent.event)
        || ' ' || to_regclass('postgregent.event_taken')
"""


@pytest.mark.found("E18")
@pytest.mark.every_version
@pytest.mark.parametrize("mark", ["", MARKED], ids=["unmarked", "with our comment"])
async def test_a_schema_of_somebody_elses_is_left_whole(database: Database, mark: str) -> None:
    """Neither installing nor removing touches it, though its comment is ours."""
    await database.execute(THEIRS + mark, database.owner)
    admin = await database.connect()
    before = await admin.fetchval(OWNERS)
    status = await install(admin)
    assert status.kind == "Polling"
    assert 'schema "postgregent" is not PostgRegent\'s: it belongs to "app_owner"' in status.why
    assert "rename or drop it" in status.why
    assert "is not PostgRegent's" in await remove(admin)
    assert await admin.fetchval(OWNERS) == before
    await admin.execute("ALTER SCHEMA postgregent RENAME TO another")
    assert (await install(admin)).kind == "Triggers"
    assert await admin.fetchval("SELECT count(*) FROM another.event") == 1


@pytest.mark.found("E18")
@pytest.mark.every_version
async def test_a_table_of_another_within_our_schema_is_kept(database: Database) -> None:
    admin = await database.connect()
    await install(admin)
    await admin.execute("CREATE SCHEMA seen; ALTER TABLE postgregent.event OWNER TO app_owner")
    assert 'belong to "app_owner"' in " ".join((await install(admin)).repaired)
    assert await damage(admin) == ()
    kept = await admin.fetchval("""
        SELECT oid::regclass::text FROM pg_class
        WHERE relowner = 'app_owner'::regrole AND relname LIKE 'was%'
          AND relnamespace = 'postgregent'::regnamespace AND relkind = 'r'
    """)
    assert await admin.fetchval(f"SELECT count(*) FROM {kept}") == 2
    assert "holds what is not ours" in await remove(admin)
    assert await admin.fetchval(f"SELECT count(*) FROM {kept}") == 2


@pytest.mark.found("E19")
@pytest.mark.every_version
async def test_no_name_that_is_taken_keeps_the_detector_out(database: Database) -> None:
    """What it would rename to is not to be known before; and its own sequences leave nothing."""
    admin = await database.connect()
    await install(admin)
    await admin.execute("""
        DROP TABLE postgregent.event;
        CREATE VIEW postgregent.event AS SELECT 1 AS a;
        DO $$ BEGIN EXECUTE format(
            'CREATE TABLE postgregent.was_%s ()', 'postgregent.event'::regclass::oid
        ); END $$
    """)
    assert (await install(admin)).kind == "Triggers"
    assert await damage(admin) == ()
    names = "SELECT count(*) FROM pg_class WHERE relname LIKE 'was%' AND relkind = 'S'"
    assert await admin.fetchval(names) == 0


@pytest.mark.found("E19")
async def test_a_lock_on_our_table_is_told_and_over_with_its_session(database: Database) -> None:
    admin, other = await database.connect(), await database.connect()
    await install(admin)
    await admin.execute("ALTER TABLE postgregent.event ADD COLUMN extra text")
    async with other.transaction():
        await other.execute("LOCK TABLE postgregent.event")
        with pytest.raises(DetectorDoesNotHold, match="holds a lock") as told:
            await install(admin)
    assert "pg_locks" in str(told.value)
    assert (await install(admin)).kind == "Triggers"


HANGING = (
    "CREATE VIEW schema1.v AS SELECT * FROM postgregent.event",
    "CREATE TABLE schema1.ty (a postgregent.event)",
    "CREATE VIEW schema1.v2 AS SELECT last_value FROM postgregent.event_overflow",
    "CREATE TABLE schema1.dd (a int DEFAULT nextval('postgregent.event_taken'))",
    "CREATE VIEW schema1.v3 AS SELECT 'postgregent.record_change'::regproc",
    "CREATE VIEW schema1.v4 AS SELECT 'postgregent'::regnamespace",
    "CREATE FUNCTION schema1.f(postgregent.event) RETURNS int LANGUAGE sql AS 'SELECT 1'",
)


@pytest.mark.found("E68")
@pytest.mark.every_version
async def test_what_the_owner_hangs_on_the_detector_keeps_it_neither_from_repair_nor_from_removal(
    database: Database,
) -> None:
    """The owner must be able to read it, for its dumps; so it can hang something on all of it."""
    admin = await database.connect()
    await install(admin)
    for statement in HANGING:
        await database.execute(statement, "app_owner")
    await database.execute("INSERT INTO schema1.ty VALUES (NULL)", "app_owner")
    await admin.execute("ALTER TABLE postgregent.event ADD COLUMN extra text")
    for damaged in ("SECURITY INVOKER", "RESET search_path"):
        assert (await install(admin)).kind == "Triggers"
        assert await damage(admin) == ()
        await admin.execute(f"ALTER FUNCTION postgregent.record_change() {damaged}")
    await install(admin)
    await database.execute("CREATE TABLE schema1.recorded ()", "app_owner")
    assert await admin.fetchval("SELECT count(*) FROM postgregent.event WHERE pid IS NOT NULL")
    left = await remove(admin)
    assert "view schema1.v depends on" in left
    assert not await admin.fetchval("SELECT count(*) FROM pg_event_trigger")
    assert await admin.fetchval("SELECT count(*) FROM schema1.ty") == 1
    # The twin: once they are dropped, all of it goes.
    await database.execute(
        "DROP VIEW schema1.v, schema1.v2, schema1.v3, schema1.v4;"
        "DROP FUNCTION schema1.f; DROP TABLE schema1.ty, schema1.dd",
        "app_owner",
    )
    await admin.execute("DROP SCHEMA postgregent CASCADE")
    assert (await install(admin)).kind == "Triggers"
    assert await remove(admin) == ""

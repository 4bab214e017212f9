"""What the event triggers record, and what fires nothing at all."""

from __future__ import annotations

import pytest

from regent.detect.events import Event, EventReader
from regent.detect.install import install
from regent.detect.own_sessions import OwnSessions
from tests.postgres.canary import Canary
from tests.postgres.database import Database

pytestmark = pytest.mark.slow_versions(16, 17)
PREPARE = """
    CREATE ROLE intern;
    CREATE TABLE schema1.old (id integer, x text);
    CREATE SEQUENCE schema1.old_numbers;
    CREATE VIEW schema1.old_view AS SELECT id FROM schema1.old;
    SELECT lo_create(4711);
"""
FIRES = [
    ("PG-EVENT-1", "GRANT SELECT ON schema1.old TO intern", "GRANT", "TABLE"),
    ("PG-EVENT-1", "GRANT SELECT (x) ON schema1.old TO intern", "GRANT", "TABLE"),
    ("PG-EVENT-1", "REVOKE SELECT ON schema1.old FROM app_owner", "REVOKE", "TABLE"),
    ("PG-EVENT-1", "GRANT USAGE ON SCHEMA schema1 TO intern", "GRANT", "SCHEMA"),
    ("PG-EVENT-1", "GRANT USAGE ON SEQUENCE schema1.old_numbers TO intern", "GRANT", "SEQUENCE"),
    (
        "PG-EVENT-1",
        "GRANT EXECUTE ON FUNCTION schema1.flight_count() TO intern",
        "GRANT",
        "FUNCTION",
    ),
    ("PG-EVENT-1", "GRANT SELECT ON LARGE OBJECT 4711 TO intern", "GRANT", "LARGE OBJECT"),
    ("PG-EVENT-1", "DO $$ BEGIN GRANT SELECT ON schema1.old TO intern; END $$", "GRANT", "TABLE"),
    (
        "PG-EVENT-2",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO intern",
        "ALTER DEFAULT PRIVILEGES",
        "TABLES",
    ),
    ("PG-EVENT-3", "CREATE TABLE schema1.t ()", "CREATE TABLE", "table"),
    ("PG-EVENT-3", "CREATE TABLE schema1.t AS SELECT 1", "CREATE TABLE AS", "table"),
    ("PG-EVENT-3", "SELECT 1 AS one INTO schema1.t", "SELECT INTO", "table"),
    ("PG-EVENT-3", "CREATE VIEW schema1.v AS SELECT 1", "CREATE VIEW", "view"),
    (
        "PG-EVENT-3",
        "CREATE MATERIALIZED VIEW schema1.m AS SELECT 1",
        "CREATE MATERIALIZED VIEW",
        "materialized view",
    ),
    ("PG-EVENT-3", "CREATE SEQUENCE schema1.s", "CREATE SEQUENCE", "sequence"),
    ("PG-EVENT-3", "CREATE SCHEMA s", "CREATE SCHEMA", "schema"),
    (
        "PG-EVENT-3",
        "CREATE FUNCTION schema1.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION",
        "function",
    ),
    ("PG-EVENT-3", "CREATE SCHEMA s CREATE TABLE t ()", "CREATE TABLE", "table"),
    ("PG-EVENT-4", "ALTER TABLE schema1.old OWNER TO app_owner", "ALTER TABLE", "table"),
    ("PG-EVENT-4", "ALTER VIEW schema1.old_view OWNER TO app_owner", "ALTER VIEW", "view"),
    ("PG-EVENT-4", "ALTER TABLE schema1.old RENAME TO new", "ALTER TABLE", "table"),
    ("PG-EVENT-4", "ALTER TABLE schema1.old RENAME x TO y", "ALTER TABLE", "table column"),
    ("PG-EVENT-4", "ALTER TABLE schema1.old SET SCHEMA schema2", "ALTER TABLE", "table"),
    ("PG-EVENT-4", "ALTER TABLE schema1.old ENABLE ROW LEVEL SECURITY", "ALTER TABLE", "table"),
    ("PG-EVENT-4", "ALTER SCHEMA schema1 RENAME TO other", "ALTER SCHEMA", "schema"),
    ("PG-EVENT-4", "ALTER SCHEMA schema1 OWNER TO intern", "ALTER SCHEMA", "schema"),
    ("PG-EVENT-5", "DROP TABLE schema1.old CASCADE", "DROP TABLE", "table"),
    ("PG-EVENT-5", "DROP SCHEMA schema1 CASCADE", "DROP SCHEMA", "schema"),
    ("PG-EVENT-5", "DROP SEQUENCE schema1.old_numbers", "DROP SEQUENCE", "sequence"),
    ("PG-EVENT-5", "ALTER TABLE schema1.old DROP COLUMN x", "ALTER TABLE", "table column"),
]
SILENT = [
    ("PG-EVENT-7", "CREATE ROLE other"),
    ("PG-EVENT-7", "ALTER ROLE intern CREATEDB"),
    ("PG-EVENT-7", "ALTER ROLE intern RENAME TO trainee"),
    ("PG-EVENT-7", "DROP ROLE intern"),
    ("PG-EVENT-7", "COMMENT ON ROLE intern IS 'x'"),
    ("PG-EVENT-8", "GRANT pg_monitor TO intern"),
    ("PG-EVENT-8", "REVOKE app_owner FROM intern"),
    ("PG-EVENT-9", "GRANT CONNECT ON DATABASE mydb TO intern"),
    ("PG-EVENT-9", "REVOKE TEMPORARY ON DATABASE mydb FROM PUBLIC"),
    ("PG-EVENT-9", "GRANT CREATE ON TABLESPACE pg_default TO intern"),
    ("PG-EVENT-10", "ALTER ROLE intern SET work_mem = '8MB'"),
    ("PG-EVENT-10", "ALTER ROLE intern IN DATABASE mydb SET work_mem = '8MB'"),
    ("PG-EVENT-10", "ALTER DATABASE mydb SET work_mem = '8MB'"),
    ("PG-EVENT-10", "ALTER DATABASE mydb OWNER TO intern"),
    ("PG-EVENT-10", "CREATE DATABASE other"),
    ("PG-EVENT-11", "REASSIGN OWNED BY app_owner TO intern"),
    ("PG-EVENT-12", "ALTER EVENT TRIGGER postgregent_drop DISABLE"),
    ("PG-EVENT-12", "DROP EVENT TRIGGER postgregent_drop"),
]


async def events_of(database: Database, *statements: str) -> tuple[Event, ...]:
    """What was recorded of these statements, run by the admin on a fresh detector."""
    connection = await database.connect()
    await connection.execute(PREPARE)
    await install(connection)
    reader = EventReader()
    await reader.take(connection)
    for statement in statements:
        await connection.execute(statement)
    return (await reader.take(connection)).events


@pytest.mark.every_version
@pytest.mark.parametrize(
    ("statement", "tag", "object_type"),
    [pytest.param(*rest, marks=pytest.mark.fact(fact), id=rest[0]) for fact, *rest in FIRES],
)
async def test_it_is_recorded(
    database: Database, statement: str, tag: str, object_type: str
) -> None:
    events = await events_of(database, statement)
    assert (tag, object_type) in [(event.command_tag, event.object_type) for event in events]


@pytest.mark.every_version
@pytest.mark.parametrize(
    "statement",
    [pytest.param(rest[0], marks=pytest.mark.fact(fact), id=rest[0]) for fact, *rest in SILENT],
)
async def test_it_fires_nothing(database: Database, statement: str) -> None:
    assert await events_of(database, statement) == ()


@pytest.mark.fact("PG-EVENT-7")
async def test_a_new_password_fires_nothing_and_is_kept_nowhere(
    database: Database, canary: Canary
) -> None:
    verifier = "SCRAM-SHA-256$4096:c2FsdHNhbHQ=$" + "A" * 43 + "=:" + "B" * 43 + "="
    assert await events_of(database, f"ALTER ROLE intern PASSWORD '{verifier}'") == ()


@pytest.mark.fact("PG-EVENT-9")
@pytest.mark.versions(15, 16, 17, 18)
async def test_a_grant_on_a_parameter_fires_nothing(database: Database) -> None:
    assert await events_of(database, "GRANT SET ON PARAMETER log_statement TO intern") == ()


@pytest.mark.fact("PG-EVENT-1")
@pytest.mark.fact("PG-EVENT-2")
@pytest.mark.every_version
async def test_a_grant_names_no_object_and_drop_owned_tells_what_it_revoked(
    database: Database,
) -> None:
    events = await events_of(
        database, "GRANT SELECT ON schema1.old TO intern", "DROP OWNED BY intern"
    )
    assert [(e.command_tag, e.object_type, e.objid) for e in events] == [
        ("GRANT", "TABLE", None),
        ("REVOKE", "TABLE", None),
    ]


@pytest.mark.fact("PG-EVENT-6")
@pytest.mark.every_version
async def test_an_extension_is_one_event_an_object_and_says_so(database: Database) -> None:
    connection = await database.connect()
    await install(connection)
    available = await connection.fetchval(
        "SELECT name FROM pg_available_extensions WHERE installed_version IS NULL"
        " ORDER BY name <> 'citext', name <> 'pg_stat_statements', name LIMIT 1"
    )
    assert available, "the server's programs come with some extension"
    reader = EventReader()
    await reader.take(connection)
    await connection.execute(f'CREATE EXTENSION "{available}"')
    events = (await reader.take(connection)).events
    assert [event for event in events if event.in_extension]


@pytest.mark.fact("PG-EVENT-4")
@pytest.mark.every_version
async def test_a_policy_concerns_no_privilege_and_is_not_recorded(database: Database) -> None:
    assert await events_of(database, "CREATE POLICY p ON schema1.old") == ()


@pytest.mark.fact("PG-EVENT-26")
@pytest.mark.every_version
async def test_temporary_objects_leave_no_event(database: Database) -> None:
    events = await events_of(
        database,
        "CREATE TEMP TABLE t (id serial PRIMARY KEY, x text)",
        "ALTER TABLE t ADD y text",
        "CREATE TEMP VIEW v AS SELECT * FROM t",
        "CREATE INDEX ON t (x)",
        "SELECT 1 AS one INTO TEMP u",
        "DROP TABLE t CASCADE",
        "DROP TABLE u",
    )
    assert events == ()


@pytest.mark.rule("30")
@pytest.mark.every_version
async def test_an_event_says_who_in_which_role_and_transaction(database: Database) -> None:
    admin = await database.connect()
    await admin.execute("""
        CREATE ROLE boss; GRANT boss TO app_owner; GRANT CREATE ON DATABASE mydb TO boss
    """)
    await install(admin)
    own = OwnSessions()
    own.enlist(admin)
    reader = EventReader(own)
    stranger = await database.connect(database.owner)
    await stranger.execute("SET application_name = 'psql'; SET ROLE boss")
    async with stranger.transaction():
        xid = int(await stranger.fetchval("SELECT pg_current_xact_id()::text"))
        await stranger.execute("SAVEPOINT a")
        await stranger.execute("CREATE SCHEMA theirs")
    await admin.execute("CREATE SCHEMA ours")
    (event,) = (await reader.take(admin)).events
    assert (event.session_user, event.role, event.application) == ("app_owner", "boss", "psql")
    assert (event.xid, event.pid) == (xid, stranger.get_server_pid())
    assert event.client == "127.0.0.1"
    oid = await admin.fetchval("SELECT oid FROM pg_namespace WHERE nspname = 'theirs'")
    assert (event.command_tag, event.objid) == ("CREATE SCHEMA", oid)


@pytest.mark.fact("PG-EVENT-20")
@pytest.mark.every_version
async def test_no_text_of_a_statement_is_recorded(database: Database) -> None:
    secret = "do-not-keep-me"
    await events_of(
        database, f"CREATE ROLE x PASSWORD '{secret}'; GRANT SELECT ON schema1.old TO x"
    )
    connection = await database.connect()
    rows = await connection.fetch("SELECT e::text AS line FROM postgregent.event AS e")
    assert rows
    assert not [row["line"] for row in rows if secret in row["line"]]


@pytest.mark.every_version
async def test_a_bulk_transaction_is_recorded_with_a_bounded_number_of_rows(
    database: Database,
) -> None:
    grants = ";".join(["GRANT SELECT ON schema1.old TO intern"] * 200)
    events = await events_of(database, f"BEGIN; {grants}; COMMIT")
    assert len(events) == 32
    assert len({event.xid for event in events}) == 1


async def test_rolled_back_events_do_not_count_for_the_bound(database: Database) -> None:
    grants = ";".join(["GRANT SELECT ON schema1.old TO intern"] * 40)
    last = "GRANT SELECT ON schema1.old TO intern"
    events = await events_of(
        database, f"BEGIN; SAVEPOINT a; {grants}; ROLLBACK TO SAVEPOINT a; {last}; COMMIT"
    )
    assert len(events) == 1


async def test_a_full_table_is_only_counted_and_emptying_it_makes_room(database: Database) -> None:
    connection = await database.connect()
    await install(connection)
    reader = EventReader()
    await reader.take(connection)
    await connection.execute("SELECT setval('postgregent.event_id_seq', 200000)")
    await connection.execute("CREATE SCHEMA one; CREATE SCHEMA two")
    assert await connection.fetchval("SELECT count(*) FROM postgregent.event") == 0
    again = EventReader()
    taken = await again.take(connection)
    assert (taken.events, taken.lost) == ((), 2)
    await again.forget(connection)
    await connection.execute("CREATE SCHEMA three")
    assert len((await again.take(connection)).events) == 1


async def test_events_are_given_once_and_forgotten_afterwards(database: Database) -> None:
    connection = await database.connect()
    await install(connection)
    reader = EventReader()
    early, late = await database.connect(), await database.connect()
    transaction = early.transaction()
    await transaction.start()
    await early.execute("CREATE SCHEMA early")
    await late.execute("CREATE SCHEMA late")
    assert len((await reader.take(connection)).events) == 1
    await transaction.commit()
    (found,) = (await reader.take(connection)).events
    assert found.pid == early.get_server_pid(), "a lower id that was committed later is not missed"
    assert (await reader.take(connection)).events == ()
    assert await reader.forget(connection) == 2
    assert await connection.fetchval("SELECT count(*) FROM postgregent.event") == 0


async def test_a_missing_table_is_damage_and_no_error(database: Database) -> None:
    connection = await database.connect()
    assert (await EventReader().take(connection)).is_damaged


@pytest.mark.every_version
async def test_after_a_crash_events_go_on_being_found(database: Database) -> None:
    connection = await database.connect()
    await install(connection)
    reader = EventReader()
    await connection.execute("CREATE SCHEMA one")
    assert len((await reader.take(connection)).events) == 1
    await connection.execute("CHECKPOINT")
    database.server.kill()
    database.server.start()
    connection = await database.connect()
    await connection.execute("CREATE SCHEMA two")
    taken = await reader.take(connection)
    assert [event.command_tag for event in taken.events] == ["CREATE SCHEMA"]

"""Somebody prepares the home database before, or beside, the Regent (finding A5, rule 5).

The Regent's admin is a superuser here: whatever runs in its session owns the server.
"""

from __future__ import annotations

import pytest

from regent.home import database as home_database
from regent.home.check import HomeDatabaseUnsafe, check_database
from regent.home.layout import LAYOUTS
from regent.home.store import Home
from regent.server.address import ServerAddress
from regent.server.connect import Connector
from sql import load
from tests.integration.test_home import VERIFIER, accepted
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer

pytestmark = [
    pytest.mark.found("A5"), pytest.mark.rule("5"), pytest.mark.every_version,
    pytest.mark.slow_versions(16, 17),
]  # fmt: skip
REGENT = "default/my-regent"
POWER = "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = 'mallory'"
GRAB = """
CREATE FUNCTION public.grab() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('role', 'none', false);
    ALTER ROLE mallory SUPERUSER;
    RETURN NEW;
END $$;
"""


def connector_of(server: PostgresServer, user: str = "my-admin", password: str = "") -> Connector:
    async def secret() -> str:
        return password or server.password_of(user) or ""

    return Connector(ServerAddress(server.host, server.port, user), secret)


async def open_home(server: PostgresServer, user: str = "my-admin", password: str = "") -> Home:
    connector = connector_of(server, user, password)
    return await Home.open(connector, regent=REGENT, through=("mydb",))


async def run(server: PostgresServer, sql: str, *, at: str = "postgregent", user: str = "") -> None:
    connection = await (server.connect(at, user, "x") if user else server.connect(at))
    try:
        for statement in sql.split(";;"):
            await connection.execute(statement)
    finally:
        await connection.close()


def with_tables(owner: str) -> str:
    """Our own tables, as the attacker can read them in our source."""
    return (
        load("home/migration_1") + f";;ALTER SCHEMA postgregent OWNER TO {owner}"
        ";;INSERT INTO postgregent.migrations VALUES (1)"
    )


async def assert_refused(server: PostgresServer, *said: str, user: str = "my-admin") -> None:
    """By everybody who opens it, with the reason and the way out, and nothing was run in it."""
    for opening in (Home.open, Home.find):
        with pytest.raises(HomeDatabaseUnsafe) as refused:
            await opening(connector_of(server, user), regent=REGENT)
        for part in said:
            assert part in str(refused.value)
        assert "homeDatabase" in str(refused.value) or "as a superuser" in str(refused.value)
    look = await server.connect()
    assert not await look.fetchval(POWER)
    await look.close()


@pytest.mark.parametrize(
    ("prepared", "said"),
    [
        (
            (
                "CREATE TRIGGER t BEFORE INSERT ON postgregent.regents"
                " FOR EACH ROW EXECUTE FUNCTION public.grab()"
            ),
            "trigger t on postgregent.regents",
        ),
        (
            (
                "CREATE TABLE public.copied (LIKE postgregent.regents);;"
                "CREATE RULE r AS ON INSERT TO postgregent.regents"
                " DO ALSO INSERT INTO public.copied VALUES (NEW.*)"
            ),
            "rule r on postgregent.regents",
        ),
        (
            (
                "ALTER TABLE postgregent.regents ALTER changed_at"
                " SET DEFAULT (set_config('role', 'none', false) || now())::timestamptz"
            ),
            "set_config",
        ),
        ("GRANT SELECT ON postgregent.regents TO app_owner", "open to app_owner"),
        (
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO mallory",
            "default acl",
        ),
    ],
    ids=["trigger", "rule", "default", "grant", "default privileges"],
)
async def test_a_database_that_somebody_with_createdb_made_first_is_not_believed(
    database: Database, prepared: str, said: str
) -> None:
    server = database.server
    await database.execute("CREATE ROLE mallory LOGIN CREATEDB PASSWORD 'x'")
    await run(server, "CREATE DATABASE postgregent TEMPLATE template0 ENCODING 'UTF8'",
              at="mydb", user="mallory")  # fmt: skip
    await run(server, GRAB + ";;" + with_tables("mallory") + ";;" + prepared, user="mallory")
    await assert_refused(server, "the owner mallory", "DROP DATABASE")
    # The same in a database that would be ours: each thing is enough by itself.
    await run(
        server,
        "CREATE ROLE postgregent_owner;;ALTER DATABASE postgregent OWNER TO postgregent_owner;;"
        "REASSIGN OWNED BY mallory TO postgregent_owner;;"
        "REVOKE ALL ON DATABASE postgregent FROM PUBLIC",
    )
    await assert_refused(server, said)


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ("CREATE FUNCTION postgregent.now() RETURNS int LANGUAGE sql AS 'SELECT 1'", "function"),
        ("CREATE VIEW postgregent.seen AS SELECT * FROM postgregent.regents", "view"),
        (("ALTER TABLE postgregent.regents ENABLE ROW LEVEL SECURITY;;"
         "CREATE POLICY p ON postgregent.regents USING (false)"), "policy p"),
        ("CREATE TABLE public.child () INHERITS (postgregent.regents)", "public.child"),
        ("CREATE EXTENSION hstore", "extension hstore"),
        ("CREATE PUBLICATION p FOR ALL TABLES", "publication p"),
        (("CREATE FUNCTION public.e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';;"
         "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION public.e()"), "trigger e"),
        ("GRANT SELECT (accepted) ON postgregent.regents TO PUBLIC", "open to PUBLIC"),
        ("GRANT CONNECT ON DATABASE postgregent TO mallory", "REVOKE ALL ON DATABASE"),
        ("ALTER DATABASE postgregent IS_TEMPLATE true", "IS_TEMPLATE false"),
        ("ALTER DATABASE postgregent SET session_preload_libraries = 'auto_explain'",
         "RESET session_preload_libraries"),
        ("ALTER ROLE postgregent_owner LOGIN", "ALTER ROLE postgregent_owner NOLOGIN"),
        ("GRANT pg_read_all_data TO postgregent_owner",
         "REVOKE pg_read_all_data FROM postgregent_owner"),
        ("GRANT mallory TO postgregent_owner", "REVOKE mallory FROM postgregent_owner"),
    ],
)  # fmt: skip
async def test_what_was_done_to_our_own_is_seen_at_the_next_opening_and_mended_as_said(
    database: Database, done: str, said: str
) -> None:
    server = database.server
    await database.execute("CREATE ROLE mallory LOGIN PASSWORD 'x'")
    home = await open_home(server)
    await home.store_accepted(accepted())
    await run(server, done)
    async with home.connection() as connection:
        connection.terminate()
    with pytest.raises(HomeDatabaseUnsafe):
        await home.store_system_identifier("7")
    await assert_refused(server, said)


async def test_a_session_that_became_the_owner_before_it_left_the_role_is_seen(
    database: Database,
) -> None:
    server = database.server
    await database.execute("CREATE ROLE mallory LOGIN PASSWORD 'x'")
    await (await open_home(server)).close()
    await database.execute("GRANT postgregent_owner TO mallory")
    inside = await server.connect("postgregent", "mallory", "x")
    await inside.execute("SET ROLE postgregent_owner")
    await database.execute("REVOKE postgregent_owner FROM mallory")
    await assert_refused(server, "a session of mallory", "pg_terminate_backend")
    inside.terminate()


async def test_an_owner_role_that_somebody_with_createrole_made_first_is_not_joined(
    database: Database,
) -> None:
    server = database.server
    await database.execute("CREATE ROLE mallory LOGIN CREATEDB CREATEROLE PASSWORD 'x'")
    await run(server, "CREATE ROLE postgregent_owner ROLE mallory", at="mydb", user="mallory")
    with pytest.raises(HomeDatabaseUnsafe, match="REVOKE postgregent_owner FROM mallory"):
        await open_home(server)
    look = await database.connect()
    assert not await look.fetchval("SELECT FROM pg_database WHERE datname = 'postgregent'")
    # The way out for an admin of another Regent, word for word.
    await database.execute(
        "REVOKE postgregent_owner FROM mallory CASCADE; GRANT postgregent_owner TO mallory"
    )
    home = await open_home(server)
    await home.store_system_identifier("7")
    other = await open_home(server, "mallory", "x")
    assert (await other.load()).system_identifier == "7"
    await home.close()
    await other.close()


async def test_what_is_written_is_written_by_the_owner_role_not_by_the_superuser(
    database: Database,
) -> None:
    """Should something of a stranger's be run after all, it has no rights to begin with."""
    home = await open_home(database.server)
    await home.store_accepted(accepted())
    async with home.connection() as connection:
        assert await connection.fetchval("SELECT current_user") == "my-admin"
        await check_database(connection, "postgregent")
    found = await home.load()
    assert found.accepted is not None
    assert 'SET ROLE "postgregent_owner"' in database.server.log_of_this_test()
    await home.close()


async def test_twin_our_own_database_is_believed_however_it_came_here(database: Database) -> None:
    """By the documented SQL, by an older admin, by a small one, and restored from a copy."""
    server = database.server
    await database.execute(
        "CREATE ROLE weak LOGIN PASSWORD 'x'; CREATE ROLE small LOGIN CREATEROLE PASSWORD 'x'"
    )
    for statement in home_database.sql_to_run("postgregent", "weak", major=server.version).split(
        "; "
    ):
        await database.execute(statement)
    await database.execute("GRANT postgregent_owner TO small")
    homes = [
        await open_home(server, "weak", "x"),
        await open_home(server, "small", "x"),
        await open_home(server),
    ]
    await homes[0].store_accepted(accepted())
    for home in homes:
        found = await home.load()
        assert found.accepted is not None
        assert VERIFIER in found.accepted.stored()
        await home.close()
    await database.execute("CREATE DATABASE copied TEMPLATE postgregent OWNER postgregent_owner;")
    await database.execute("REVOKE ALL ON DATABASE copied FROM PUBLIC")
    copied = await Home.find(connector_of(server), database="copied", regent=REGENT)
    assert copied is not None
    assert copied.accepted is not None


async def test_the_newest_layout_is_what_the_migrations_make(database: Database) -> None:
    home = await open_home(database.server)
    async with home.connection() as connection:
        rows = await connection.fetch(load("home/found"), home_database.OWNER, [])
    assert max(LAYOUTS) == home_database.LATEST
    assert {row["what"] for row in rows} == LAYOUTS[home_database.LATEST]
    await home.close()

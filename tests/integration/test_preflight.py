"""`preflight`: what it finds, that its SQL is the way out, and that it writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.pages import PAGE_LINES
from tests.command import Ended, flights, postgregent
from tests.postgres.clusters import ADMIN, BOOTSTRAP
from tests.postgres.database import Database
from tests.postgres.database import flights as database_of
from tests.postgres.server import PostgresServer
from tests.shapes.shapes import Shape, called, shaped

PROBLEMS = """
CREATE ROLE eve LOGIN SUPERUSER;
CREATE ROLE dba SUPERUSER; CREATE ROLE bob LOGIN; GRANT dba TO bob;
CREATE ROLE mallory LOGIN CREATEROLE REPLICATION BYPASSRLS;
CREATE ROLE analysts; CREATE ROLE "an\u202en" LOGIN PASSWORD 'x' VALID UNTIL '2099-01-01';
GRANT pg_read_all_data TO analysts; GRANT analysts TO "an\u202en";
GRANT pg_execute_server_program TO "an\u202en"; GRANT pg_monitor TO bob;
GRANT "my-admin" TO mallory;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO bob;
CREATE TABLE schema1.hers (a int); ALTER TABLE schema1.hers OWNER TO bob;
GRANT CREATE ON SCHEMA public TO PUBLIC;
CREATE FUNCTION schema1.f(int) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
CREATE FUNCTION schema1.closed() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
REVOKE EXECUTE ON FUNCTION schema1.closed() FROM PUBLIC;
CREATE PROCEDURE schema1.p() LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
CREATE ROLE old LOGIN PASSWORD 'md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
CREATE ROLE pgbouncer LOGIN;
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE FUNCTION public.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION public.watch();
"""
FOUND: dict[str, tuple[str, ...]] = {
    "superusers": ("bob (through dba)", "eve"),
    "createrole": ("mallory",),
    "replication": ("mallory",),
    "bypassrls": ("mallory",),
    "members-of-the-admin": ("mallory (through my-admin)",),
    "members-of-built-in-groups": (
        "an\u202en in pg_execute_server_program",
        "an\u202en in pg_read_all_data (through analysts)",
    ),
    "rights-of-a-superuser": ("bob: EXECUTE on pg_read_file()",),
    "public-creates": ("public in mydb",),
    "public-runs-as-the-owner": (
        "schema1.f(integer) in mydb, as my-admin, a superuser",
        "schema1.p() in mydb, as my-admin, a superuser",
    ),
    "public-connects": ("mydb", "postgres"),
    "public-temporary-tables": ("mydb", "postgres"),
    "owners-that-log-in": (
        "app_owner (20 in mydb, such as function schema1.flight_count())",
        "bob (1 in mydb, such as table schema1.hers)",
    ),
    "passwords-without-end": ("app_owner", "old"),
    "md5-passwords": ("old",),
    "replicates": ("publication everything of mydb",),
    "poolers": ("role pgbouncer",),
    "dumps": ("pg_dump as my-admin",),
    "event-triggers": ("watch on ddl_command_end in mydb, of my-admin",),
    "restores": (),
    "not-looked-into": ("postgres",),
}
NEEDS_PSQL = frozenset({"md5-passwords"})
"""Whose way out is a command of psql's that asks somebody."""


async def preflight(database: Database, *words: str, columns: int = 80) -> Ended:
    """As the admin, whatever it is."""
    environment = {"COLUMNS": str(columns)}
    return await postgregent(
        "preflight", *words, "--dsn", database.dsn(ADMIN), environment=environment
    )


async def findings(database: Database, *words: str, status: int) -> dict[str, dict[str, Any]]:
    """By name; those of the same name are one severity each."""
    ended = await preflight(database, *words, "-o", "json")
    assert ended.status == status, ended.out + ended.err
    return {one["name"]: one for one in ended.data()["findings"]}


async def follow(database: Database, finding: dict[str, Any]) -> None:
    """Run its SQL, as the one whom it names."""
    for way in finding["ways"]:
        assert way["database"] in (None, "mydb")
        text = way["text"]
        who = ADMIN if (way["by"] or "").startswith("the admin itself") else BOOTSTRAP
        if text.endswith("\\gexec"):
            connection = await database.connect(BOOTSTRAP)
            rows = await connection.fetch(text.removesuffix("\\gexec"))
            text = "; ".join(row[0] for row in rows)
        for statement in filter(str.strip, text.split(";")):
            await database.execute(statement, who)


async def test_each_prepared_problem_is_found_and_its_sql_ends_it(database: Database) -> None:
    """A page holds it at 80 columns. That nothing is written is shown on a standby."""
    await database.execute(PROBLEMS)
    dumping = await database.connect()
    await dumping.execute("SET application_name = 'pg_dump'")
    found = await findings(database, status=0)
    assert {name: tuple(one["objects"]) for name, one in found.items()} == FOUND
    for columns in (80, 200):
        shown = await preflight(database, columns=columns)
        assert shown.out.isprintable() or shown.out.replace("\n", "").isprintable()
        lines = shown.out.splitlines()
        assert len(lines) <= PAGE_LINES
        texts = [one for one in lines if "→" not in one and not one.startswith(" " * 10)]
        assert max(map(len, texts)) <= columns
        assert {one.split()[1] for one in lines if one[0] != " "} >= FOUND.keys()
    everything = (await preflight(database, "--all")).out
    assert all(one["ways"][-1]["text"] in everything for one in found.values() if one["ways"][:1])
    for one in found.values():
        if one["severity"] == "risk" and one["name"] not in NEEDS_PSQL:
            await follow(database, one)
    after = await findings(database, status=0)
    left = {name for name, one in after.items() if one["severity"] == "risk"}
    assert left == NEEDS_PSQL


@pytest.mark.parametrize(
    "shape",
    [called(one) for one in ("createrole_only", "cloudnativepg", "rds", "supabase", "crunchy")],
    ids=lambda shape: shape.name,
)
async def test_what_blocks_a_smaller_admin_is_said_with_the_sql_that_then_helps(
    shape: Shape, database: Database
) -> None:
    """Nothing is prepared but what the findings that block say, run by the one whom they name."""
    dumping = await database.connect(BOOTSTRAP)
    await dumping.execute("SET application_name = 'pg_dump'")
    async with shaped(shape, database, is_prepared=False):
        found = await findings(database, status=2)
        assert "pg_dump as postgres" in found["dumps"]["objects"]
        blocking = [one for one in found.values() if one["severity"] == "blocks"]
        assert "owner-out-of-reach" in {one["name"] for one in blocking}
        assert {"no-event-triggers", "passwords-not-read", "no-signal"} - found.keys() <= (
            {"no-signal"} if shape.name == "rds" else set()
        )
        for one in blocking:
            await follow(database, one)
        found = await findings(database, status=0)
        assert ("owned-by-the-platform" in found) is (shape.name == "supabase")
        assert ("owned-by-a-superuser" in found) is (shape.name == "crunchy")
        assert "superusers" not in found


@pytest.mark.versions(18)
async def test_a_declared_role_that_the_admin_cannot_adopt_blocks(
    database: Database, tmp_path: Path
) -> None:
    """And one that the directory does not know is a risk alone."""
    async with shaped(called("createrole"), database):
        await database.execute('CREATE ROLE "mydb-viewer"; CREATE ROLE other', BOOTSTRAP)
        directory = str(flights(tmp_path))
        ended = await preflight(database, directory, "-o", "json")
        assert ended.status == 2, ended.err
        found = [one for one in ended.data()["findings"] if one["name"] == "no-admin-over"]
        assert [(one["severity"], one["objects"]) for one in found] == [
            ("blocks", ["mydb-viewer"]),
            ("risk", ["app_owner", "other"]),
        ]
        await follow(database, found[0])
        assert (await preflight(database, directory)).status == 0


@pytest.mark.versions(18)
async def test_replication_is_found_and_a_standby_blocks(
    launch_server: Callable[..., PostgresServer],
) -> None:
    """A standby can be read as well."""
    async with database_of(launch_server(wal_level="logical")) as database:
        await database.execute(
            "SELECT pg_create_logical_replication_slot('feed', 'pgoutput');"
            "CREATE SUBSCRIPTION s CONNECTION 'host=x password=secret' PUBLICATION p"
            " WITH (connect = false, slot_name = NONE)"
        )
        found = await findings(database, status=0)
        assert found["replicates"]["objects"] == [
            "logical slot feed of mydb (pgoutput), which nobody reads",
            "subscription s of mydb, owned by my-admin",
        ]
        (database.server.data_dir / "standby.signal").touch()
        database.server.restart()
        found = await findings(database, status=2)
        assert [name for name, one in found.items() if one["severity"] == "blocks"] == ["standby"]


async def test_what_cannot_be_read_is_a_finding_and_ends_with_1(database: Database) -> None:
    """A database that is not there, and a catalog that somebody has closed."""
    await database.execute("REVOKE SELECT ON pg_catalog.pg_publication FROM PUBLIC", BOOTSTRAP)
    async with shaped(called("createrole"), database):
        found = await findings(database, "--database", "nowhere", status=1)
        first, second = found["not-read"]["objects"]
        assert "publications of mydb: The admin lacks a right" in first
        assert "database nowhere" in second
        assert "'nowhere'" in second or '"nowhere"' in second
        shown = await preflight(database, "--database", "nowhere")
        assert (shown.status, "not all could be read" in shown.out) == (1, True)
    nothing = await postgregent("preflight")
    assert (nothing.status, "Say --dsn DSN" in nothing.err) == (1, True)

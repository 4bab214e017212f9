"""An application that makes, alters and indexes its tables beside a Regent sees no error.

Two of its connections work through a seeded mix of DDL while the Regent corrects an intruder and
applies one changed state after the other (issue: must show 9; rule 23).
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import asyncpg
import pytest

from tests.daemons import Regent, running
from tests.declared import state
from tests.postgres.database import Database
from tests.settings import settings_for

STATEMENTS = 400
TABLES_EACH = 4
SETUP = """
CREATE ROLE app LOGIN PASSWORD 'x';
GRANT CONNECT ON DATABASE mydb TO app;
CREATE SCHEMA app AUTHORIZATION app;
"""
ON_A_TABLE = (
    "ALTER TABLE app.{t} ADD COLUMN c{k} int",
    "ALTER TABLE app.{t} ADD COLUMN s{k} serial",
    "ALTER TABLE app.{t} SET (fillfactor = {f})",
    "ALTER TABLE app.{t} ALTER COLUMN i SET STATISTICS {f}",
    "ALTER TABLE app.{t} ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE app.{t} DISABLE ROW LEVEL SECURITY",
    "CREATE INDEX ON app.{t} (i)",
    "CREATE INDEX CONCURRENTLY ON app.{t} (i)",
    "COMMENT ON TABLE app.{t} IS 'number {k}'",
    "COMMENT ON COLUMN app.{t}.i IS 'number {k}'",
    "INSERT INTO app.{t} SELECT generate_series(1, 20)",
    "UPDATE app.{t} SET i = i + 1",
    "ANALYZE app.{t}",
    "TRUNCATE app.{t}",
    "ALTER TABLE app.{t} RENAME TO {t}_renamed; ALTER TABLE app.{t}_renamed RENAME TO {t}",
)
OF_A_NEW_ONE = (
    "CREATE TABLE app.new{k} (id serial PRIMARY KEY, i int)",
    "CREATE VIEW app.v{k} AS SELECT i FROM app.new{k}",
    "CREATE OR REPLACE VIEW app.v{k} AS SELECT i FROM app.new{k} WHERE i > 0",
    "COMMENT ON VIEW app.v{k} IS 'of {k}'",
    "CREATE MATERIALIZED VIEW app.m{k} AS SELECT i FROM app.new{k}",
    "REFRESH MATERIALIZED VIEW app.m{k}",
    "CREATE SEQUENCE app.q{k}",
    "ALTER SEQUENCE app.q{k} INCREMENT 2",
    "BEGIN; ALTER TABLE app.new{k} ADD COLUMN j int; CREATE INDEX ON app.new{k} (j); COMMIT",
    "DROP TABLE app.new{k} CASCADE; DROP SEQUENCE app.q{k}",
)


def _declared(revision: int) -> str:
    """Privileges that change with every revision, on everything of the application."""
    actions = ["SELECT", "INSERT", "UPDATE", "DELETE"][: 1 + revision % 4]
    return f"""
Permission/read: {{database: mydb, schemas: [app], tables: ["*"], actions: [SELECT]}}
Permission/write:
  {{database: mydb, schemas: [app], tables: ["*"], actions: [{", ".join(actions)}]}}
Permission/count: {{database: mydb, schemas: [app], sequences: ["*"], actions: [USAGE]}}
Permission/see: {{database: mydb, schemas: [app], tables: ["*"], columns: [i], actions: [UPDATE]}}
Role/reader: {{database: mydb, permissions: [read, see]}}
Role/writer: {{database: mydb, permissions: [write, count]}}
"""


async def _application(
    connection: asyncpg.Connection, number: int, errors: list[str], over: asyncio.Event
) -> None:
    """Its own tables, so that what fails cannot be its other connection's doing."""
    chance = random.Random(number)  # noqa: S311 - a mix of statements, no secrets
    tables = [f"t{number}_{n}" for n in range(TABLES_EACH)]
    done = 0
    while done < STATEMENTS:
        k = f"{number}_{done}"
        batch = OF_A_NEW_ONE if chance.random() < 0.05 else (chance.choice(ON_A_TABLE),)
        table = chance.choice(tables)
        for statement in batch:
            text = statement.format(t=table, k=k, f=10 + done % 90)
            for part in text.split("; ") if not text.startswith("BEGIN") else [text]:
                done += 1
                try:
                    await _run(connection, part)
                except asyncpg.PostgresError as error:
                    errors.append(f"{part}: {error.sqlstate} {error}")
    over.set()


async def _run(connection: asyncpg.Connection, statement: str) -> None:
    """Once more where PostgreSQL lets nobody lock what a GRANT is about to change (rule 23)."""
    try:
        await connection.execute(statement)
    except asyncpg.InternalServerError:
        if not statement.startswith("ALTER SEQUENCE"):
            raise
        await connection.execute(statement)


async def _intruder(database: Database, overs: list[asyncio.Event]) -> int:
    """GRANTs that are to be taken back, as long as the application works; their number.

    The intruder must not be what breaks the application: it takes the lock that up to 17 a GRANT
    lacks, and gives up long before waiting could become a deadlock with CREATE INDEX CONCURRENTLY.
    That a table has its other name at that moment does not matter either.
    """
    connection = await database.connect()
    grants = attempts = 0
    while not all(over.is_set() for over in overs):
        attempts += 1
        for number in range(len(overs)):
            table = f"app.t{number}_{attempts % TABLES_EACH}"
            try:
                async with connection.transaction():
                    await connection.execute(
                        "SET LOCAL lock_timeout = '50ms';"
                        f" LOCK TABLE ONLY {table} IN SHARE UPDATE EXCLUSIVE MODE;"
                        f" GRANT TRUNCATE, REFERENCES ON {table} TO reader"
                    )
            except (asyncpg.UndefinedTableError, asyncpg.LockNotAvailableError):
                continue
            grants += 1
        await asyncio.sleep(0.05)
    return grants


async def _changed_states(regent: Regent, overs: list[asyncio.Event]) -> int:
    revision = 1
    while revision <= 3 or not all(over.is_set() for over in overs):
        revision += 1
        await regent.push(state(_declared(revision), revision=revision))
        await regent.settled(revision)
    return revision


@pytest.mark.rule("23")
@pytest.mark.fact("PG-ACL-15")
async def test_an_application_sees_no_error_while_a_regent_corrects_and_applies(
    database: Database, tmp_path: Path
) -> None:
    await database.execute(SETUP)
    connections = [await database.connect("app", "x") for _ in range(2)]
    for number, connection in enumerate(connections):
        for n in range(TABLES_EACH):
            await connection.execute(f"CREATE TABLE app.t{number}_{n} (i int)")
    errors: list[str] = []
    overs = [asyncio.Event() for _ in connections]
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(_declared(1)))
        await regent.settled(1)
        async with asyncio.timeout(120), asyncio.TaskGroup() as tasks:
            for number, connection in enumerate(connections):
                tasks.create_task(_application(connection, number, errors, overs[number]))
            grants = tasks.create_task(_intruder(database, overs))
            pushes = tasks.create_task(_changed_states(regent, overs))
        assert errors == []
        assert grants.result() > 10
        last = pushes.result()
        assert last > 3
        await regent.ask("POST", "/v1/reconcile")
        answer = await regent.push(state(_declared(last + 1), revision=last + 1))
        assert answer.status_code == 202
        await regent.settled(last + 1)
        plan = (await regent.ask("POST", "/v1/plan")).json()
        assert plan["changes"] == []
        history = (await regent.ask("GET", "/v1/history", params={"limit": 500})).json()
        assert any("TRUNCATE" in item["what"] for item in history["items"])
        look = await database.connect()
        left = (
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'app'::regnamespace"
            " AND has_table_privilege('reader', oid, 'TRUNCATE')"
        )
        assert await look.fetchval(left) == 0

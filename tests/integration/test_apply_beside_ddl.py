"""An application that alters its tables in a loop beside us sees no error (rule 23)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.integration.test_apply import Bench, bench, grant, revoke
from tests.postgres.database import Database

__all__ = ["bench"]

TABLES = 12
ROUNDS = 25
DDL = (
    "ALTER TABLE app.t{n} ADD COLUMN c{k} int",
    "ALTER TABLE app.t{n} SET (fillfactor = {f})",
    "CREATE INDEX ON app.t{n} (i)",
    "CREATE TRIGGER tr{k} BEFORE UPDATE ON app.t{n} EXECUTE FUNCTION app.nothing()",
    "ALTER TABLE app.t{n} ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE app.t{n} DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE app.t{n} ALTER COLUMN i SET STATISTICS {f}",
    "ANALYZE app.t{n}",
    "VACUUM app.t{n}",
    "ALTER TABLE app.t{n} RENAME TO renamed",
    "ALTER TABLE app.renamed RENAME TO t{n}",
    "CREATE TABLE app.new{k} (i int)",
    "ALTER TABLE app.new{k} ADD PRIMARY KEY (i)",
    "DROP TABLE app.new{k}",
)


async def application(connection: asyncpg.Connection, errors: list[str]) -> AsyncIterator[int]:
    """DDL on one table after another; each item is one round over them."""
    k = 0
    for number in range(ROUNDS):
        for n in range(TABLES):
            k += 1
            for statement in DDL:
                try:
                    await connection.execute(statement.format(n=n, k=k, f=10 + k % 90))
                except asyncpg.PostgresError as error:
                    errors.append(f"{statement}: {error}")
        yield number


@pytest.mark.rule("23")
@pytest.mark.parametrize("is_superuser", [True, False], ids=["superuser", "member-of-owner"])
async def test_ddl_in_a_loop_never_fails_because_of_us(
    bench: Bench, database: Database, *, is_superuser: bool
) -> None:
    await database.execute(
        "CREATE ROLE a; CREATE ROLE app LOGIN PASSWORD 'x'; CREATE SCHEMA app AUTHORIZATION app;"
        "CREATE FUNCTION app.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
    )
    if not is_superuser:
        demoted = 'GRANT app TO "my-admin"; ALTER ROLE "my-admin" NOSUPERUSER'
        await database.execute(demoted, "postgres")
    connection = await database.connect("app", "x")
    for n in range(TABLES):
        await connection.execute(f"CREATE TABLE app.t{n} (i int)")
    objects = await bench.objects(*(f"app.t{n}" for n in range(TABLES)))
    errors: list[str] = []
    is_over = asyncio.Event()

    async def run_application() -> None:
        async for _ in application(connection, errors):
            pass
        is_over.set()

    running = asyncio.create_task(run_application())
    done = 0
    while not is_over.is_set():
        for change in (grant(objects, "a"), revoke(objects, "a", grantor="app")):
            [result] = await bench.apply(change)
            done += result.done
    await running
    assert errors == []
    assert done > ROUNDS
    [result] = await bench.apply(grant(objects, "a"))
    assert result.done

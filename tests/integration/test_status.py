"""`status`, `drift` and `history` by --dsn: each prepared fault is found and named."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from regent.home.locks import RegentLock
from regent.settings import connector_of
from tests.command import Running, flights, postgregent, postgregent_process
from tests.daemons import Regent, running
from tests.declared import REFERENCE, state
from tests.integration.facts.once import applied
from tests.integration.pooler import relay
from tests.postgres.database import Database
from tests.settings import settings_for

BAD = ("Fault", "Waits", "Unknown")


OUTSTANDING = """
INSERT INTO postgregent.history (regent, is_outstanding, drift) VALUES (
    'default/my-regent', true,
    '{"regent": "default/my-regent", "what": "revoke DELETE", "role": "mydb-viewer",
      "foundAt": "2026-11-28T10:00:00Z", "actor": {"certainty": "Unknown"}, "error": "refused"}'
)
"""


async def status(database: Database, *more: str) -> tuple[int, dict[str, Any]]:
    ended = await postgregent("status", "--dsn", database.dsn(), "-o", "json", *more)
    return ended.status, ended.data()


def found(data: dict[str, Any]) -> dict[str, str]:
    """What is not fine, of server and Regents: the message by check."""
    every = [*data["findings"], *(one for some in data["regents"] for one in some["findings"])]
    assert all(one["wayOut"] for one in every if one["level"] in BAD), every
    return {one["check"]: one["message"] for one in every if one["level"] in BAD}


@asynccontextmanager
async def home(database: Database, name: str = "postgregent") -> AsyncIterator[asyncpg.Connection]:
    connection = await database.server.connect(name)
    try:
        yield connection
    finally:
        await connection.close()


async def corrected(regent: Regent, look: asyncpg.Connection) -> None:
    await look.execute('GRANT DELETE ON schema1.flights TO "mydb-viewer"')
    await look.execute('ALTER ROLE "flights-admin" CREATEDB')
    await regent.drifts(2)


async def nobody_is_refused(dsn: tuple[str, str]) -> None:
    """A role that nobody knows is no role of which there is nothing to say."""
    for command in ("history", "drift"):
        ended = await postgregent(command, *dsn, "--role", "mydb-viewr")
        assert (ended.status, ended.out) == (1, ""), command
        assert "--role mydb-viewr" in ended.err
        assert "Did you mean mydb-viewer?" in ended.err
        assert (await postgregent(command, *dsn, "--role", "summer-intern-2")).status == 0


@pytest.mark.found("E502", "E503")
async def test_a_regent_that_runs_is_fine_and_one_that_was_killed_is_not(
    database: Database, tmp_path: Path
) -> None:
    """And what was found is listed; without it nobody knows what differs now."""
    dsn = ("--dsn", database.dsn())
    code, data = await status(database)
    assert (code, list(found(data))) == (3, ["HomeDatabase"])
    assert "Nothing of PostgRegent is on this server" in found(data)["HomeDatabase"]
    assert (await postgregent("history", *dsn)).status == 1
    assert (await postgregent("drift", *dsn)).status == 1
    look = await database.connect()
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)
        code, data = await status(database)
        assert (code, found(data), data["state"]) == (0, {}, "Fine"), data
        [one] = data["regents"]
        assert (one["regent"], one["runs"], one["managedRoles"]) == ("default/my-regent", True, 3)
        assert one["resources"] == {"Permission": 3, "Role": 2, "User": 2}
        assert (await postgregent("drift", *dsn)).status == 0
        async with await Running.start("history", *dsn, "--follow") as following:
            await corrected(regent, look)
            said = await following.until(lambda one: one.get("role") == "flights-admin")
            assert said["correction"] == "set back to NOCREATEDB"
            assert await following.interrupt() == 130
        ended = await postgregent("history", *dsn, "--since", "1h")
        assert ended.status == 0
        assert [line.partition(": ")[2][:30] for line in ended.out.splitlines()] == [
            "DELETE on table schema1.flight",
            "role flights-admin was altered",
        ]
        ended = await postgregent("history", *dsn, "--role", "flights-admin", "-o", "csv")
        [row] = csv.DictReader(io.StringIO(ended.out))
        assert (row["role"], row["regent"]) == ("flights-admin", "default/my-regent")
        assert (await postgregent("history", *dsn, "--since", "0s")).out == "Nothing was found.\n"
        shown = (await postgregent("status", *dsn)).out
        assert "All that was looked at is fine." in shown
        assert "Whether each resource is Ready is not in the home database" in shown
        await nobody_is_refused(dsn)
        regent.kill()
    ended = await postgregent("status", *dsn)
    assert ended.status == 3
    assert "✗ Alive: No Regent runs: nobody holds its lock." in ended.out
    ended = await postgregent("drift", *dsn)
    assert (ended.status, ended.out) == (1, "")
    assert "What differs now is not known" in ended.err


async def test_each_prepared_fault_is_found(database: Database) -> None:
    await applied(database, REFERENCE)
    settings = settings_for(database)
    connector = connector_of(settings.server)
    code, data = await status(database)
    assert set(found(data)) == {"Alive", "Detector"}, data  # apply installs no triggers
    assert 'the schema "postgregent" is missing' in found(data)["Detector"]

    # Its lock is held, and nothing of it hears.
    lock = await RegentLock.take(
        connector, database="postgregent", regent=settings.regent, served=settings.databases
    )
    code, data = await status(database)
    assert (code, set(found(data))) == (3, {"Listener", "Watcher", "Detector"})
    assert "lock of default/my-regent (user my-admin" in str(data["regents"][0]["findings"][0])
    async with home(database) as connection:
        await connection.execute(OUTSTANDING)
    ended = await postgregent("drift", "--dsn", database.dsn(), "-o", "json")
    assert (ended.status, ended.data()["state"]) == (3, "NotReady"), ended.out
    assert [one["role"] for one in ended.data()["items"]] == ["mydb-viewer"]
    ended = await postgregent("drift", "--dsn", database.dsn(), "--role", "flights-admin")
    assert (ended.status, ended.out) == (3, "Of other roles 1: leave --role out.\n")
    await lock.release()

    # Whose server, whose clock, what waits, what was refused, and a pause.
    async with home(database) as connection:
        await connection.execute("SELECT postgregent.pause('mydb-viewer', '1 hour', 'page 4711')")
        await connection.execute(
            "UPDATE postgregent.regents SET system_identifier = '7', accepted = jsonb_set(accepted,"
            " '{accepted_at}', to_jsonb(now() + interval '1 hour'))"
        )
        await connection.execute(
            "INSERT INTO postgregent.unmanageable (regent, digest, sqlstate, message)"
            " VALUES ('default/my-regent', 'd', '42501', 'permission denied for table a')"
        )
    code, data = await status(database)
    assert {"Server", "Clock", "Paused", "Refused"} <= set(found(data))
    assert "this Regent knows 7" in found(data)["Server"]
    assert "3,600 s ahead of" in found(data)["Clock"] or "3,599 s" in found(data)["Clock"]
    code, data = await status(database, "--regent", "default/nobody")
    assert (code, "is not remembered" in data["error"]) == (1, True)


async def test_an_admin_that_lacks_a_right_and_a_home_database_that_is_not_as_it_was(
    database: Database,
) -> None:
    await applied(database, REFERENCE)
    superuser = await database.connect("postgres")
    await superuser.execute('ALTER ROLE "my-admin" NOSUPERUSER NOCREATEROLE')
    await superuser.execute("REVOKE CONNECT ON DATABASE mydb FROM PUBLIC")
    ended = await postgregent("status", "--dsn", database.server.dsn("postgres"), "-o", "csv")
    assert ended.status == 1
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    lacks = [row["message"] for row in rows if row["check"] == "Rights"]
    assert "The admin 'my-admin' has no CREATEROLE." in lacks
    assert "The admin 'my-admin' may not connect to 'mydb'." in lacks
    assert [row["level"] for row in rows if row["check"] == "Database"] == ["Unknown"]
    await superuser.execute('REVOKE postgregent_owner FROM "my-admin" CASCADE')
    await superuser.execute("GRANT CONNECT ON DATABASE mydb TO PUBLIC")
    code, data = await status(database)
    assert (code, list(found(data))) == (1, ["HomeDatabase"])
    assert 'GRANT "postgregent_owner" TO' in data["findings"][0]["wayOut"]
    await superuser.execute('ALTER ROLE "my-admin" SUPERUSER')

    # Another home database is named; the table layout is another version's; it is gone.
    code, data = await status(database, "--home-database", "elsewhere")
    assert "there is 'postgregent'" in found(data)["HomeDatabase"]
    async with home(database) as connection:
        await connection.execute("INSERT INTO postgregent.migrations VALUES (5)")
        code, data = await status(database)
        assert (code, "a newer PostgRegent made it" in found(data)["Layout"]) == (1, True)
        await connection.execute(
            "SET ROLE postgregent_owner; CREATE TABLE postgregent.of_tomorrow (a integer)"
        )
        code, data = await status(database)
        assert (code, "A newer PostgRegent may have" in found(data)["Layout"]) == (1, True)
        await connection.execute(
            "DROP TABLE postgregent.of_tomorrow, postgregent.pauses;"
            "DROP FUNCTION postgregent.pause; DROP FUNCTION postgregent.resume;"
            "DELETE FROM postgregent.migrations WHERE number > 3"
        )
    code, data = await status(database)
    assert (code, "is of version 3" in found(data)["Layout"]) == (3, True)
    await superuser.execute("DROP DATABASE postgregent WITH (FORCE)")
    code, data = await status(database)
    assert (code, list(found(data))) == (3, ["HomeDatabase"])
    assert "The home database 'postgregent' is gone" in found(data)["HomeDatabase"]


@pytest.mark.versions(18)
async def test_what_the_brake_withholds_waits(database: Database) -> None:
    pulled = {"brake": {"minimum": 1, "percent": 1}}
    await applied(database, REFERENCE, regent=pulled)
    await applied(database, REFERENCE.replace("[schema1, schema2]", "[s]"), 2, regent=pulled)
    _, data = await status(database)
    assert "losses are withheld" in found(data)["Brake"]
    assert data["regents"][0]["brakePulled"] is True


@pytest.mark.versions(18)
async def test_a_pooler_in_between_is_named(database: Database) -> None:
    async with relay(database.server, pid=12345) as port:
        dsn = database.dsn().replace(f":{database.server.port}/", f":{port}/")
        ended = await postgregent("status", "--dsn", dsn)
    assert ended.status == 1
    assert "is a connection pooler" in ended.err
    assert "Give databaseHost and port of PostgreSQL itself" in ended.err or "--dsn" in ended.err


@pytest.mark.versions(18)
async def test_a_local_regent_says_what_is_ready_and_whether_it_runs(
    database: Database, tmp_path: Path
) -> None:
    folder, directory = tmp_path / "status", flights(tmp_path)
    asked = ("status", "--status-dir", str(folder))
    ended = await postgregent(*asked)
    assert (ended.status, "has no status of a resource" in ended.err) == (1, True)
    ended = await postgregent(*asked, "--dsn", database.dsn())
    assert (ended.status, "--dsn does not go with --status-dir" in ended.err) == (1, True)
    arguments = ("local", str(directory), "--dsn", database.dsn(), "--status-dir", str(folder))
    dsn = ("--dsn", database.dsn())
    waiting = [  # each in its own process: in this one they would share its standard output
        asyncio.create_task(postgregent_process("status", *source, "--wait", "--timeout", "5m"))
        for source in (asked[1:], dsn)
    ]
    async with await Running.start(*arguments) as running_here:
        for one in await asyncio.gather(*waiting):
            assert one.status == 0, one.out + one.err
        await running_here.until_subject("Role/default/mydb-viewer", "Ready")
        await running_here.until_subject("Regent/default/my-regent", "Ready")
        ended = await postgregent(*asked)
        assert ended.status == 0, ended.out
        assert "✓ Ready: 3 Permission, 2 Role, 2 User" in ended.out
        assert await running_here.interrupt() == 130
    ended = await postgregent(*asked, "-o", "json")
    assert (ended.status, ended.data()["state"]) == (3, "NotReady")
    assert ended.data()["conditions"][0]["reason"] == "NotRunning"
    ended = await postgregent(*asked, "--wait", "--timeout", "0")
    assert (ended.status, "Not fine within 0 s" in ended.err) == (3, True)
    next(folder.glob("*/Role/*.yaml")).write_text("{")
    assert (await postgregent(*asked)).status == 1

"""An older copy of a home database does not know what was approved since (rule 20a, ADR 63)."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.integration.test_approval_daemon import approve, waiting
from tests.postgres.database import Database
from tests.settings import settings_for

MANUAL = {"approval": "Manual"}
PILOT = "User/pilot: {database: mydb, roles: [flights-admin]}\n"
PILOTS = "SELECT count(*) FROM pg_roles WHERE rolname = 'pilot'"
LEFT = REFERENCE + "User/newcomer: {database: mydb}\n"
TABLES = ("regents", "marks")
CONNECTIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE usename = 'my-admin' AND datname = 'postgregent' AND pid <> pg_backend_pid()
"""


async def put_back(home: asyncpg.Connection, copy: dict[str, list[asyncpg.Record]]) -> None:
    """The rows are what they were when they were copied."""
    async with home.transaction():
        for table, rows in copy.items():
            await home.execute(f"DELETE FROM postgregent.{table}")
            for row in rows:
                values = ", ".join(f"${n}" for n in range(1, len(row) + 1))
                names = ", ".join(row.keys())
                await home.execute(
                    f"INSERT INTO postgregent.{table} ({names}) VALUES ({values})", *row.values()
                )


@pytest.mark.found("E400")
@pytest.mark.rule("20a", "28a")
@pytest.mark.versions(18)
async def test_who_left_by_an_approval_does_not_come_back_by_an_older_home_database(
    database: Database, tmp_path: Path
) -> None:
    """The process knows by itself what was in force, and one that is new hears it with the push."""
    look = await database.connect()
    home = await database.server.connect("postgres")
    server = (await home.fetchval("SELECT system_identifier FROM pg_control_system()")) or 0
    await home.close()
    async with running(settings_for(database), tmp_path) as regent:

        async def pushed(text: str, revision: int, **more: str) -> str:
            await regent.push(state(text, revision=revision, regent=MANUAL), **more)
            return str((await waiting(regent, revision))["digest"])

        async def is_approved() -> bool:
            status = await regent.status()
            return bool(status["looked"]) and not status["approval"]["waiting"]

        assert await approve(regent, await pushed(REFERENCE + PILOT, 1)) == 202
        await eventually(is_approved)
        home = await database.server.connect("postgregent")
        copy = {one: await home.fetch(f"SELECT * FROM postgregent.{one}") for one in TABLES}
        older = regent.etag
        assert await look.fetchval(PILOTS) == 1
        assert await approve(regent, await pushed(LEFT, 2)) == 202
        await eventually(is_approved)
        assert await look.fetchval(PILOTS) == 0

        async with home.transaction():
            await put_back(home, copy)
            await home.execute(CONNECTIONS)
        await waiting(regent, 1)
        assert await look.fetchval(PILOTS) == 0
        status = await regent.status()
        assert "it only looks" in status["observing"]

        regent.kill()
        await put_back(home, copy)
        regent.start()
        await regent.ready()

        async def is_back() -> bool:
            return bool(await look.fetchval(PILOTS))

        await eventually(is_back)  # nobody has told it yet
        regent.etag = older
        asked = await pushed(LEFT, 3, **{"Postgregent-Had-In-Force": f"{server} 2"})
        await database.execute("DROP ROLE pilot")
        await regent.ask("POST", "/v1/reconcile")
        assert await approve(regent, "another") == 409
        again = await waiting(regent, 3, but=asked)
        assert await look.fetchval(PILOTS) == 0, "what was in force once was not approved"
        assert await approve(regent, again["digest"]) == 202
        await eventually(is_approved)
        assert await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = 'newcomer'") == 1
        await home.close()
    await look.close()

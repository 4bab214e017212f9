"""Whoever owns the database may lock our tables in it: nothing waits for him, and he is named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from tests.attacks.test_hidden_deeds import DECLARED, DEED
from tests.daemons import running
from tests.declared import state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.preventing import preventing
from tests.settings import settings_for

pytestmark = pytest.mark.found("E522")
TABLES = "postgregent.guard, postgregent.event"
IS_QUEUED = """
SELECT EXISTS (
    SELECT FROM pg_locks AS l
    WHERE l.relation = $1::text::regclass AND l.pid = $2 AND NOT l.granted
)
"""


@asynccontextmanager
async def jammed(database: Database, table: str) -> AsyncIterator[list[int]]:
    """A reader that goes on, and VACUUM FULL behind it, both the owner's: their pids."""
    admin = await database.connect()
    reader = await database.connect(database.owner)
    writer = await database.connect(database.owner)
    await reader.execute(f"BEGIN; LOCK TABLE {table} IN ACCESS SHARE MODE")
    vacuum = asyncio.create_task(writer.execute(f"VACUUM FULL {table}"))
    pids = [reader.get_server_pid(), writer.get_server_pid()]

    async def is_queued() -> bool:
        return bool(await admin.fetchval(IS_QUEUED, table, pids[1]))

    try:
        await eventually(is_queued)
        yield pids
    finally:
        await reader.execute("ROLLBACK")
        await vacuum


async def test_whoever_locks_the_event_table_is_named_and_stops_nothing(
    database: Database, tmp_path: Path
) -> None:
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(DECLARED, regent={"resyncSeconds": 86400}))
        await regent.settled(1)

        async def detector_is(*, healthy: bool) -> bool:
            return bool((await regent.status())["detector"]["healthy"]) is healthy

        async with jammed(database, "postgregent.event") as pids:
            await database.execute(DEED, database.owner)
            [drift] = await regent.drifts(1)
            assert "DELETE" in drift["what"]
            await eventually(lambda: detector_is(healthy=False))
            said = (await regent.status())["detector"]["message"]
            assert all(f'"app_owner" (pid {pid})' in said for pid in pids), said
            await database.execute("ALTER ROLE viewer CREATEDB")
            await regent.drifts(2)
        # Twin: once it is free, all is as before.
        await eventually(lambda: detector_is(healthy=True))
        await database.execute(DEED, database.owner)
        assert (await regent.drifts(3))[2]["actor"]["certainty"] == "Recorded"


@pytest.mark.rule("25")
async def test_whoever_locks_what_the_judge_is_told_is_named(database: Database) -> None:
    async with preventing(database) as regent:
        async with jammed(database, "postgregent.guard") as pids:
            await regent.look_again()
            [said] = regent.prevention.not_acted_on
            assert f'"app_owner" (pid {pids[0]}) holds a lock' in said
            assert f"pg_terminate_backend({pids[1]})" in said
            assert regent.prevention.is_locked_out
        await regent.look_again()
        assert (regent.prevention.not_acted_on, regent.prevention.is_locked_out) == ((), False)


async def test_who_prevents_no_more_is_not_locked_out(database: Database) -> None:
    """Else a full pass would follow every ten seconds, for a judge that is gone."""
    async with preventing(database) as regent:
        async with jammed(database, "postgregent.guard"):
            await regent.look_again()
            assert regent.prevention.is_locked_out
        await regent.look_again(regent.spec.model_copy(update={"enforcement": "Correct"}))
        assert not regent.prevention.is_locked_out


async def test_a_dump_by_the_owner_is_in_nobodys_way(database: Database) -> None:
    """The twin: it locks every table, and nothing is queued behind it."""
    owner = await database.connect(database.owner)
    async with preventing(database) as regent:
        await owner.execute(f"BEGIN; LOCK TABLE {TABLES} IN ACCESS SHARE MODE")
        await regent.look_again()
        assert regent.prevention.not_acted_on == ()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute('GRANT DELETE ON schema1.flights TO "mydb-viewer"')

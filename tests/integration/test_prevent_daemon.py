"""A running Regent that prevents, one that was killed, and one that is told not to (rule 25)."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.preventing import refusal
from tests.settings import settings_for

GRANT = 'GRANT DELETE ON schema1.flights TO "mydb-viewer"'
MAY_DELETE = "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'DELETE')"


@pytest.mark.rule("25")
@pytest.mark.found("E300", "E301", "E386")
@pytest.mark.versions(18)
async def test_it_refuses_while_it_lives_and_corrects_what_came_while_it_did_not(
    database: Database, tmp_path: Path
) -> None:
    owner = await database.connect(database.owner)
    admin = await database.connect()

    async def said() -> str | None:
        """None where it met the correction, which writes the same row."""
        try:
            return await refusal(owner, GRANT)
        except asyncpg.InternalServerError:
            return None

    async def is_refused() -> bool:
        return bool(await said())

    async def goes_through() -> bool:
        return await said() == ""

    async def is_taken_back() -> bool:
        return not await admin.fetchval(MAY_DELETE)

    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE, regent={"enforcement": "Prevent"}))
        status = await regent.settled(1)
        assert status["notActedOn"] == []
        await eventually(is_refused)
        await admin.execute("DROP EVENT TRIGGER postgregent_prevent")
        await eventually(is_refused)

        async def is_in_the_history() -> bool:
            items = (await regent.ask("GET", "/v1/history")).json()["items"]
            return any(one["object"] == "judge" and one["database"] == "mydb" for one in items)

        await eventually(is_in_the_history)
        await eventually(is_taken_back)
        regent.kill()
        await eventually(goes_through)
        regent.start()
        await regent.ready()
        await eventually(is_taken_back)
        await eventually(is_refused)
        await regent.push(state(REFERENCE, revision=2, regent={"suspend": True}))
        await regent.settled(2)
        await eventually(goes_through)
        await regent.push(state(REFERENCE, revision=3))
        await regent.settled(3)
        await eventually(is_taken_back)
        await eventually(goes_through)

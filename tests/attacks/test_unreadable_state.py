"""What is stored about a Regent does not parse: it stays up, says so and writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.integration.until import until
from tests.postgres.database import Database
from tests.settings import settings_for

STRAY = "SELECT has_table_privilege('mydb-viewer', 'schema1.airports', 'DELETE')"


@pytest.mark.found("E21")
@pytest.mark.versions(18)
@pytest.mark.parametrize("column", ["accepted", "brake"])
async def test_a_stored_state_that_does_not_parse_is_told_and_mended_by_what_is_said(
    database: Database, tmp_path: Path, column: str
) -> None:
    settings = settings_for(database)
    look = await database.connect()
    async with running(settings, tmp_path) as regent:
        assert (await regent.push(state(REFERENCE))).status_code == 202
        await regent.settled(1)
        regent.stop()
        home = await database.server.connect("postgregent")
        keep = await home.fetchval(f"SELECT {column}::text FROM postgregent.regents")
        await home.execute(
            f"""UPDATE postgregent.regents SET {column} = '{{"odd": "hush-hush"}}'"""
        )
        await look.execute('GRANT DELETE ON schema1.airports TO "mydb-viewer"')
        regent.start()

        async def told() -> bool:
            trouble: dict[str, Any] = (await regent.status()).get("trouble") or {}
            return trouble.get("reason") == "HomeStateUnreadable"

        await until(told)
        trouble = (await regent.status())["trouble"]
        assert f"postgregent.regents.{column}" in trouble["message"]
        assert f"UPDATE postgregent.regents SET {column} = " in str(trouble)
        assert "hush-hush" not in str(trouble) + regent.log
        assert await look.fetchval(STRAY)
        await home.execute(f"UPDATE postgregent.regents SET {column} = $1::jsonb", keep)
        await home.close()

        async def corrected() -> bool:
            return not await look.fetchval(STRAY)

        await until(corrected)


@pytest.mark.found("E31")
@pytest.mark.versions(18)
async def test_one_row_that_cannot_be_read_hides_no_other_and_is_told(
    database: Database, tmp_path: Path
) -> None:
    """Of the history, outstanding or not, and of the marks: each is left as it is."""
    look = await database.connect()
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)
        await look.execute('GRANT DELETE ON schema1.airports TO "mydb-viewer"')
        await regent.drifts(1)
        regent.stop()
        home = await database.server.connect("postgregent")
        odd = await home.fetchval(
            "INSERT INTO postgregent.history (regent, is_outstanding, drift)"
            """ SELECT min(regent), true, '{"odd": 1}' FROM postgregent.regents RETURNING id"""
        )
        await home.execute(
            "INSERT INTO postgregent.marks (role, regent, holder, origin, role_oid)"
            " SELECT 'strange', min(regent), 'no key', 'created', 0 FROM postgregent.regents"
        )
        await look.execute('GRANT DELETE ON schema1.airports TO "mydb-viewer"')
        regent.start()

        async def told() -> bool:
            status = await regent.status()
            lost = {"postgregent.marks strange", f"postgregent.history {odd}"}
            return lost == set(status.get("unreadable", ())) and status["outstandingDrift"] == 0

        await until(told)
        assert not await look.fetchval(STRAY)
        found = (await regent.ask("GET", "/v1/history?after=0&limit=1")).json()["items"]
        assert len(found) == 1
        await regent.drifts(2)
        assert await home.fetchval("SELECT count(*) FROM postgregent.marks WHERE role = 'strange'")
        await home.close()

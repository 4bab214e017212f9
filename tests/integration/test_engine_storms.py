"""What a Regent does when somebody goes on and on, and when it may do little (rules 21, 30)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.daemons import Regent, running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.settings import settings_for

STRAY = 'GRANT DELETE ON schema1.flights TO "mydb-viewer"'
MAY_DELETE = "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'DELETE')"
DROPS = 30
DROP_ALL = """DO $$ DECLARE t name; BEGIN
    FOR t IN SELECT evtname FROM pg_event_trigger LOOP
        EXECUTE format('DROP EVENT TRIGGER %I', t);
    END LOOP;
END $$"""


async def outcome(regent: Regent, resource: str) -> dict[str, Any]:
    """The latest word on one resource."""
    status = await regent.status()
    return next(one for one in status["resources"] if one["resource"] == resource)


@pytest.mark.rule("30")
async def test_a_detector_that_is_dropped_in_a_loop_is_back_in_the_end(
    database: Database, tmp_path: Path
) -> None:
    """Never repaired more often than it was damaged, and privileges are corrected all the while."""
    look = await database.connect()
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)
        intact = await look.fetchval("SELECT count(*) FROM pg_event_trigger")
        assert intact
        for _ in range(DROPS):
            await look.execute(DROP_ALL)
            await look.execute(STRAY)

            async def is_corrected() -> bool:
                return not bool(await look.fetchval(MAY_DELETE))

            await eventually(is_corrected)

        async def is_back() -> bool:
            count = await look.fetchval("SELECT count(*) FROM pg_event_trigger")
            return bool(count == intact)

        await eventually(is_back)
        items = (await regent.ask("GET", "/v1/history")).json()["items"]
        repairs = [one for one in items if one["object"] == "detector"]
        assert 0 < len(repairs) <= DROPS * intact
        plan = (await regent.ask("POST", "/v1/plan")).json()
        assert plan["changes"] == []


@pytest.mark.every_version
@pytest.mark.slow_versions(16, 17)
@pytest.mark.rule("21", "25", "30")
async def test_an_admin_with_createrole_alone_corrects_by_polling_and_says_what_it_cannot(
    database: Database, tmp_path: Path
) -> None:
    """It is a member of the owner, may install no trigger, and one table is not the owner's."""
    await database.execute(
        "CREATE ROLE small LOGIN CREATEROLE CREATEDB PASSWORD 'x'; GRANT app_owner TO small;"
        "CREATE TABLE schema1.not_ours (i int)"
    )
    settings = settings_for(database)
    server = settings.server.model_copy(
        update={"admin_user": "small", "admin_password": SecretStr("x")}
    )
    settings = settings.model_copy(update={"server": server})
    look = await database.connect()
    permission = "Permission/default/read-schemas-1-and-2"
    declared = {"adminUser": "small"}
    async with running(settings, tmp_path) as regent:
        await regent.push(state(REFERENCE, regent=declared))
        status = await regent.settled(1)
        assert status["detector"]["mode"] == "Polling"
        for _ in range(2):
            refused = await outcome(regent, permission)
            assert (refused["state"], refused["reason"]) == ("Stalled", "NotManageable")
            assert "42501" in refused["message"]
            assert (await outcome(regent, "Role/default/flights-admin"))["state"] == "Ready"
            regent.kill()
            regent.start()
            await regent.ready()
            await regent.settled(1)
        await look.execute(STRAY)
        drift = (await regent.drifts(1))[0]
        assert "DELETE" in drift["what"]

        async def is_corrected() -> bool:
            return not bool(await look.fetchval(MAY_DELETE))

        await eventually(is_corrected)
        await look.execute('ALTER ROLE "summer-intern-2" NOLOGIN')
        await regent.drifts(2)
        await look.execute("ALTER TABLE schema1.not_ours OWNER TO app_owner")
        await regent.push(state(REFERENCE, regent=declared, revision=2))
        await regent.settled(2)

        async def is_ready() -> bool:
            return bool((await outcome(regent, permission))["state"] == "Ready")

        await eventually(is_ready)

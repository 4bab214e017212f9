"""An end of access that the server refuses: told as that, asked again, and by nobody's drift."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.daemons import Regent, running
from tests.declared import state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.settings import settings_for

TWO = "{User/stays: {database: mydb}, User/leaver: {database: mydb}}"
ONE = "User/stays: {database: mydb}"
LEAVER = "User/default/leaver"
MAY_LOG_IN = "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'leaver'"
ADMIN = {"adminUser": "boss"}


async def said_of_the_leaver(regent: Regent) -> dict[str, Any]:
    """What the status says of it; empty where nothing is."""
    resources = (await regent.ask("GET", "/v1/status")).json()["resources"]
    return next((one for one in resources if one["resource"] == LEAVER), {})


@pytest.mark.rule("21", "27", "30")
@pytest.mark.found("E48", "E49")
@pytest.mark.versions(16, 18)
async def test_an_end_that_is_refused_is_no_drift_and_is_made_when_the_admin_gets_its_right_back(
    database: Database, tmp_path: Path
) -> None:
    """From 16 on CREATEROLE is not enough for a role that a superuser made."""
    await database.execute("CREATE ROLE boss LOGIN SUPERUSER PASSWORD 'x'")
    settings = settings_for(database)
    update = {"admin_user": "boss", "admin_password": SecretStr("x")}
    settings = settings.model_copy(update={"server": settings.server.model_copy(update=update)})
    look = await database.connect()
    async with running(settings, tmp_path) as regent:
        await regent.push(state(TWO, regent=ADMIN))
        await regent.settled(1)
        await look.execute("ALTER ROLE boss NOSUPERUSER CREATEROLE")
        for revision in (2, 3):  # each push asks again
            await regent.push(state(ONE, regent=ADMIN, deleted=(LEAVER,), revision=revision))

            async def is_refused(revision: int = revision) -> bool:
                status = (await regent.ask("GET", "/v1/status")).json()
                said = {one["resource"]: one for one in status["resources"]}.get(LEAVER, {})
                return bool(
                    status["appliedRevision"] == revision and said.get("state") == "Stalled"
                )

            await eventually(is_refused)
        said = await said_of_the_leaver(regent)
        assert said["reason"] == "AccessGoesOn"
        assert "(42501)" in said["message"]
        status = (await regent.ask("GET", "/v1/status")).json()
        assert {one["role"] for one in status["leftovers"]} == {"leaver"}
        drift = (await regent.ask("GET", "/v1/history?after=0")).json()["items"]
        assert [one for one in drift if one.get("role") == "leaver"] == []
        assert await look.fetchval(MAY_LOG_IN) is True

        await look.execute("ALTER ROLE boss SUPERUSER")

        async def is_gone() -> bool:
            return bool(await look.fetchval(MAY_LOG_IN) is None)

        await eventually(is_gone)


@pytest.mark.rule("21")
@pytest.mark.found("E200")
@pytest.mark.versions(18)
async def test_what_could_not_be_taken_for_a_moment_is_taken_soon_after(
    database: Database, tmp_path: Path
) -> None:
    """Seen: whoever had one REVOKE refused for a moment kept what was granted for an hour."""
    look = await database.connect()
    has = "SELECT has_table_privilege('stays', 'schema1.flights', 'SELECT')"
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(ONE))
        await regent.settled(1)
        await look.execute(
            "CREATE FUNCTION public.no() RETURNS event_trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE insufficient_privilege; END $$;"
            " CREATE EVENT TRIGGER no ON ddl_command_start WHEN TAG IN ('REVOKE')"
            " EXECUTE FUNCTION public.no(); GRANT SELECT ON schema1.flights TO stays"
        )

        async def is_refused() -> bool:
            resources = (await regent.ask("GET", "/v1/status")).json()["resources"]
            return any(one["reason"] == "NotManageable" for one in resources)

        await eventually(is_refused)
        assert await look.fetchval(has)
        await look.execute("DROP EVENT TRIGGER no")

        async def is_taken() -> bool:
            return not await look.fetchval(has)

        await eventually(is_taken)

"""A Regent whose admin is no superuser: it polls, settles, and leaves a server that is upgraded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.daemons import Regent, running
from tests.declared import state
from tests.eventually import eventually
from tests.integration.facts.once import all_ready, applied, is_settled
from tests.postgres.clusters import ADMIN, BOOTSTRAP
from tests.postgres.database import Database
from tests.settings import settings_for
from tests.shapes.shapes import called, shaped

READER = """
Permission/read: {database: mydb, schemas: [schema1], tables: ["*"], actions: [SELECT]}
Role/reader: {database: mydb, permissions: [read]}
User/pilot: {roles: [reader]}
"""
NOT_OURS = "strangers_table"
MAKE_STRANGERS = f"CREATE TABLE schema1.{NOT_OURS} (i int)"
MAY_DELETE = "SELECT has_table_privilege('reader', 'schema1.flights', 'DELETE')"
TRIGGERS = "SELECT count(*) FROM pg_event_trigger WHERE evtname ~ '^postgregent_'"
DROP_TRIGGERS = "DROP EVENT TRIGGER postgregent_change; DROP EVENT TRIGGER postgregent_drop"


def sent(database: Database, words: str) -> int:
    """How often a statement with these words was sent to the server in this test."""
    lines = database.server.log_of_this_test().splitlines()
    return sum("LOG:  " in line and words in line for line in lines)


async def drift_is_corrected(regent: Regent, database: Database) -> None:
    """Somebody grants on the owner's table; it is taken back."""
    look = await database.connect(BOOTSTRAP)
    before = len((await regent.ask("GET", "/v1/history")).json()["items"])
    await look.execute("GRANT DELETE ON schema1.flights TO reader")
    await regent.drifts(before + 1)
    assert not await look.fetchval(MAY_DELETE)


@pytest.mark.found("E213")
@pytest.mark.rule("21", "29")
async def test_a_regent_on_rds_polls_and_asks_once_for_what_it_may_not_do(
    database: Database, tmp_path: Path
) -> None:
    """Found out once: neither the detector nor the grant is tried with further passes."""
    await database.execute(MAKE_STRANGERS, BOOTSTRAP)
    async with shaped(called("rds"), database), running(settings_for(database), tmp_path) as regent:
        await regent.push(state(READER))
        status = await regent.settled(1)
        said = {one["resource"]: one for one in status["resources"]}
        assert said["Permission/default/read"]["reason"] == "NotManageable"
        assert f'"{BOOTSTRAP}" is a superuser' in said["Permission/default/read"]["message"]
        assert status["detector"]["mode"] == "Polling"
        assert f'ALTER ROLE "{ADMIN}" SUPERUSER' in status["detector"]["message"]
        grants = sent(database, NOT_OURS)
        for _ in range(2):
            await drift_is_corrected(regent, database)
            await regent.ask("POST", "/v1/reconcile")
        assert sent(database, NOT_OURS) == grants
        assert sent(database, "CREATE SCHEMA postgregent") == 1


@pytest.mark.found("E213")
@pytest.mark.versions(18)
async def test_where_the_admin_may_not_make_a_schema_that_right_is_named(
    database: Database, tmp_path: Path
) -> None:
    """A provider that lets it make event triggers is of no use without CREATE on the database."""
    async with (
        shaped(called("createrole"), database, is_prepared=False),
        running(settings_for(database), tmp_path) as regent,
    ):
        await regent.push(state("Role/crew: {database: mydb}"))
        status = await regent.settled(1)
        assert f'GRANT CREATE ON DATABASE "mydb" TO "{ADMIN}";' in status["detector"]["message"]


@pytest.mark.rule("25", "28")
@pytest.mark.versions(18)
async def test_before_an_upgrade_a_suspended_regent_leaves_its_triggers_dropped(
    database: Database, tmp_path: Path
) -> None:
    """They are back, and detect, when it is not suspended any more."""
    look = await database.connect(BOOTSTRAP)
    suspend: dict[str, Any] = {"regent": {"suspend": True}}
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(READER))
        await regent.settled(1)
        assert await look.fetchval(TRIGGERS) == 2
        await regent.push(state(READER, revision=2, **suspend))
        await regent.settled(2)
        await look.execute(DROP_TRIGGERS)
        await regent.ask("POST", "/v1/reconcile")
        await regent.push(state(READER, revision=3, **suspend))
        await regent.settled(3)
        assert await look.fetchval(TRIGGERS) == 0
        await regent.push(state(READER, revision=4))
        await regent.settled(4)

        async def are_back() -> bool:
            return bool(await look.fetchval(TRIGGERS) == 2)

        await eventually(are_back)
        await drift_is_corrected(regent, database)


LABEL = "SELECT label FROM pg_shseclabel WHERE objoid = 'pilot'::regrole"
GIVE_LABEL = """
INSERT INTO pg_shseclabel (objoid, classoid, provider, label)
VALUES ('pilot'::regrole, 'pg_authid'::regclass, 'pgaadauth', 'aadauth,oid=1,type=user')
"""


@pytest.mark.rule("8", "19")
async def test_a_label_for_a_login_of_entra_outlives_corrections(database: Database) -> None:
    """A User without a Secret has LOGIN and no password; how it logs in is the service's."""
    async with shaped(called("azure"), database):
        assert all_ready(await applied(database, READER))
        await database.execute(
            f"{GIVE_LABEL}; ALTER ROLE pilot NOLOGIN CONNECTION LIMIT 0", BOOTSTRAP
        )
        assert all_ready(await applied(database, READER))
        look = await database.connect(BOOTSTRAP)
        assert await look.fetchval(LABEL) == "aadauth,oid=1,type=user"
        assert await look.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'pilot'")
        assert await is_settled(database, READER)

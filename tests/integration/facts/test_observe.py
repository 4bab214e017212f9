"""`Observe` looks and says, and writes nothing; `Correct`, pushed after it, corrects (rule 25)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.integration.facts.held import held
from tests.postgres.database import Database
from tests.settings import settings_for

ROLES = ("mydb-viewer", "flights-admin", "summer-intern-2")


@pytest.mark.rule("25", "29")
async def test_observing_writes_nothing_and_correcting_does(
    database: Database, tmp_path: Path
) -> None:
    """What it would do is in its plan, and every resource says that it is only observed."""
    look = await database.connect()
    async with running(settings_for(database), tmp_path) as regent:
        before = await held(look, ROLES)
        await regent.push(state(REFERENCE, regent={"enforcement": "Observe"}))
        status = await regent.settled(1)
        assert {one["reason"] for one in status["resources"]} == {"Observing"}
        assert status["observing"]
        assert (await regent.ask("POST", "/v1/plan")).json()["changes"]
        await look.execute(
            'CREATE ROLE "mydb-viewer"; GRANT DELETE ON schema1.flights TO "mydb-viewer"'
        )
        await look.execute('DROP OWNED BY "mydb-viewer"; DROP ROLE "mydb-viewer"')
        await regent.ask("POST", "/v1/reconcile")
        assert await held(look, ROLES) == before
        assert not await look.fetchval(
            "SELECT count(*) FROM pg_roles WHERE rolname = ANY ($1)", ROLES
        )
        await regent.push(state(REFERENCE, revision=2))
        status = await regent.settled(2)
        assert {one["reason"] for one in status["resources"]} == {"Applied"}
        whole = await held(look, ROLES)
        await regent.push(state(REFERENCE, regent={"enforcement": "Observe"}, revision=3))
        await regent.settled(3)
        await look.execute('GRANT DELETE ON schema1.flights TO "mydb-viewer"')
        stray = await held(look, ROLES) - whole
        assert len(stray) == 1

        async def is_seen() -> bool:
            plan = (await regent.ask("POST", "/v1/plan")).json()
            return ["revoke DELETE" in one["what"] for one in plan["changes"]] == [True]

        await eventually(is_seen)
        assert await held(look, ROLES) - whole == stray
        await regent.push(state(REFERENCE, revision=4))
        await regent.settled(4)
        assert await held(look, ROLES) == whole

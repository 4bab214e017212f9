"""What a Regent calls drift, and what it does not (rule 30)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.daemons import Regent, running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.integration.until import cleared
from tests.postgres.database import Database
from tests.settings import settings_for

STRAY = 'GRANT DELETE ON schema1.flights TO "mydb-viewer"'
MAY_DELETE = "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'DELETE')"


async def history(regent: Regent) -> list[dict[str, Any]]:
    """Every drift that was ever recorded."""
    items: list[dict[str, Any]] = (await regent.ask("GET", "/v1/history")).json()["items"]
    return items


async def outstanding(regent: Regent) -> list[str]:
    """What is not as declared now, in words."""
    return [one["what"] for one in (await regent.ask("GET", "/v1/drift")).json()["items"]]


@pytest.mark.rule("30")
async def test_what_was_done_while_the_regent_was_down_is_drift_and_the_recorded_one_did_it(
    database: Database, tmp_path: Path
) -> None:
    """The home database remembers what was in force; a new push in between would say otherwise."""
    look = await database.connect()
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)
        await cleared(look)
        regent.kill()
        await look.execute(f"SET application_name = 'intruder'; {STRAY}")
        regent.start()
        await regent.ready()
        drift = (await regent.drifts(1))[0]
        assert (drift["actor"]["certainty"], drift["actor"]["application"]) == (
            "Recorded",
            "intruder",
        )
        assert not await look.fetchval(MAY_DELETE)
        regent.kill()
        regent.start()
        await regent.ready()
        await regent.settled(1)
        assert len(await history(regent)) == 1


@pytest.mark.rule("30")
async def test_a_push_is_no_drift_and_neither_is_what_a_release_lets_through(
    database: Database, tmp_path: Path
) -> None:
    """Withheld losses survive a restart, and the digest that was seen releases exactly these."""
    look = await database.connect()
    typo = REFERENCE.replace("[schema1, schema2]", "[shcema1, shcema2]")
    reads = "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'SELECT')"
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE, regent={"brake": {"minimum": 1, "percent": 1}}))
        await regent.settled(1)
        await regent.push(state(typo, regent={"brake": {"minimum": 1, "percent": 1}}, revision=2))
        status = await regent.settled(2)
        digest = status["brake"]["digest"]
        assert status["brake"]["pulled"]
        regent.kill()
        regent.start()
        await regent.ready()
        assert (await regent.settled(2))["brake"]["digest"] == digest
        assert await look.fetchval(reads)
        answer = await regent.ask("POST", "/v1/brake/release", json={"digest": "0" * 16})
        assert answer.status_code == 409
        answer = await regent.ask("POST", "/v1/brake/release", json={"digest": digest})
        assert answer.status_code in (200, 202, 204)

        async def is_released() -> bool:
            return not await look.fetchval(reads)

        await eventually(is_released)
        assert await history(regent) == []


@pytest.mark.rule("25", "30")
async def test_who_only_observes_says_a_drift_once_and_that_it_is_over(
    database: Database, tmp_path: Path
) -> None:
    """Outstanding until somebody puts it right; a further pass does not say it again."""
    look = await database.connect()
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)
        observe = {"enforcement": "Observe"}
        await regent.push(state(REFERENCE, regent=observe, revision=2))
        await regent.settled(2)
        await look.execute(STRAY)
        await regent.drifts(1)
        for _ in range(2):
            await regent.ask("POST", "/v1/reconcile")
        assert len(await outstanding(regent)) == 1
        assert await look.fetchval(MAY_DELETE)
        await look.execute(STRAY.replace("GRANT", "REVOKE").replace(" TO ", " FROM "))

        async def is_over() -> bool:
            return await outstanding(regent) == []

        await eventually(is_over)
        assert len(await history(regent)) == 1

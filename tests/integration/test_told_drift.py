"""What is told of a drift: the deed of the one who did it, and the correction as ours (rule 30)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from regent.home.store import Home
from regent.settings import connector_of
from shared.outcomes import Actor, Drift
from tests.daemons import Regent, running
from tests.declared import NOON, REFERENCE, state
from tests.eventually import eventually
from tests.integration.until import cleared
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = pytest.mark.rule("30")


async def begun(regent: Regent) -> None:
    """The reference is in force."""
    await regent.push(state(REFERENCE))
    await regent.settled(1)


@pytest.mark.found("C23")
async def test_each_of_two_people_is_named_for_what_he_may_have_done_and_for_nothing_else(
    database: Database, tmp_path: Path
) -> None:
    """Both while nobody looked, so that one pass finds both; of the first it is certain."""
    look = await database.connect()
    for person in ("alice", "bob"):
        await look.execute(f"CREATE ROLE {person} LOGIN SUPERUSER PASSWORD 'told'")
    async with running(settings_for(database), tmp_path) as regent:
        await begun(regent)
        await cleared(look)
        regent.kill()
        for person, table in (("alice", "airports"), ("bob", "flights")):
            theirs = await database.connect(person, "told")
            await theirs.execute(f'GRANT DELETE ON schema1.{table} TO "mydb-viewer"')
            await theirs.close()
        regent.start()
        await regent.ready()
        by_table = {one["object"]: one for one in await regent.drifts(2)}
    first, second = by_table["schema1.airports"], by_table["schema1.flights"]
    assert (first["actor"]["certainty"], first["actor"]["sessionUser"]) == ("Recorded", "alice")
    assert first["deed"] == "DELETE on table schema1.airports was granted to mydb-viewer"
    assert first["correction"] == "revoked"
    assert (second["actor"]["certainty"], second["actor"]["sessionUser"]) == ("Probable", "bob")
    assert [one["sessionUser"] for one in second["actor"]["others"]] == ["alice"]


@pytest.mark.found("C23")
async def test_a_dropped_role_is_told_as_dropped_and_as_created_again(
    database: Database, tmp_path: Path
) -> None:
    """One drift, and a session that is still there is named."""
    look = await database.connect()
    async with running(settings_for(database), tmp_path) as regent:
        await begun(regent)
        await look.execute('DROP OWNED BY "summer-intern-2"; DROP ROLE "summer-intern-2"')
        [drift] = await regent.drifts(1)
    assert drift["deed"] == "role summer-intern-2 was dropped"
    assert drift["correction"] == "created again"


@pytest.mark.found("B22")
@pytest.mark.found("C25")
@pytest.mark.versions(18)
async def test_more_drifts_than_one_page_are_counted_and_all_of_them_end(
    database: Database, tmp_path: Path
) -> None:
    """Left outstanding by an earlier life: 700, of which a page holds 500."""
    old = Drift(
        regent="default/my-regent",
        what="revoke DELETE on table schema1.gone from mydb-viewer",
        found_at=NOON,
        actor=Actor(certainty="Unknown"),
        resources=("Role/default/mydb-viewer",),
    )
    async with running(settings_for(database), tmp_path) as regent:
        await begun(regent)
        regent.kill()
        home = await Home.open(
            connector_of(settings_for(database).server), regent="default/my-regent"
        )
        await home.record_drift([old] * 700)
        assert await home.count_outstanding() == 700
        await home.close()
        regent.start()
        await regent.ready()

        async def are_over() -> bool:
            return (await regent.status()).get("outstandingDrift") == 0

        await eventually(are_over)
        page = await regent.ask("GET", "/v1/drift")
    assert page.json()["items"] == []


@pytest.mark.found("E150")
@pytest.mark.versions(18)
async def test_what_somebody_does_while_a_push_arrives_is_told(
    database: Database, tmp_path: Path
) -> None:
    """Frozen until both are there, so that one pass may find both."""
    look = await database.connect()
    later = REFERENCE.replace("roles: [flights-admin]", "roles: [flights-admin], enabled: false")
    async with running(settings_for(database), tmp_path) as regent:
        await begun(regent)
        regent.freeze()
        await look.execute('REVOKE SELECT ON schema1.airports FROM "mydb-viewer"')
        push = asyncio.create_task(regent.push(state(later, revision=2)))
        await asyncio.sleep(0.2)
        regent.thaw()
        await push
        await regent.settled(2)
        [drift] = await regent.drifts(1)
    assert drift["object"] == "schema1.airports"
    assert drift["actor"]["certainty"] == "Recorded"

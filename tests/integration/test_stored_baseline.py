"""What losses are counted against is remembered for after a restart (rule 20)."""

from __future__ import annotations

from pathlib import Path

import pytest

from regent.foundation import founded
from regent.gate.brake_memory import is_judged
from regent.home.store import Home
from regent.remembered import Remembered
from regent.settings import connector_of
from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.integration.facts.once import applied
from tests.postgres.database import Database
from tests.settings import settings_for


async def remembered(database: Database) -> Remembered:
    """As a Regent that starts now would find it."""
    settings = settings_for(database)
    found = await Home.find(connector_of(settings.server), regent=settings.regent)
    assert found is not None
    return found


@pytest.mark.rule("20")
async def test_a_push_that_only_gives_is_remembered_as_what_is_in_force(
    database: Database,
) -> None:
    """Nothing was to be stored before it was carried out, and yet all is there afterwards."""
    await applied(database, REFERENCE)
    wider = REFERENCE.replace("actions: [SELECT], tables", "actions: [SELECT, INSERT], tables")
    await applied(database, wider, revision=2)
    found = await remembered(database)
    assert found.accepted is not None
    assert found.accepted.state.revision == 2
    assert found.brake.baseline == found.accepted
    assert found.brake.taken == ()


@pytest.mark.rule("20")
async def test_what_a_push_took_away_is_counted_after_a_restart(database: Database) -> None:
    """Few enough to be let through."""
    await applied(database, REFERENCE)
    narrower = REFERENCE.replace("SELECT, INSERT, UPDATE, DELETE", "SELECT, INSERT, UPDATE")
    await applied(database, narrower, revision=2)
    found = await remembered(database)
    assert found.accepted is not None
    assert found.brake.baseline == found.accepted
    assert [loss.privilege for _, loss in found.brake.taken] == ["DELETE"]


@pytest.mark.rule("20")
async def test_a_pass_that_finds_nothing_to_do_writes_nothing_down(database: Database) -> None:
    """Else every pass of every Regent would wait for the disk."""
    await applied(database, REFERENCE)
    settings = settings_for(database)
    async with founded(settings, connector_of(settings.server)) as stand:
        await stand.passes.full()
        version = "SELECT xmin::text FROM postgregent.regents"
        async with stand.home.connection() as home:
            before = await home.fetch(version)
        one = await stand.passes.full()
        async with stand.home.connection() as home:
            after = await home.fetch(version)
    assert (one.results, before) == ((), after)


WITHOUT_EDITIONS = """
UPDATE postgregent.regents
SET accepted = accepted - 'edition', brake = brake #- '{baseline,edition}'
"""


@pytest.mark.rule("20")
@pytest.mark.found("E2")
async def test_what_an_older_version_stored_is_judged_still(database: Database) -> None:
    """It told accepted states apart by their etags, and knew no editions."""
    await applied(database, REFERENCE)
    home = await database.server.connect("postgregent")
    await home.execute(WITHOUT_EDITIONS)
    await home.close()
    found = await remembered(database)
    assert found.accepted is not None
    assert is_judged(found.brake, found.accepted)
    report = await applied(database, REFERENCE, revision=2)
    assert (report.brake, report.plan.changes) == (None, ())


@pytest.mark.rule("20")
@pytest.mark.found("E2")
async def test_what_vanished_and_was_let_go_waits_for_its_release(
    database: Database, tmp_path: Path
) -> None:
    """Told as deleted once, it is not told again: the same push was in force when nothing ended."""
    permission = "Permission/p: {database: mydb, schemas: ['*'], actions: [SELECT], tables: ['*']}"
    roles = [f"r{number}" for number in range(8)]
    given = (f"Role/{role}: {{database: mydb, permissions: [p]}}" for role in roles)
    text = "\n".join([permission, *given])
    vanished = state(permission, absent_means="Vanished")
    deleted = tuple(f"Role/default/{role}" for role in roles)
    look = await database.connect()
    is_there = "SELECT count(*) FROM pg_roles WHERE rolname = ANY ($1)"
    pulled: list[bool] = []
    async with running(settings_for(database), tmp_path) as regent:
        whole = state(text, absent_means="Vanished")
        let_go = vanished.model_copy(update={"deleted": deleted})
        for revision, one in enumerate((whole, vanished, let_go, vanished), start=1):
            await regent.push(one.model_copy(update={"revision": revision}))
            status = await regent.settled(revision)
            pulled.append(status["brake"]["pulled"])
            assert await look.fetchval(is_there, roles) == len(roles)
        assert pulled == [False, False, True, True]
        regent.kill()
        regent.start()
        await regent.ready()
        status = await regent.settled(4)
        assert status["brake"]["pulled"]
        assert await look.fetchval(is_there, roles) == len(roles)
        await regent.ask("POST", "/v1/brake/release", json={"digest": status["brake"]["digest"]})

        async def is_gone() -> bool:
            return bool(await look.fetchval(is_there, roles) == 0)

        await eventually(is_gone)

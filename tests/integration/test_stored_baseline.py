"""What losses are counted against is remembered for after a restart (rule 20)."""

from __future__ import annotations

import pytest

from regent.home.store import Home
from regent.remembered import Remembered
from regent.settings import connector_of
from tests.declared import REFERENCE
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

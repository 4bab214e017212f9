"""What others do while a full pass works is left to a targeted pass, which follows at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from regent.detect.wake import Full, LocalEvents
from regent.engine import Engine
from regent.health.board import Board
from regent.health.metrics import Metrics
from regent.kinds import Address
from regent.passes.one_pass import Pass
from regent.service import Service
from regent.settings import connector_of
from tests.declared import state
from tests.postgres.database import Database
from tests.settings import settings_for

DECLARED = """
Permission/read: {database: mydb, schemas: [schema1], tables: ["*"], actions: [SELECT]}
Role/one: {database: mydb, permissions: [read]}
"""
STRAY = "GRANT DELETE ON schema1.{} TO one"
MAY_DELETE = "SELECT has_table_privilege('one', 'schema1.{}', 'DELETE')"
READ = "SELECT has_table_privilege('one', 'schema1.{}', 'SELECT')"


@pytest.mark.found("E311")
async def test_drift_that_overtakes_a_full_pass_is_corrected_by_a_targeted_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One full pass followed another for as long as somebody went on, in a large database."""
    for table in ("first", "second"):
        await database.execute(f"CREATE TABLE schema1.{table} (i int)")
    look = await database.connect()
    settings = settings_for(database)
    plain = connector_of(settings.server)
    service = Service(settings, Board(), Metrics())
    async with Engine.opened(settings, plain=plain, board=Board(), metrics=Metrics()) as engine:
        service.attach(engine)
        await service.accept(state(DECLARED), if_match=None)
        await engine._one_pass(await engine.wake.wait())
        latest, full = engine.latest, engine.passes.full

        async def overtaken(*, before_correcting: Any, **more: Any) -> Pass:
            async def meanwhile(found: Mapping[str, tuple[Address, ...]]) -> None:
                await before_correcting(found)
                await look.execute(STRAY.format("second"))
                await look.execute("CREATE TABLE schema1.third (i int)")

            return await full(before_correcting=meanwhile, **more)

        monkeypatch.setattr(engine.passes, "full", overtaken)
        await look.execute(STRAY.format("first"))
        await engine._one_pass((Full("due"),))
        assert engine.latest is not latest
        assert not await look.fetchval(MAY_DELETE.format("first"))
        assert await look.fetchval(MAY_DELETE.format("second"))

        latest, hints = engine.latest, await engine.wake.wait()
        assert hints == (LocalEvents("mydb"),)
        await engine._one_pass(hints)
        assert engine.latest is latest, "a full pass was made"
        assert not await look.fetchval(MAY_DELETE.format("second"))
        assert await look.fetchval(READ.format("third"))
        drifts = await engine.home.history(0, 10)
        assert [one.actor.certainty for one in drifts if one.corrected_at] == ["Recorded"] * 3

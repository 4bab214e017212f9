"""A push that comes between the reading of a plan and its approval is not approved with it."""

from __future__ import annotations

import pytest

from regent.detect.wake import Full
from regent.engine import Engine
from regent.health.board import Board
from regent.health.metrics import Metrics
from regent.remembered import AcceptedState
from regent.service import Service
from regent.settings import connector_of
from shared.consent import Consent
from tests.declared import state
from tests.postgres.database import Database
from tests.settings import settings_for

MANUAL = {"approval": "Manual"}
ROLES = "SELECT array_agg(rolname::text) FROM pg_roles WHERE rolname IN ('seen', 'unseen')"


@pytest.mark.rule("20a")
@pytest.mark.found("E298")
@pytest.mark.versions(18)
async def test_a_pass_while_a_push_replaces_the_one_that_waits_approves_neither(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The approval of the first would put the second in force: it is stored a moment later."""
    settings = settings_for(database)
    board, plain = Board(), connector_of(settings.server)
    service = Service(settings, board, Metrics())
    async with Engine.opened(settings, plain=plain, board=board, metrics=Metrics()) as engine:
        service.attach(engine)
        first = state("Role/seen: {database: mydb}", regent=MANUAL)
        tag = await service.accept(first, if_match=None)
        await engine._one_pass((Full("start"),))
        shown = board.status.approval.digest
        await service.consent(Consent("Approval", shown))
        store = engine.home.store_accepted

        async def after_a_pass(accepted: AcceptedState) -> None:
            await engine._one_pass((Full("a person agreed"),))
            await store(accepted)

        monkeypatch.setattr(engine.home, "store_accepted", after_a_pass)
        second = state("Role/unseen: {database: mydb}", regent=MANUAL, revision=2)
        await service.accept(second, if_match=tag)
        monkeypatch.undo()
        look = await database.connect()
        for _ in ("what was given is heard", "what would have been approved is done"):
            await engine._one_pass((Full("pushed"),))
            assert await look.fetchval(ROLES) is None
        assert board.status.approval.waiting
        assert board.status.approval.digest != shown
        await look.close()

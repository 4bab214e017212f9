"""A takeover that a person accepts while a pass looks: one look obeys one server."""

from __future__ import annotations

import asyncpg
import pytest

from regent.engine import Engine
from regent.gate.takeover import other_server
from regent.health.board import Board
from regent.health.metrics import Metrics
from regent.one_shot import apply_once
from regent.server.connection import Connects
from regent.settings import connector_of
from tests.declared import REFERENCE, state
from tests.postgres.database import Database
from tests.settings import settings_for


class Meanwhile:
    """Connects as another one does; once, something happens before a work connection opens."""

    def __init__(self, plain: Connects) -> None:
        self._plain = plain
        self.engine: Engine | None = None
        self.found = ""

    async def connect(self, database: str, *, purpose: str) -> asyncpg.Connection:
        if purpose == "work" and self.engine is not None:
            engine, self.engine = self.engine, None
            known = engine.passes.memory.system_identifier
            await engine.consent(other_server(engine.home.regent, known, self.found))
        return await self._plain.connect(database, purpose=purpose)


@pytest.mark.found("E88")
async def test_oids_of_the_old_server_are_not_believed_on_the_new_one(database: Database) -> None:
    """The marks were read before the takeover was accepted, and the server after it."""
    settings = settings_for(database)
    await apply_once(settings, state(REFERENCE))
    look = await database.connect()
    await look.execute("CREATE ROLE victim")
    home = await database.server.connect("postgregent")
    await home.execute(
        "UPDATE postgregent.marks SET role_oid = 'victim'::regrole WHERE role = 'mydb-viewer';"
        "UPDATE postgregent.regents SET system_identifier = '1'"
    )
    await home.close()
    connector = Meanwhile(connector_of(settings.server))
    async with Engine.opened(settings, plain=connector, board=Board(), metrics=Metrics()) as engine:
        connector.found = await look.fetchval(
            "SELECT system_identifier::text FROM pg_control_system()"
        )
        connector.engine = engine
        first = await engine.passes.full()
        assert engine.passes.memory.system_identifier == connector.found
        assert first.restraint is not None
        assert first.restraint.reason == "TakeoverNeeded"
        second = await engine.passes.full()
        assert second.restraint is None
        assert second.plan.is_empty
    assert await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = 'victim'") == 1

"""What the server refused is remembered as long as something plans it."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from regent.engine import Engine
from regent.health.board import Board
from regent.health.metrics import Metrics
from regent.service import Service
from regent.settings import connector_of
from tests.declared import state
from tests.postgres.database import Database
from tests.settings import settings_for

DECLARED = """
Permission/read: {database: mydb, schemas: [schema1], tables: ["*"], actions: [SELECT]}
Role/one: {database: mydb, permissions: [read]}
"""


@pytest.mark.found("E96")
async def test_a_refusal_is_forgotten_once_nothing_plans_it(database: Database) -> None:
    """And kept before that; rows for what had gone stayed for ever."""
    await database.execute(
        "CREATE ROLE small LOGIN CREATEROLE CREATEDB PASSWORD 'x'; GRANT app_owner TO small;"
        "CREATE TABLE schema1.not_ours (i int)"
    )
    settings = settings_for(database)
    server = settings.server.model_copy(
        update={"admin_user": "small", "admin_password": SecretStr("x")}
    )
    settings = settings.model_copy(update={"server": server})
    plain = connector_of(server)
    service = Service(settings, Board(), Metrics())
    async with Engine.opened(settings, plain=plain, board=Board(), metrics=Metrics()) as engine:
        service.attach(engine)
        await service.accept(state(DECLARED, regent={"adminUser": "small"}), if_match=None)
        for _ in range(2):
            await engine.passes.full()
            assert set(await engine.home.unmanageable()) == set(engine.passes.memory.refused)
            assert len(engine.passes.memory.refused) == 1
        await database.execute("DROP TABLE schema1.not_ours")
        await engine.passes.full()
        assert engine.passes.memory.refused == {}
        assert await engine.home.unmanageable() == {}

"""What the server refused is remembered as long as something plans it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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


@asynccontextmanager
async def run_by_small(database: Database) -> AsyncIterator[Engine]:
    """A Regent whose admin is `small`, and what is declared."""
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
        yield engine


@pytest.mark.found("E96")
async def test_a_refusal_is_forgotten_once_nothing_plans_it(database: Database) -> None:
    """And kept before that; rows for what had gone stayed for ever."""
    await database.execute(
        "CREATE ROLE small LOGIN CREATEROLE CREATEDB PASSWORD 'x'; GRANT app_owner TO small;"
        "CREATE TABLE schema1.not_ours (i int)"
    )
    async with run_by_small(database) as engine:
        for _ in range(2):
            await engine.passes.full()
            assert set(await engine.home.unmanageable()) == set(engine.passes.memory.refused)
            assert len(engine.passes.memory.refused) == 1
        await database.execute("DROP TABLE schema1.not_ours")
        await engine.passes.full()
        assert engine.passes.memory.refused == {}
        assert await engine.home.unmanageable() == {}


@pytest.mark.rule("21")
@pytest.mark.found("E255")
async def test_whoever_makes_the_admin_a_member_again_and_again_has_nothing_sent_again(
    database: Database,
) -> None:
    """Other rights let it be asked again at once; and then once a minute, when a pass is due."""
    await database.execute(
        "CREATE ROLE small LOGIN CREATEROLE CREATEDB PASSWORD 'x'; GRANT app_owner TO small;"
        "CREATE TABLE schema1.not_ours (i int); CREATE ROLE harmless"
    )
    async with run_by_small(database) as engine:
        passes, times = engine.passes, []
        for deed in (
            "SELECT 1",
            "GRANT harmless TO small",
            "REVOKE harmless FROM small",
            "SELECT 1",
        ):
            await database.execute(deed)
            done = await passes.full()
            times.append({one.found_at for one in passes.memory.refused.values()})
        first, second, third, fourth = times
        assert first != second == third == fourth
        assert done.next_due is not None

"""A home that was closed stays closed, whoever still holds it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from regent.answers import NotReady
from regent.engine import Engine
from regent.gate.consent import Withheld
from regent.health.board import Board
from regent.health.metrics import Metrics
from regent.home.locks import LockLost
from regent.server.trouble import ConnectionOverError
from regent.service import Service
from regent.settings import connector_of
from tests.declared import state
from tests.eventually import eventually
from tests.integration.test_home import open_home
from tests.postgres.database import Database
from tests.settings import settings_for

OPEN = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'postgregent/home'"


@pytest.mark.found("E89")
async def test_a_long_poll_of_an_engine_that_ended_opens_nothing(database: Database) -> None:
    board = Board()
    service = Service(settings_for(database), board, Metrics())
    home = await open_home(database.server)
    passes = SimpleNamespace(memory=SimpleNamespace(refused_push=None))
    engine: Any = SimpleNamespace(home=home, passes=passes)
    service.attach(engine)
    poll = asyncio.create_task(service.history(after=0, wait_seconds=1, limit=10))
    await asyncio.sleep(0)
    await home.close()
    service.attach(None)
    assert (await poll).items == ()
    with pytest.raises(ConnectionOverError):
        await home.history()
    look = await database.connect()

    async def none_is_open() -> bool:
        return not await look.fetchval(OPEN)

    await eventually(none_is_open)


@pytest.mark.found("E196")
async def test_who_is_not_connected_says_where_its_log_is_in_a_cluster_too(
    database: Database,
) -> None:
    with pytest.raises(NotReady) as early:
        await Service(settings_for(database), Board(), Metrics()).plan(None)
    assert "its pod's" in early.value.way_out


@pytest.mark.found("E94")
async def test_what_is_asked_of_an_engine_that_ends_meanwhile_is_not_ready(
    database: Database,
) -> None:
    """503, as before it was there, and no failure of the Regent: whoever asks does so again."""
    settings = settings_for(database)
    plain = connector_of(settings.server)
    service = Service(settings, Board(), Metrics())
    async with Engine.opened(settings, plain=plain, board=Board(), metrics=Metrics()) as engine:
        service.attach(engine)
        await service.accept(state("User/one: {database: mydb}"), if_match=None)
        assert (await service.plan(None)).changes
        await engine.lock.release()
        with pytest.raises(NotReady):
            await service.accept(state("", revision=2), if_match=await _tag(service))
    with pytest.raises(NotReady, match="lost its connection"):
        await service.plan(None)
    with pytest.raises(NotReady):
        await service.roles(limit=1, continue_=None)
    with pytest.raises(NotReady):
        await service.role("one")
    with pytest.raises(NotReady):
        await service.drift(limit=1, continue_=None)
    with pytest.raises(NotReady):
        await service.history(after=0, wait_seconds=0, limit=1)


async def _tag(service: Service) -> str:
    accepted = await service.state()
    assert accepted is not None
    return accepted.etag


@pytest.mark.found("E93")
async def test_a_brake_is_released_only_by_who_holds_the_lock(database: Database) -> None:
    settings = settings_for(database)
    plain = connector_of(settings.server)
    async with Engine.opened(settings, plain=plain, board=Board(), metrics=Metrics()) as engine:
        await engine.lock.release()
        with pytest.raises(LockLost):
            await engine.consent(Withheld("0123456789abcdef"))
        assert engine.passes.memory.brake.released_digest == ""

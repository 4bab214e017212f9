"""A leaver's role stays as long as sessions of it go on: by nothing else could they be found."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import pytest

from tests.frozen import freeze
from tests.integration.facts.once import all_ready, applied, demote, is_settled, outcome
from tests.postgres.database import Database

pytestmark = [pytest.mark.every_version, pytest.mark.found("E104"), pytest.mark.rule("24")]

STAYING = "User/keeper: {database: mydb}\n"
GONE = "User/gone: {database: mydb}\n"
PASSWORD = "correct horse"


async def given(database: Database) -> asyncpg.Connection:
    """A session of the one who leaves."""
    assert all_ready(await applied(database, STAYING + GONE))
    await database.execute(f"ALTER ROLE gone PASSWORD '{PASSWORD}'", "postgres")
    return await database.connect("gone", PASSWORD)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A server process that hears no signal but the last."""
    freeze(pid)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def exists(database: Database) -> bool:
    look = await database.connect()
    return bool(await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = 'gone'"))


async def test_a_role_whose_session_does_not_end_is_not_dropped_and_that_is_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And once it has ended, the next apply drops the role."""
    monkeypatch.setattr("regent.apply.sessions.PATIENCE_SECONDS", 0.1)
    session = await given(database)
    with frozen(session.get_server_pid()):
        for _ in range(2):
            report = await applied(database, STAYING, revision=2)
            told = outcome(report, "User/gone")
            assert (told.reason, told.is_ready) == ("AccessGoesOn", False)
            assert "it has sessions" in told.message
            assert await exists(database)
    assert all_ready(await applied(database, STAYING, revision=2))
    assert not await exists(database)
    assert await is_settled(database, STAYING, revision=2)


async def test_an_admin_without_pg_signal_backend_ends_the_sessions_of_its_roles(
    database: Database,
) -> None:
    """It is a member of the role for no moment that anybody else could see."""
    await demote(database)
    session = await given(database)
    look = await database.connect("postgres")
    before = await look.fetch("SELECT * FROM pg_auth_members WHERE roleid <> 'gone'::regrole")
    report = await applied(database, STAYING, revision=2)
    assert all_ready(report), report.outcomes
    is_there = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1"
    assert await look.fetchval(is_there, session.get_server_pid()) == 0
    assert not await exists(database)
    assert await look.fetch("SELECT * FROM pg_auth_members") == before

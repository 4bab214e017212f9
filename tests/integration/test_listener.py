"""Hearing the event triggers, and going on after trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from regent.detect.install import install
from regent.detect.listener import Listener, NotConnectedError
from regent.detect.own_sessions import OwnSessions
from regent.detect.wake import Full, Hint, LocalEvents, Wake
from shared.backoff import Backoff
from tests.integration.until import until
from tests.postgres.database import Database

EVENTS = LocalEvents("mydb")


@asynccontextmanager
async def listening(
    database: Database, hints: list[Hint], own: OwnSessions | None = None
) -> AsyncIterator[Listener]:
    """A running listener of this database; what it wakes with is put into `hints`."""

    async def connect() -> asyncpg.Connection:
        return await database.server.connect(database.name)

    listener = Listener(
        database.name,
        connect=connect,
        wake=hints.append,
        own=own or OwnSessions(),
        heartbeat_seconds=0.1,
        backoff=Backoff(first=0.01, longest=0.1),
    )
    task = asyncio.create_task(listener.run())
    try:
        await until(lambda: listener.is_listening)
        yield listener
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.every_version
async def test_a_grant_is_heard(database: Database) -> None:
    await install(await database.connect())
    hints: list[Hint] = []
    async with listening(database, hints):
        assert isinstance(hints[0], Full)
        await database.execute("GRANT SELECT ON schema1.flights TO PUBLIC", database.owner)
        await until(lambda: EVENTS in hints)


@pytest.mark.fact("PG-EVENT-18")
@pytest.mark.every_version
async def test_a_bulk_transaction_notifies_once_and_a_rollback_not_at_all(
    database: Database,
) -> None:
    await install(await database.connect())
    hints: list[Hint] = []
    grant = "GRANT SELECT ON schema1.flights TO PUBLIC;"
    async with listening(database, hints):
        await database.execute(f"BEGIN; {grant} ROLLBACK", database.owner)
        await database.execute(f"BEGIN; {grant * 100} COMMIT", database.owner)
        await until(lambda: EVENTS in hints)
        await database.execute("NOTIFY postgregent, 'the last one'", database.owner)
        await until(lambda: hints.count(EVENTS) >= 2)
        assert hints.count(EVENTS) == 2


@pytest.mark.fact("PG-EVENT-18")
async def test_a_payload_of_more_than_8000_bytes_fails(database: Database) -> None:
    connection = await database.connect()
    with pytest.raises(asyncpg.PostgresError, match="payload"):
        await connection.fetchval("SELECT pg_notify('postgregent', repeat('x', 8001))")


async def test_what_our_own_sessions_do_wakes_nobody(database: Database) -> None:
    ours = await database.connect()
    await install(ours)
    own = OwnSessions()
    own.enlist(ours)
    hints: list[Hint] = []
    async with listening(database, hints, own):
        await ours.execute("CREATE SCHEMA ours")
        await database.execute("CREATE SCHEMA theirs")
        await until(lambda: EVENTS in hints)
        assert hints.count(EVENTS) == 1
        assert ours.get_server_pid() in own
        await ours.close()
        await until(lambda: not list(own))


async def test_a_lost_connection_is_made_anew_and_asks_for_a_full_look(database: Database) -> None:
    admin = await database.connect()
    await install(admin)
    hints: list[Hint] = []
    async with listening(database, hints) as listener:
        for _ in range(3):
            looks = sum(isinstance(hint, Full) for hint in hints)
            pid = (await listener.fetchrow("SELECT pg_backend_pid()") or [0])[0]
            await admin.fetchval("SELECT pg_terminate_backend($1)", pid)
            await until(lambda seen=looks: sum(isinstance(h, Full) for h in hints) > seen)  # type: ignore[misc]
        hints.clear()
        await admin.execute("CREATE SCHEMA s")
        await until(lambda: EVENTS in hints)


async def test_a_restart_of_the_server_is_survived(database: Database) -> None:
    hints: list[Hint] = []
    async with listening(database, hints) as listener:
        database.server.stop()
        await until(lambda: not listener.is_listening)
        with pytest.raises(NotConnectedError):
            await listener.fetchrow("SELECT 1")
        database.server.start()
        await until(lambda: listener.is_listening)


@pytest.mark.fact("PG-EVENT-19")
async def test_anyone_may_notify_and_a_flood_costs_a_bounded_number_of_passes(
    database: Database,
) -> None:
    wake = Wake(burst=3, per_second=5)
    passes: list[tuple[Hint, ...]] = []

    async def pass_after_pass() -> None:
        while True:
            passes.append(await wake.wait())

    hints: list[Hint] = []
    async with listening(database, hints):
        worker = asyncio.create_task(pass_after_pass())
        intruder = await database.connect(database.owner)
        for number in range(500):
            await intruder.execute(f"NOTIFY postgregent, '{number}'")
        await until(lambda: hints.count(EVENTS) == 500)
        for hint in hints:
            wake.wake(hint)
            await asyncio.sleep(0)
        await until(lambda: bool(passes))
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    assert len(passes) < 20

"""Databases that hang, and the pool's own queue: neither is in the way of the others (E4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
import pytest

from regent.desired import Desired
from regent.detect.polled import PolledSource
from regent.detect.wake import Full, Hint
from regent.detect.watcher import LocalWatch, Watcher
from regent.inspect import reading
from regent.observed import ObservedServer
from regent.server.connections import Connections
from regent.server.places import Places
from regent.server.trouble import DidNotAnswerError
from shared.backoff import Backoff
from tests.eventually import eventually

pytestmark = pytest.mark.found("E4")
SOON = 0.01


class Server:
    """Connections to databases of which some never answer."""

    def __init__(self, *hung: str) -> None:
        self.hung = set(hung)
        self.asked: list[str] = []
        self.ended: list[str] = []

    async def connect(self, database: str, *, purpose: str) -> asyncpg.Connection:  # noqa: ARG002 - as Connects has it
        return cast("asyncpg.Connection", Connection(self, database))


class Connection:
    def __init__(self, server: Server, database: str) -> None:
        self.server = server
        self.database = database
        self.closed = False

    async def fetchrow(self, _query: str, *_arguments: Any) -> dict[str, int]:
        self.server.asked.append(self.database)
        if self.database in self.server.hung:
            await asyncio.Event().wait()
        return {"answer": 1}

    fetchval = fetchrow

    async def execute(self, _statement: str) -> None:
        """Begins and ends a transaction."""

    def terminate(self) -> None:
        self.server.ended.append(self.database)
        self.closed = True

    async def close(self, timeout: float) -> None:  # noqa: ARG002, ASYNC109 - as asyncpg has it
        self.closed = True

    def is_closed(self) -> bool:
        return self.closed

    def is_in_transaction(self) -> bool:
        return False


class Gate:
    """Moves at each question."""

    def __init__(self) -> None:
        self.asked = 0

    async def fetchval(self, _query: str) -> str:
        self.asked += 1
        return str(self.asked)

    async def fetchrow(self, _query: str) -> dict[str, int]:
        return {}

    async def add_listener(self, _channel: str, _heard: object) -> None:
        """Nobody says anything."""

    def terminate(self) -> None:
        """Nothing to end."""

    def get_server_version(self) -> asyncpg.ServerVersion:
        return asyncpg.ServerVersion(14, 0, 0, "final", 0)


@asynccontextmanager
async def watched(connections: Connections, *databases: str) -> AsyncIterator[Gate]:
    gate = Gate()

    async def connect() -> asyncpg.Connection:
        return cast("asyncpg.Connection", gate)

    def watch(name: str) -> LocalWatch:
        source = PolledSource(name, connections, lambda _: None)
        return LocalWatch(name, source, lambda _: None, in_turn=True)

    watcher = Watcher(
        connect=connect,
        wake=lambda _: None,
        local={name: watch(name) for name in databases},
        interval_seconds=0,
    )
    running = asyncio.create_task(watcher.run())
    try:
        yield gate
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def all_places_taken(connections: Connections, most: int) -> AsyncIterator[asyncio.Event]:
    """Until the event is set, by work at other databases."""
    done, inside = asyncio.Event(), 0

    async def work(number: int) -> None:
        nonlocal inside
        async with connections.use(f"busy{number}"):
            inside += 1
            await done.wait()

    async def is_full() -> bool:
        return inside == most

    async with asyncio.TaskGroup() as group:
        for number in range(most):
            group.create_task(work(number))
        await eventually(is_full)
        yield done
        done.set()


async def test_where_eight_of_twelve_hang_the_other_four_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def inspect(connection: Any, *_: object) -> Any:
        await connection.fetchrow("")
        return connection

    monkeypatch.setattr(reading, "inspect_database", inspect)
    monkeypatch.setattr(reading, "interest_of", lambda _: None)
    monkeypatch.setattr(Connection, "name", property(lambda self: self.database), raising=False)
    hung = tuple(f"a{number}" for number in range(8))
    healthy = ("z1", "z2", "z3", "z4")
    server = Server(*hung)
    observed, unread = await reading.read_databases(
        Connections(server),
        (*hung, *healthy),
        cast("Desired", None),
        cast("ObservedServer", None),
        seconds=SOON,
    )
    assert tuple(observed.databases) == healthy
    assert set(unread) == set(hung)
    assert "'a0' did not answer within 0.01 s" in unread["a0"]
    assert set(server.ended) == set(hung), "what hangs keeps no connection"


async def test_the_gate_is_asked_on_while_a_database_that_is_asked_in_turn_hangs() -> None:
    server = Server("hung")
    async with watched(Connections(server), "hung", "well") as gate:

        async def hangs() -> bool:
            return "hung" in server.asked

        await eventually(hangs)
        before, well = gate.asked, server.asked.count("well")

        async def goes_on() -> bool:
            return gate.asked > before + 100 and server.asked.count("well") > well + 10

        await eventually(goes_on)
        assert server.asked.count("hung") == 1


async def test_a_poll_that_waits_for_a_place_asks_for_no_pass_and_lets_work_go_first() -> None:
    server, hints = Server(), list[Hint]()
    connections = Connections(server, most=2)
    source = PolledSource("polled", connections, hints.append, answer_seconds=SOON)
    order: list[str] = []

    async def poll() -> None:
        await source.fetchrow("")
        order.append("poll")

    async def work() -> None:
        async with connections.use("worked"):
            order.append("work")
            await asyncio.sleep(0)

    async with all_places_taken(connections, 2) as done:
        polling = asyncio.create_task(poll())
        await asyncio.sleep(2 * SOON)
        working = [asyncio.create_task(work()) for _ in range(2)]
        await asyncio.sleep(0)
        assert not polling.done()
        done.set()
        await asyncio.gather(polling, *working)
    assert order[0] == "work"
    assert hints == []


async def test_a_poll_that_got_no_answer_asks_for_a_pass_once_there_is_one() -> None:
    server, hints = Server("mydb"), list[Hint]()
    source = PolledSource(
        "mydb", Connections(server), hints.append, answer_seconds=SOON, backoff=Backoff(0, 0)
    )
    with pytest.raises(DidNotAnswerError):
        await source.fetchrow("")
    server.hung.clear()
    pool = source._connections
    pool._places._clock = lambda: float("inf")  # later
    assert await source.fetchrow("")
    assert hints == [Full("asking mydb again")]


async def in_vain(places: Places, database: str, seconds: float = SOON) -> None:
    with pytest.raises(DidNotAnswerError):
        async with places.place(database, seconds):
            await asyncio.Event().wait()


def at(now: Callable[[], float], most: int = 8) -> Places:
    return Places(most, clock=now, backoff=lambda: Backoff(2.0, 30.0, chance=lambda: 1.0))


async def test_what_hung_is_left_alone_longer_each_time_and_begins_anew_when_it_answers() -> None:
    now = 0.0
    places = at(lambda: now)
    for wait in (2.0, 4.0, 8.0):
        await in_vain(places, "mydb")
        now += wait - 0.1
        with pytest.raises(DidNotAnswerError):
            async with places.place("mydb", SOON):
                pytest.fail("it is too soon")
        now += 0.2
    async with places.place("mydb", SOON) as turn:
        assert turn.is_trial
    async with places.place("mydb", SOON) as turn:
        assert not turn.is_trial


async def test_who_has_more_patience_than_was_in_vain_may_try_at_once() -> None:
    places = at(lambda: 0.0)
    await in_vain(places, "mydb")
    async with places.place("mydb", 60.0) as turn:
        assert turn.is_trial


async def test_one_trial_in_vain_ends_the_wait_of_the_others_and_healthy_ones_have_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, now = asyncio.get_running_loop(), 0.0
    time = loop.time
    places = at(lambda: now)
    hung = [f"hung{number}" for number in range(8)]
    await asyncio.gather(*(in_vain(places, name) for name in hung))
    now = 100.0
    trials = [asyncio.create_task(in_vain(places, name, 60.0)) for name in hung]
    await asyncio.sleep(0)
    for number in range(20):
        async with places.place(f"well{number}", 60.0):
            pass
    assert not any(trial.done() for trial in trials)
    monkeypatch.setattr(loop, "time", lambda: time() + 100.0)  # later
    await asyncio.gather(*trials)
    assert not places._had
    assert not any(places._waiting.values())


async def test_a_cancelled_wait_leaves_its_place_to_the_next() -> None:
    places = Places(1)
    async with places.place("first", 60.0):
        waiting = asyncio.create_task(in_vain(places, "second"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with places.place("third", 60.0):
        pass
    assert not places._had

"""Keys are worked on once, one worker at a time, and never forgotten."""

from __future__ import annotations

import asyncio
import math

import pytest

from controller.kube.queue import KeyedQueue
from shared.backoff import Backoff
from shared.errors import PostgRegentError
from tests.eventually import eventually


def quick() -> Backoff:
    return Backoff(first=0.001, longest=0.01)


async def test_a_key_added_often_is_worked_on_once() -> None:
    queue: KeyedQueue[str] = KeyedQueue()
    for key in "aba":
        queue.add(key)
    assert len(queue) == 2
    assert [await queue.take(), await queue.take()] == ["a", "b"]
    assert len(queue) == 0


async def test_a_key_added_while_worked_on_comes_again_and_only_then() -> None:
    queue: KeyedQueue[str] = KeyedQueue()
    queue.add("a")
    await queue.take()
    queue.add("a")
    queue.add("a")
    queue.add("b")
    assert await queue.take() == "b"
    queue.done("a")
    assert await queue.take() == "a"
    queue.done("a")
    assert len(queue) == 0


async def test_no_key_has_two_workers_at_a_time() -> None:
    """Whatever is added while four workers are busy, and nothing added goes unseen."""
    queue: KeyedQueue[int] = KeyedQueue()
    busy: set[int] = set()
    seen: dict[int, int] = {}
    wanted: dict[int, int] = {}

    async def handle(key: int) -> None:
        assert key not in busy
        busy.add(key)
        seen[key] = wanted[key]
        await asyncio.sleep(0)
        busy.discard(key)

    working = asyncio.create_task(queue.work(handle, workers=4))
    for turn in range(500):
        wanted[turn % 3] = turn
        queue.add(turn % 3)
        if turn % 7 == 0:
            await asyncio.sleep(0)

    async def all_seen() -> bool:
        return seen == wanted

    await eventually(all_seen)
    working.cancel()
    await asyncio.wait([working])


async def test_of_two_times_the_earlier_counts() -> None:
    queue: KeyedQueue[str] = KeyedQueue()
    queue.add_after("a", 3600)
    queue.add_after("a", 0.001)
    queue.add_after("a", 1800)
    assert await queue.take() == "a"
    assert queue._later == {}


async def test_never_is_no_time() -> None:
    queue: KeyedQueue[str] = KeyedQueue()
    queue.add_after("a", math.inf)
    assert queue._later == {}
    assert len(queue) == 0


async def test_a_time_that_has_come_already_is_now() -> None:
    queue: KeyedQueue[str] = KeyedQueue()
    queue.add_after("a", -1)
    assert await queue.take() == "a"


async def test_each_failure_of_a_key_waits_longer_until_it_succeeds() -> None:
    queue: KeyedQueue[str] = KeyedQueue(lambda: Backoff(first=1, longest=60, chance=lambda: 1.0))
    assert [queue.retry("a") for _ in range(3)] == [1, 2, 4]
    assert queue.retry("b") == 1
    queue.succeeded("a")
    assert queue.retry("a") == 1
    queue.forget("a")
    queue.forget("b")
    assert queue._later == {}


async def test_what_fails_is_retried_and_hides_no_other() -> None:
    queue: KeyedQueue[str] = KeyedQueue(quick)
    attempts: list[str] = []

    async def handle(key: str) -> None:
        attempts.append(key)
        if key == "bad" and attempts.count("bad") < 3:
            raise PostgRegentError

    queue.add("bad")
    queue.add("good")
    working = asyncio.create_task(queue.work(handle))

    async def done() -> bool:
        return attempts.count("bad") == 3

    await eventually(done)
    working.cancel()
    await asyncio.wait([working])
    assert attempts.count("good") == 1
    assert queue._backoffs == {}


async def test_a_handler_may_ask_to_look_again() -> None:
    queue: KeyedQueue[str] = KeyedQueue()
    looks: list[str] = []

    async def handle(key: str) -> float | None:
        looks.append(key)
        return 0.001 if len(looks) < 3 else None

    queue.add("a")
    working = asyncio.create_task(queue.work(handle))

    async def done() -> bool:
        return len(looks) == 3

    await eventually(done)
    working.cancel()
    await asyncio.wait([working])
    assert queue._later == {}


@pytest.mark.found("B20")
async def test_a_failure_that_is_not_ours_stops_no_other_key() -> None:
    queue: KeyedQueue[str] = KeyedQueue()
    handled: list[str] = []

    async def handle(key: str) -> None:
        handled.append(key)
        if key == "a":
            raise ZeroDivisionError

    queue.add("a")
    queue.add("b")
    working = asyncio.create_task(queue.work(handle))

    async def done() -> bool:
        return handled[:2] == ["a", "b"] and "a" in handled[2:]

    await eventually(done)
    working.cancel()
    await asyncio.wait([working])

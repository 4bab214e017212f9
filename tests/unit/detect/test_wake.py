"""Asking for a pass, and how often it may."""

from __future__ import annotations

import asyncio

import pytest

from regent.detect.wake import Allowance, Full, LocalEvents, SharedChanged, Wake


async def test_hints_of_one_moment_are_one_wake_and_equal_ones_are_one_hint() -> None:
    wake = Wake()
    wake.wake(LocalEvents("mydb"))
    wake.wake(SharedChanged(frozenset({"roles"})))
    wake.wake(LocalEvents("mydb"))
    wake.wake(SharedChanged(frozenset({"settings"})))
    assert await wake.wait() == (
        LocalEvents("mydb"),
        SharedChanged(frozenset({"roles", "settings"})),
    )


async def test_who_waits_is_woken_and_a_wake_is_not_given_twice() -> None:
    wake = Wake()
    waiting = asyncio.create_task(wake.wait())
    await asyncio.sleep(0)
    wake.wake(Full("asked"))
    assert await waiting == (Full("asked"),)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await wake.wait()


async def test_a_cancelled_wait_loses_no_hint() -> None:
    wake = Wake(burst=1, per_second=0.001)
    wake.wake(Full("first"))
    await wake.wait()
    wake.wake(Full("second"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await wake.wait()
    assert list(wake._hints) == [Full("second")]


@pytest.mark.fact("PG-EVENT-19")
def test_the_first_passes_go_at_once_and_a_flood_waits_for_its_turn() -> None:
    now = 0.0
    allowance = Allowance(burst=3, per_second=10, clock=lambda: now)
    assert [allowance.take() for _ in range(3)] == [0, 0, 0]
    assert allowance.take() == pytest.approx(0.1)
    now = 0.1
    assert allowance.take() == pytest.approx(0.1)
    now = 100.0
    assert allowance.take() == 0

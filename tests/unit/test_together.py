"""What runs together ends together, also when a task loses its cancellation."""

from __future__ import annotations

import asyncio

import pytest

from regent.together import end, run_together


async def stubborn(times: int) -> None:
    """Lose that many cancellations, as a driver does whose own error takes their place."""
    for _ in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    await asyncio.Event().wait()


async def failing() -> None:
    await asyncio.sleep(0)
    raise ValueError("the first to end")


@pytest.mark.found("B22a")
async def test_a_task_that_loses_its_cancellation_is_cancelled_again() -> None:
    task = asyncio.create_task(stubborn(3))
    await asyncio.sleep(0)
    await end([task], again_seconds=0.001)
    assert task.cancelled()


@pytest.mark.found("B22a")
async def test_what_the_first_one_raised_is_raised_once_all_have_ended() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await run_together((failing(), stubborn(0)))
    assert [str(one) for one in caught.value.exceptions] == ["the first to end"]

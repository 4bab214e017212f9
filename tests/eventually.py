"""Waiting for what is to come: order and outcome are asserted, never a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE_SECONDS = 120.0
QUIET_SECONDS = 1.5
"""What comes after what was waited for has come by then: statuses, counts of writes."""
One = TypeVar("One")


async def eventually(
    condition: Callable[[], Awaitable[bool]], *, within_seconds: float = PATIENCE_SECONDS
) -> None:
    """Return as soon as it is true; TimeoutError when it never becomes so."""
    async with asyncio.timeout(within_seconds):
        while not await condition():
            await asyncio.sleep(0.01)


async def settled(read: Callable[[], Awaitable[One]]) -> One:
    """What it says once it has said the same for a while; TimeoutError when it never does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        last, since = await read(), time.monotonic()
        while time.monotonic() < since + QUIET_SECONDS:
            await asyncio.sleep(0.05)
            if (now := await read()) != last:
                last, since = now, time.monotonic()
        return last

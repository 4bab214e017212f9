"""Waiting for what is to come: order and outcome are asserted, never a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE_SECONDS = 60.0


async def eventually(
    condition: Callable[[], Awaitable[bool]], *, within_seconds: float = PATIENCE_SECONDS
) -> None:
    """Return as soon as it is true; TimeoutError when it never becomes so."""
    async with asyncio.timeout(within_seconds):
        while not await condition():
            await asyncio.sleep(0.01)

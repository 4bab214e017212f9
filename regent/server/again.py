"""One loop for trying again what met somebody else; the caller says what passes by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg

from shared.backoff import Backoff


async def again(
    work: Callable[[], Awaitable[None]],
    *,
    attempts: int,
    waits: Backoff,
    passes_by: Callable[[asyncpg.PostgresError], bool],
) -> None:
    """Until it is done. Raises what does not pass by, and what the last of the attempts met."""
    for left in reversed(range(attempts)):
        try:
            await work()
        except asyncpg.PostgresError as error:
            if not left or not passes_by(error):
                raise
        else:
            return
        await asyncio.sleep(waits.after())

"""Tasks that run and end together, also when one of them loses its cancellation.

A cancellation is one exception that is raised once. A driver that raises "connection is closed"
while it cleans up, or a handler that catches too much, replaces it, and asyncio.TaskGroup waits for
that task for ever. So it is cancelled again until it has ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

CANCEL_AGAIN_SECONDS = 2.0


async def run_together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all of it until the first one ends; the others are cancelled then.

    Raises an ExceptionGroup with what they raised, as a TaskGroup does.
    """
    tasks = [asyncio.create_task(one) for one in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(tasks)
    errors = [e for task in tasks if not task.cancelled() and (e := task.exception())]
    if errors:
        raise BaseExceptionGroup("what ran together has ended", errors)


async def end(tasks: Iterable[asyncio.Task[None]], *, again_seconds: float | None = None) -> None:
    """Cancel these tasks until each has ended, however that was; raises nothing of theirs."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=again_seconds or CANCEL_AGAIN_SECONDS)

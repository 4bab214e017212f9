"""Long polls end when the Regent closes, so that a shutdown never waits for a reader's patience."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

AnswerT = TypeVar("AnswerT")


class LongPolls:
    """Whoever stops the server calls `close` first: uvicorn waits for open requests."""

    def __init__(self) -> None:
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End every poll now, and each later one at once."""
        self._closing.set()

    async def answer(self, poll: Coroutine[Any, Any, AnswerT]) -> AnswerT | None:
        """What the poll answers; None when the Regent closed first."""
        asked = asyncio.ensure_future(poll)
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait({asked, closing}, return_when=asyncio.FIRST_COMPLETED)
            return asked.result() if asked.done() else None
        finally:
            for task in (asked, closing):
                task.cancel()
            await asyncio.gather(asked, closing, return_exceptions=True)

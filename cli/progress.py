"""What is told on standard error while `apply` works, and when it is interrupted.

On a terminal one line that is written over each second; elsewhere a line after a second, and then
one every ten. What was applied when Ctrl-C came is said, since it stays.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TextIO

from regent.apply.result import ChangeResult

SECONDS, SECONDS_ELSEWHERE = 1, 10
ERASED = "\r\x1b[K"


@dataclass(slots=True)
class Progress:
    """Counts what is applied. `heed` is what `apply_once` tells it."""

    done: int = 0
    refused: int = 0
    planned: int = 0
    """Changes altogether, as far as is known: 0 while the server is being read."""

    def heed(self, results: Sequence[ChangeResult], of: int) -> None:
        """These were tried, of a plan of so many; with none a plan begins."""
        if not results:
            self.planned = self.done + self.refused + of
        self.done += sum(one.done for one in results)
        self.refused += sum(not one.done for one in results)

    @property
    def words(self) -> str:
        """What goes on."""
        if not self.planned:
            return "reading the server …"
        return f"applying … {self.done:,} of {self.planned:,} changes"

    @property
    def last_words(self) -> str:
        """What an interruption left behind."""
        if not self.planned:
            return "Interrupted before anything was applied."
        return (
            f"Interrupted: {self.done:,} of {self.planned:,} changes were applied and stay. Of what"
            " was under way each transaction is there whole or not at all. `postgregent plan` shows"
            " what is left."
        )

    @asynccontextmanager
    async def told(self, stream: TextIO | None = None) -> AsyncIterator[None]:
        """Tell of it while the block goes on, and at its interruption."""
        stream = stream or sys.stderr
        telling = asyncio.create_task(self._tell(stream))
        try:
            yield
        except asyncio.CancelledError:
            _end(telling, stream)
            stream.write(f"{self.last_words}\n")
            stream.flush()
            raise
        finally:
            _end(telling, stream)

    async def _tell(self, stream: TextIO) -> None:
        await asyncio.sleep(SECONDS)
        while True:
            if stream.isatty():
                stream.write(f"{ERASED}{self.words}")
            else:
                stream.write(f"{self.words}\n")
            stream.flush()
            await asyncio.sleep(SECONDS if stream.isatty() else SECONDS_ELSEWHERE)


def _end(telling: asyncio.Task[None], stream: TextIO) -> None:
    if telling.cancel() and stream.isatty():
        stream.write(ERASED)
        stream.flush()

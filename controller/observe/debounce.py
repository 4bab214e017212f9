"""What arrives within a short while is looked at together (rule 17).

Deletions are given longer: whoever deletes a directory sends one request after another, and a brake
that saw the first of them alone would believe it (rule 20; docs/adr/0013).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to gather, in seconds: until it has been quiet, at most so long after the first."""

    quiet: float
    longest: float


CHANGES = Patience(quiet=0.1, longest=1.0)
DELETIONS = Patience(quiet=1.0, longest=3.0)


class _Gathering:
    """When the first and the last of one sort came; None where none did."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._first: float | None = None
        self._last: float | None = None

    def add(self, now: float) -> None:
        if self._first is None:
            self._first = now
        self._last = now

    def take(self) -> None:
        self._first = self._last = None

    def due(self, now: float) -> float:
        """When there is nothing more to wait for; now where there is nothing at all."""
        if self._first is None or self._last is None:
            return now
        return min(self._last + self._patience.quiet, self._first + self._patience.longest)


class Quiet:
    """A signal that is answered after a moment without another one, or at the latest after some."""

    def __init__(
        self,
        changes: Patience = CHANGES,
        deletions: Patience = DELETIONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._signal = asyncio.Event()
        self._changes = _Gathering(changes)
        self._deletions = _Gathering(deletions)
        self._clock = clock
        self._planned: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        """Something may have changed."""
        self._gather(self._changes)

    def wake_for_deletion(self) -> None:
        """Something of ours is being deleted, and more of it may be."""
        self._gather(self._changes, self._deletions)

    def wake_after(self, seconds: float) -> None:
        """Look again then at the latest; of several such times the earliest counts.

        Whoever looks says anew when to look again.
        """
        loop = asyncio.get_running_loop()
        when = loop.time() + seconds
        if self._planned is not None:
            if self._planned.when() <= when:
                return
            self._planned.cancel()
        self._planned = loop.call_at(when, self._is_due)

    async def wait(self) -> None:
        """Until something changed and it has been quiet since."""
        await self._signal.wait()
        seconds = self.seconds_left()
        while seconds > 0:
            await asyncio.sleep(seconds)
            seconds = self.seconds_left()
        self._signal.clear()
        self._changes.take()
        self._deletions.take()

    def seconds_left(self) -> float:
        """For how long to go on gathering."""
        now = self._clock()
        return max(self._changes.due(now), self._deletions.due(now)) - now

    def _is_due(self) -> None:
        self._planned = None
        self.wake()

    def _gather(self, *sorts: _Gathering) -> None:
        now = self._clock()
        for sort in sorts:
            sort.add(now)
        self._signal.set()

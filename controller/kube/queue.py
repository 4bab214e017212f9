"""Keys to be worked on: each once however often it is added, and never by two workers at a time."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, NoReturn, TypeVar

from shared.backoff import Backoff
from shared.errors import PostgRegentError
from shared.logging import get_logger

log = get_logger(__name__)

K = TypeVar("K", bound=Hashable)


class KeyedQueue(Generic[K]):
    """A queue of one event loop.

    A key that is added while it is worked on comes once more when that work is done: what is added
    is "look again", so nothing that happened since the look is missed.
    """

    def __init__(self, backoff: Callable[[], Backoff] = Backoff) -> None:
        self._make_backoff = backoff
        self._waiting: deque[K] = deque()
        self._wanted: set[K] = set()
        self._worked_on: set[K] = set()
        self._later: dict[K, asyncio.TimerHandle] = {}
        self._backoffs: dict[K, Backoff] = {}
        self._something = asyncio.Event()

    def __len__(self) -> int:
        """How many keys wait for a worker, those of later not counted."""
        return len(self._wanted)

    def add(self, key: K) -> None:
        """As soon as a worker is free."""
        if key in self._wanted:
            return
        self._wanted.add(key)
        if key not in self._worked_on:
            self._offer(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Not before then; of several such times the earliest counts. At once is `add`."""
        if seconds <= 0:
            self.add(key)
            return
        if math.isinf(seconds):
            return
        loop = asyncio.get_running_loop()
        when = loop.time() + seconds
        if planned := self._later.get(key):
            if planned.when() <= when:
                return
            planned.cancel()
        self._later[key] = loop.call_at(when, self._is_due, key)

    def retry(self, key: K) -> float:
        """After a wait that doubles with each failure in a row; says how long."""
        seconds = self._backoffs.setdefault(key, self._make_backoff()).after(0.0)
        self.add_after(key, seconds)
        return seconds

    def succeeded(self, key: K) -> None:
        """The next failure of this key is a first one again."""
        self._backoffs.pop(key, None)

    def forget(self, key: K) -> None:
        """There is no such thing any more: neither a timer nor a backoff is kept."""
        self.succeeded(key)
        if planned := self._later.pop(key, None):
            planned.cancel()

    async def take(self) -> K:
        """The next key; it is this worker's alone until `done`."""
        while not self._waiting:
            self._something.clear()
            await self._something.wait()
        key = self._waiting.popleft()
        self._wanted.discard(key)
        self._worked_on.add(key)
        return key

    def done(self, key: K) -> None:
        """The worker's hands are off it."""
        self._worked_on.discard(key)
        if key in self._wanted:
            self._offer(key)

    async def work(
        self, handle: Callable[[K], Awaitable[float | None]], *, workers: int = 1
    ) -> None:
        """Workers for ever. `handle` may answer after how many seconds to look again.

        Failures are logged and retried, with their trace where they are not of our own kind: one
        key stops no other.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work(handle))

    async def _work(self, handle: Callable[[K], Awaitable[float | None]]) -> NoReturn:
        while True:
            key = await self.take()
            try:
                again = await handle(key)
            except PostgRegentError as problem:
                seconds = self.retry(key)
                said = {"key": str(key), "problem": str(problem), "after": seconds}
                log.warning("failed, to be retried", **said)
            except Exception:
                log.exception("failed, to be retried", key=str(key), after=self.retry(key))
            else:
                self.succeeded(key)
                if again is not None:
                    self.add_after(key, again)
            finally:
                self.done(key)

    def _offer(self, key: K) -> None:
        self._waiting.append(key)
        self._something.set()

    def _is_due(self, key: K) -> None:
        del self._later[key]
        self.add(key)

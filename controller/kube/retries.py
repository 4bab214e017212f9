"""What failed, and when each of it may be tried again: one failure makes no other wait. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from shared.backoff import Backoff

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 60.0
K = TypeVar("K", bound=Hashable)


@dataclass(slots=True)
class _Failing:
    due_at: float
    backoff: Backoff = field(repr=False)


class Retries(Generic[K]):
    """The wait of each key doubles with its failures, and begins anew after a long time without.

    What failed together is due together.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        first: float = FIRST_SECONDS,
        longest: float = LONGEST_SECONDS,
    ) -> None:
        self._clock = clock
        self._first = first
        self._longest = longest
        self._failing: dict[K, _Failing] = {}
        self._pending: set[K] = set()
        """What this round has not done."""

    def begin(self) -> None:
        """Another round, in which everything that is still wanted is asked for anew."""
        self._pending.clear()

    def is_due(self, key: K) -> bool:
        """Whether it may be tried now; where not, it waits to be."""
        failing = self._failing.get(key)
        if failing is None or self._clock() >= failing.due_at:
            return True
        self._pending.add(key)
        return False

    def is_failing(self, key: K) -> bool:
        """Whether it has failed since it succeeded last."""
        return key in self._failing

    def failed(self, key: K) -> None:
        """It is tried again after a while, twice as long as the last one."""
        self.damp(key)
        self._pending.add(key)

    def damp(self, key: K) -> None:
        """It is done; should it have to be done again, then not before a while."""
        now, failing = self._clock(), self._failing.get(key)
        if failing is None or now >= failing.due_at + self._longest:
            # No chance in it: it is one client, and what is due together costs one look.
            failing = _Failing(now, Backoff(self._first, self._longest, chance=_whole))
        self._failing[key] = _Failing(now + failing.backoff.after(), failing.backoff)

    def succeeded(self, key: K) -> None:
        """The next failure is a first one again."""
        self._failing.pop(key, None)
        self._pending.discard(key)

    def forget_except(self, kept: Container[K]) -> None:
        """What is not there any more needs no retry."""
        self._failing = {key: one for key, one in self._failing.items() if key in kept}

    def seconds_left(self) -> float | None:
        """Until the first that this round has not done may be tried; None where all is done."""
        failing = (one for key in self._pending if (one := self._failing.get(key)))
        due = min((one.due_at for one in failing), default=None)
        return None if due is None else max(0.0, due - self._clock())


def _whole() -> float:
    return 1.0

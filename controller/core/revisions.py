"""Revisions of what is pushed: they grow over restarts too, since they begin with the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import time


@dataclass(slots=True)
class Revisions:
    """Numbers that only grow."""

    last: int = 0
    clock: Callable[[], float] = field(default=time, repr=False)

    def next(self) -> int:
        """One more than the last, and not before now."""
        self.last = max(self.last + 1, int(self.clock() * 1000))
        return self.last

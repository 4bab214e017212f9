"""How long to wait before another try. Pure: chance and time are arguments."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
STABLE_SECONDS = 60.0


@dataclass(slots=True)
class Backoff:
    """Waits that double, each between half and all of its length: many do not march in step.

    What held for `stable` seconds begins anew.
    """

    first: float = FIRST_SECONDS
    longest: float = LONGEST_SECONDS
    stable: float = STABLE_SECONDS
    chance: Callable[[], float] = field(default=random.random, repr=False)
    failures: int = 0

    def after(self, lasted_seconds: float = 0.0) -> float:
        """The wait after something that lasted so long and then failed."""
        if lasted_seconds >= self.stable:
            self.failures = 0
        whole = min(self.first * float(1 << min(self.failures, 32)), self.longest)
        self.failures += 1
        return whole * (0.5 + self.chance() / 2)

    def succeeded(self) -> None:
        """The next failure is a first one again."""
        self.failures = 0

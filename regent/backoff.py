"""How long to wait before the next try: longer each time, and never the same for everybody."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST_SECONDS = 0.1
MOST_SECONDS = 10.0


class Backoff:
    """Doubles up to `most` seconds; each wait is between half and all of that."""

    def __init__(
        self,
        first: float = FIRST_SECONDS,
        most: float = MOST_SECONDS,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._first = first
        self._most = most
        self._chance = chance
        self._next = first

    def seconds(self) -> float:
        """The next wait."""
        wait, self._next = self._next, min(self._most, self._next * 2)
        return wait * (0.5 + self._chance() / 2)

    def reset(self) -> None:
        """It worked: begin with the shortest wait again."""
        self._next = self._first

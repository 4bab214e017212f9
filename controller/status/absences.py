"""Which Regents have been away for so long that what they said last is not seen any more.

A green light means seen (rule 29). A Regent that starts again is away for seconds, and its
thousands of resources are not worth two writes each: so they wait for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from shared.keys import ResourceKey

PATIENCE_SECONDS = 30.0


class Absences:
    """`away` are the Regents of which nothing has been seen for long."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.away: frozenset[ResourceKey] = frozenset()
        self._clock = clock
        self._since: dict[ResourceKey, float] = {}

    def look(self, seen: Mapping[ResourceKey, bool]) -> float | None:
        """Whether each Regent is seen now. After how many seconds to look again."""
        now = self._clock()
        unseen = [key for key, is_seen in seen.items() if not is_seen]
        self._since = {key: self._since.get(key, now) for key in unseen}
        left = {key: since + PATIENCE_SECONDS - now for key, since in self._since.items()}
        self.away = frozenset(key for key, seconds in left.items() if seconds <= 0)
        return min((seconds for seconds in left.values() if seconds > 0), default=None)

    def is_news(self, regent: ResourceKey, *, is_seen: bool) -> bool:
        """Whether the last look has not heard of this yet."""
        return is_seen == (regent in self._since)

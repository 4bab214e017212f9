"""When the API server was last put back, by what all informers of this process see of it.

Each of them sees one restore at another moment, or never: a server that has counted past an
informer's version goes on with its watch, and leaves out whatever the restore has changed. So the
first that sees a restore has all of them list again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from controller.kube.informer import WentBack


def now_ms() -> int:
    """The wall clock, in milliseconds: what several processes compare."""
    return time.time_ns() // 1_000_000


class Restores:
    """What is known of restores. `list_again` is called for each new one, once."""

    def __init__(
        self, list_again: Callable[[], None], clock_ms: Callable[[], int] = now_ms
    ) -> None:
        self.last = 0
        """When the last one was first seen, in milliseconds since 1970; 0 for never."""
        self._list_again = list_again
        self._clock_ms = clock_ms
        self._seen_at = float("-inf")
        """The same, by the steady clock of `WentBack`: the wall clock may be put back as well."""

    def note(self, seen: WentBack) -> None:
        """An informer saw that the server went back.

        Who had heard nothing since the restore that is known sees the same one later.
        """
        if seen.heard_at < self._seen_at:
            return
        self._seen_at = seen.seen_at
        self.last = self._clock_ms()
        self._list_again()

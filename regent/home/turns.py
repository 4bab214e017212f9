"""Whose turn it is at a database that another Regent served a moment ago. Reads a clock only.

A Regent that is restarted lets go of its lock for some seconds. Whoever waits for it, such as a
second Regent of the same database that was declared by mistake, would have the database for good.
So one that has seen the lock of a database in another one's hands takes it only when nobody has
held it for a while.

The lock of its own name is at first its predecessor's, which is to be followed at once. Whoever
still has it when the server would have ended the session of a predecessor is a twin: another
process of the same name, such as that of a second release of the chart.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from regent.home.locks import LockHeld

RETURN_SECONDS = 30.0
"""A process is started anew in less, and tries again every ten seconds at the latest."""
PREDECESSOR_SECONDS = 40.0
"""The server ends the session of a predecessor that is cut off after 25 s."""


class Turn:
    """What one process has seen of the locks that it waits for."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._held: LockHeld | None = None
        self._seen_at = 0.0
        self._own_since: float | None = None
        """Since when another process has had the lock of our own name."""

    def note(self, held: LockHeld) -> None:
        """A lock was refused."""
        now = self._clock()
        if held.is_of_a_regent:
            self._own_since = now if self._own_since is None else self._own_since
            if now - self._own_since < PREDECESSOR_SECONDS:
                return
        self._held, self._seen_at = held, now

    def require(self) -> None:
        """Raise LockHeld while who held a database may still come back."""
        left = RETURN_SECONDS - (self._clock() - self._seen_at)
        if self._held is not None and left > 0:
            raise self._held.just_over(left)
        self._own_since = None

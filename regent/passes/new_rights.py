"""How often other rights of the admin let what was refused be asked again: once a minute (rule 21).

Whoever administers any group makes the admin a member of it and takes that back, as often as he
likes; each time all that the server refuses would be sent to it again.
"""

from __future__ import annotations

EVERY_SECONDS = 60.0


class NewRights:
    """Of one process. The first time is at once."""

    def __init__(self) -> None:
        self._last: float | None = None

    def seconds(self, now: float) -> float:
        """How long to wait still; with 0 it is asked now, and counts."""
        if self._last is not None and now - self._last < EVERY_SECONDS:
            return self._last + EVERY_SECONDS - now
        self._last = now
        return 0.0

"""What this Regent has to say, and who waits to hear it.

`sequence` grows when something other than a time changed (rule 29), so a long poll returns for
news and never for a heartbeat. Each process begins it with a number of its own: who waited for
news of the one before is answered at once.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import TypeVar

from shared.http import NO_CONNECTION, DetectorBody, StatusBody, TroubleBody

T = TypeVar("T")
FIRST_BELOW = 2**40
"""So many that no two processes begin alike, and a number that every JSON reader keeps whole."""
STARTING = TroubleBody(reason="Starting", message="It is not connected to its server yet.")
NOT_CONNECTED = TroubleBody(reason=NO_CONNECTION, message="It is not connected to its server.")
"""Until the trouble has a name, and of a process that ends."""


class Board:
    """The latest status, and a bell."""

    def __init__(self) -> None:
        self._status = StatusBody(
            sequence=1 + secrets.randbelow(FIRST_BELOW),
            detector=DetectorBody(mode="None", healthy=False, message="Not connected yet"),
            trouble=STARTING,
        )
        self.last_drift = 0
        """The id of the newest drift in the history, as far as this process recorded it."""
        self.applied_origin = ""
        """Whose count the revision is that was in force last."""
        self._news = asyncio.Event()
        self._is_closed = False

    @property
    def status(self) -> StatusBody:
        """The latest word."""
        return self._status

    def say(self, **changes: object) -> None:
        """Change what is said, and ring when it differs in more than a time."""
        updated = self._status.model_copy(update=changes)
        is_news = _timeless(updated) != _timeless(self._status)
        if is_news:
            updated = updated.model_copy(update={"sequence": self._status.sequence + 1})
        self._status = updated
        if is_news:
            self.ring()

    def connected(self, accepted_revision: int | None, accepted_etag: str = "") -> None:
        """The lock is held; what holds on the server is said by the first pass."""
        self.say(
            observing="",
            restraint="",
            trouble=None,
            looked=False,
            accepted_revision=accepted_revision,
            accepted_etag=accepted_etag,
        )

    def disconnected(self, trouble: TroubleBody | None = None) -> None:
        """What was seen of the server is not known to hold any more."""
        why = trouble or self._status.trouble or NOT_CONNECTED
        self.say(
            detector=DetectorBody(mode="None", healthy=False, message="Not connected"),
            outstanding_drift=None,
            looked=False,
            trouble=why,
            observing=why.message,
            restraint="",
        )

    def ring(self) -> None:
        """Wake everybody who waits; each looks for itself whether its news is there."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    def close(self) -> None:
        """End every wait: the Regent is going down."""
        self._is_closed = True
        self.ring()

    async def wait_for(self, look: Callable[[], T | None], wait_seconds: float) -> T | None:
        """What `look` finds, as soon as it finds it; None when the time is over."""
        deadline = asyncio.get_running_loop().time() + wait_seconds
        while (found := look()) is None and not self._is_closed:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return None
            try:
                async with asyncio.timeout(left):
                    await self._news.wait()
            except TimeoutError:
                return look()
        return found


def _timeless(status: StatusBody) -> StatusBody:
    return status.model_copy(update={"last_pass_time": None, "sequence": 0})

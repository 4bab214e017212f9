"""When the next pass is due though nobody asks for one: confirmation, retry, resync, an expiry.

All but an expiry are reckoned by a clock that never jumps: a wall clock that is set back an hour
would have whatever failed wait for that hour.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from time import monotonic

from regent.passes.one_pass import Pass
from shared.backoff import Backoff
from shared.resources.regent import DEFAULT_RESYNC_SECONDS

FIRST_RETRY_SECONDS = 0.5
CONFIRM_AFTER_SECONDS = 1.0
CONFIRM_AT_LATEST_SECONDS = 10.0
"""A full pass looks again once it has been quiet that long, and at the latest after this."""


class Agenda:
    """The times at which one Regent looks again by itself."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = partial(datetime.now, UTC),
        monotonic: Callable[[], float] = monotonic,
    ) -> None:
        """The clocks are arguments for tests."""
        self._now, self._monotonic = now, monotonic
        self._retries = Backoff(FIRST_RETRY_SECONDS, DEFAULT_RESYNC_SECONDS)
        self._confirm_at: float | None = None
        self._unconfirmed_since: float | None = None
        self._retry_at: float | None = None
        self._resync_at: float | None = None
        self._falls_due_at: datetime | None = None
        self.repair_at: float | None = None
        """When a detector that is damaged again and again is repaired next, by `monotonic`."""

    def seconds(self) -> float | None:
        """Until the first of them; None when there is none."""
        times = (self._confirm_at, self._retry_at, self._resync_at, self.repair_at)
        due = [at - self._monotonic() for at in times if at is not None]
        if self._falls_due_at is not None:
            due.append((self._falls_due_at - self._now()).total_seconds())
        return max(0.0, min(due)) if due else None

    def begin(self) -> None:
        """A full pass begins: it does what was to be confirmed, tried again or looked at."""
        self._confirm_at = self._unconfirmed_since = None
        self._retry_at = self._falls_due_at = self._resync_at = None

    def after(self, one: Pass, resync_seconds: int | None) -> None:
        """What a full pass leaves to come. What was refused is asked again, later each time.

        What others did while it worked is next: their events woke this pass, and wake no other.
        """
        self._falls_due_at = one.next_due
        self._retry_at = None
        if one.is_overtaken:
            self._retry_at = self._monotonic()
        elif one.is_open:
            self.retry()
        else:
            self._retries.succeeded()
        self._resync_at = self._monotonic() + (resync_seconds or DEFAULT_RESYNC_SECONDS)

    def within(self, seconds: float) -> None:
        """At the latest after so long."""
        at = self._monotonic() + seconds
        self._resync_at = at if self._resync_at is None else min(at, self._resync_at)

    def retry(self) -> None:
        """Soon, and later each time (rule 21)."""
        self._retry_at = self._monotonic() + self._retries.after()

    def confirm(self) -> None:
        """A targeted pass was enough for now; a full one has the last word."""
        now = self._monotonic()
        if self._unconfirmed_since is None:
            self._unconfirmed_since = now
        self._confirm_at = min(
            now + CONFIRM_AFTER_SECONDS, self._unconfirmed_since + CONFIRM_AT_LATEST_SECONDS
        )

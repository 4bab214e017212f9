"""When the next pass is due though nobody asks for one: confirmation, retry, resync, an expiry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from regent.passes.one_pass import Pass
from shared.backoff import Backoff
from shared.resources.regent import DEFAULT_RESYNC_SECONDS

FIRST_RETRY_SECONDS = 0.5
CONFIRM_AFTER = timedelta(seconds=1)
CONFIRM_AT_LATEST = timedelta(seconds=10)
"""A full pass looks again once it has been quiet that long, and at the latest after this."""


class Agenda:
    """The times at which one Regent looks again by itself."""

    def __init__(self) -> None:
        self._retries = Backoff(FIRST_RETRY_SECONDS, DEFAULT_RESYNC_SECONDS)
        self._confirm_at: datetime | None = None
        self._unconfirmed_since: datetime | None = None
        self._retry_at: datetime | None = None
        self._resync_at: datetime | None = None
        self._falls_due_at: datetime | None = None
        self.repair_at: datetime | None = None
        """When a detector that is damaged again and again is repaired next."""

    def seconds(self) -> float | None:
        """Until the first of them; None when there is none."""
        times = (
            self._confirm_at,
            self._retry_at,
            self._resync_at,
            self._falls_due_at,
            self.repair_at,
        )
        due = [at for at in times if at is not None]
        if not due:
            return None
        return max(0.0, (min(due) - datetime.now(UTC)).total_seconds())

    def begin(self) -> None:
        """A full pass begins: it does what was to be confirmed, tried again or looked at."""
        self._confirm_at = self._unconfirmed_since = None
        self._retry_at = self._falls_due_at = self._resync_at = None

    def after(self, one: Pass, resync_seconds: int | None) -> None:
        """What a full pass leaves to come. What was refused is asked again, later each time."""
        self._falls_due_at = one.next_due
        self._retry_at = None
        if one.is_open:
            self.retry()
        else:
            self._retries.succeeded()
        seconds = resync_seconds or DEFAULT_RESYNC_SECONDS
        self._resync_at = datetime.now(UTC) + timedelta(seconds=seconds)

    def retry(self) -> None:
        """Soon, and later each time (rule 21)."""
        self._retry_at = datetime.now(UTC) + timedelta(seconds=self._retries.after())

    def confirm(self) -> None:
        """A targeted pass was enough for now; a full one has the last word."""
        now = datetime.now(UTC)
        self._unconfirmed_since = self._unconfirmed_since or now
        self._confirm_at = min(now + CONFIRM_AFTER, self._unconfirmed_since + CONFIRM_AT_LATEST)

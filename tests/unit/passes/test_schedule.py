"""When a Regent looks again by itself, whatever its machine's clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from regent.passes.schedule import CONFIRM_AFTER_SECONDS, FIRST_RETRY_SECONDS, Agenda


class Clocks:
    """The calendar, which is set back, and the time since the start, which is not."""

    def __init__(self) -> None:
        self.today = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
        self.passed = 100.0

    def now(self) -> datetime:
        return self.today

    def monotonic(self) -> float:
        return self.passed


@pytest.mark.found("E114")
def test_a_clock_that_is_set_back_keeps_nothing_waiting() -> None:
    """What had failed waited for an hour and half a second."""
    clocks = Clocks()
    agenda = Agenda(now=clocks.now, monotonic=clocks.monotonic)
    assert agenda.seconds() is None
    agenda.confirm()
    clocks.today -= timedelta(hours=1)
    due = agenda.seconds()
    assert due is not None
    assert due <= CONFIRM_AFTER_SECONDS
    agenda.begin()
    agenda.retry()
    clocks.today -= timedelta(hours=1)
    due = agenda.seconds()
    assert due is not None
    assert due <= FIRST_RETRY_SECONDS
    clocks.passed += due
    assert agenda.seconds() == 0

"""How long a drift was in force is said only where it is known (rule 30)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.drift_text import outcome
from shared.outcomes import Actor, Drift

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)

pytestmark = [pytest.mark.rule("30"), pytest.mark.found("E523")]


def drift(happened_at: datetime | None) -> Drift:
    return Drift(
        regent="default/my-regent",
        what="revoke DELETE",
        correction="revoked",
        happened_at=happened_at,
        found_at=NOON,
        corrected_at=NOON + timedelta(milliseconds=4),
        actor=Actor(certainty="Unknown"),
    )


def test_what_nobody_knows_the_time_of_is_counted_from_when_it_was_found() -> None:
    assert outcome(drift(None)) == "revoked 4.0 ms after it was found; since when is not known"


def test_what_was_recorded_is_counted_from_then() -> None:
    assert outcome(drift(NOON - timedelta(milliseconds=5))) == "revoked 9.0 ms later"

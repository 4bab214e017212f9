"""A Role that comes before its Regent waits for a while, and is a mistake only then."""

from __future__ import annotations

import pytest

from controller.observe.grace import PATIENCE_SECONDS, Arrivals
from shared.keys import ResourceKey
from shared.outcomes import Outcome, State
from tests.unit.cluster.objects import raw

pytestmark = pytest.mark.rule("29")
KEY = ResourceKey("Role", "default", "viewer")
SPEC = {"database": "mydb"}
STALLED = {
    "observedGeneration": 1,
    "conditions": [
        {"type": "Ready", "status": "False", "reason": "NoRegent"},
        {"type": "Stalled", "status": "True", "reason": "NoRegent"},
    ],
}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def lost(reason: str = "NoRegent") -> dict[ResourceKey, Outcome]:
    return {KEY: Outcome(resource=str(KEY), state="Stalled", reason=reason, message="No Regent.")}


def said(arrivals: Arrivals, found: dict[str, object], reason: str = "NoRegent") -> State:
    return arrivals.judged(lost(reason), {KEY: found})[KEY].state


def test_it_waits_for_a_minute_and_no_longer() -> None:
    clock = Clock()
    arrivals, role = Arrivals(clock), raw("Role", "viewer", SPEC)
    assert said(arrivals, role) == "Reconciling"
    assert arrivals.next_due_seconds == PATIENCE_SECONDS
    clock.now += PATIENCE_SECONDS - 1
    assert said(arrivals, role) == "Reconciling"
    assert arrivals.next_due_seconds == 1
    clock.now += 1
    assert said(arrivals, role) == "Stalled"
    assert arrivals.next_due_seconds is None


def test_a_changed_resource_waits_anew() -> None:
    clock = Clock()
    arrivals = Arrivals(clock)
    said(arrivals, raw("Role", "viewer", SPEC))
    clock.now += PATIENCE_SECONDS
    assert said(arrivals, raw("Role", "viewer", SPEC, generation=2)) == "Reconciling"


def test_what_was_told_to_be_stalled_stays_so_over_a_restart() -> None:
    told = {**raw("Role", "viewer", SPEC), "status": STALLED}
    assert said(Arrivals(Clock()), told) == "Stalled"


def test_other_mistakes_are_told_at_once() -> None:
    assert said(Arrivals(Clock()), raw("Role", "viewer", SPEC), "AmbiguousRegent") == "Stalled"

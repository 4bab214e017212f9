"""Waits grow, stay bounded, differ, and begin anew after something that held."""

from __future__ import annotations

from shared.backoff import Backoff


def test_waits_double_up_to_the_longest() -> None:
    """With chance at its highest."""
    backoff = Backoff(first=1, longest=8, chance=lambda: 1.0)
    assert [backoff.after(0) for _ in range(5)] == [1, 2, 4, 8, 8]


def test_chance_takes_up_to_half_away() -> None:
    """So that many that failed together do not try again together."""
    assert Backoff(first=1, chance=lambda: 0.0).after(0) == 0.5


def test_what_held_for_a_while_begins_anew() -> None:
    """A process that crashes once a day waits as briefly each time."""
    backoff = Backoff(first=1, stable=60, chance=lambda: 1.0)
    assert [backoff.after(0), backoff.after(59), backoff.after(60)] == [1, 2, 1]


def test_very_many_failures_overflow_nothing() -> None:
    """The exponent is bounded, too."""
    backoff = Backoff(first=1, longest=30, chance=lambda: 1.0, failures=10_000)
    assert backoff.after(0) == 30

"""What is looked at together, and for how long more of it is waited for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from controller.observe.debounce import Patience, Quiet

CHANGES = Patience(quiet=1, longest=10)
DELETIONS = Patience(quiet=10, longest=30)
Act = Callable[[Quiet], None]


def left(*acts: tuple[float, Act], now: float) -> float:
    """For how long to go on gathering, after each act at its time."""
    times = iter([*(at for at, _ in acts), now])
    quiet = Quiet(CHANGES, DELETIONS, clock=lambda: next(times))
    for _, act in acts:
        act(quiet)
    return quiet.seconds_left()


@pytest.mark.rule("17")
def test_a_change_waits_for_a_quiet_moment_and_no_longer_than_that() -> None:
    assert left(now=5) == 0
    assert left((5, Quiet.wake), now=5) == 1
    assert left((5, Quiet.wake), now=6) == 0
    assert left((5, Quiet.wake), (5.5, Quiet.wake), now=6) == 0.5
    assert left(*((at, Quiet.wake) for at in range(5, 15)), now=14.5) == 0.5


@pytest.mark.rule("20")
def test_a_deletion_waits_for_those_that_come_after_it() -> None:
    one, other = (5, Quiet.wake_for_deletion), (13, Quiet.wake_for_deletion)
    assert left(one, now=6) == 9
    assert left(one, other, now=15) == 8
    assert left(*((at, Quiet.wake_for_deletion) for at in range(5, 34, 4)), now=34) == 1


@pytest.mark.rule("20")
def test_what_changes_beside_it_makes_no_deletion_wait_longer() -> None:
    assert left((5, Quiet.wake_for_deletion), (13, Quiet.wake), now=14) == 1

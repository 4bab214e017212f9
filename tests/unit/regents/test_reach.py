"""When a deleted resource's access has ended on a Regent, as the fleet sees it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from controller.regents.acquaintance import Acquaintance
from controller.regents.client import RegentClient
from controller.regents.conversation import RegentLink
from controller.regents.fleet import Fleet, Served
from controller.regents.reach import Reach
from shared.http import DetectorBody, StatusBody, TakeoverBody, TroubleBody
from shared.outcomes import Outcome
from tests.unit.cluster.one_look import FakeLink, regent, user

REGENT, USER = regent("default"), user("default")


def reach(
    *,
    says: str = "",
    accepted: int = 3,
    applied: int = 3,
    pushed: int = 3,
    lists: frozenset[str] = frozenset(),
    **what: Any,
) -> Reach:
    """Of the end of USER, which the Regent lists no more; `says` is what it says of it still."""
    outcomes = [
        Outcome(resource=str(USER), generation=1, state="Reconciling", reason=says, message="why")
    ]
    status = StatusBody(
        sequence=1,
        accepted_revision=accepted,
        applied_revision=applied,
        resources=tuple(outcomes) if says else (),
        detector=DetectorBody(mode="Triggers", healthy=True),
        **{"looked": True, **what},
    )
    known = Acquaintance(None, lists, {})
    link = FakeLink(lambda _: None, known, pushed_revision=pushed)
    fleet = Fleet(lambda *_: None)
    served = Served(cast(RegentClient, None), cast(RegentLink, link), "", status=status)
    fleet._served[REGENT] = served
    return fleet.reach(REGENT, USER, "user")


@pytest.mark.rule("27")
def test_an_end_that_a_pass_has_seen_is_one() -> None:
    assert reach().is_ended


@pytest.mark.rule("27")
def test_access_that_goes_on_is_no_end_though_the_pass_is_done() -> None:
    """A deleted User's role that still has sessions: its finalizer waits."""
    assert not reach(says="AccessGoesOn").is_ended


@pytest.mark.rule("27")
def test_a_pass_over_an_older_push_is_no_end() -> None:
    assert not reach(applied=2).is_ended
    assert not reach(pushed=4).is_ended


@pytest.mark.rule("27")
@pytest.mark.found("E46", "E47")
def test_a_pass_that_only_looked_ends_nothing() -> None:
    """Its revision is as good as that of one that wrote."""
    observing = reach(observing="It only looks.", restraint="Observing")
    assert (observing.is_ended, observing.restraint) == (False, "Observing")
    assert reach(observing="It only looks.", restraint="Observing", pushed=4).restraint == ""
    needed = TakeoverBody(needed=True, token="t", message="Another server.")
    refused = reach(lists=frozenset({str(USER)}), takeover=needed)
    assert (refused.is_told, refused.restraint) == (False, "TakeoverNeeded")
    failed = reach(observing="The last pass failed.", restraint="LookFailed")
    assert (failed.is_ended, failed.restraint) == (False, "")
    assert not reach(looked=False).is_ended


@pytest.mark.found("E194")
def test_a_regent_whose_database_another_one_serves_says_so() -> None:
    """As one of two releases of the chart: the other one may be carrying out the end."""
    held = TroubleBody(reason="LockHeld", message="held")
    assert reach(trouble=held).is_served_by_another
    assert not reach(trouble=TroubleBody(reason="NotReady", message="no")).is_served_by_another
    assert not reach().is_served_by_another

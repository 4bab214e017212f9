"""When a deleted resource may go."""

from __future__ import annotations

from typing import Any

import pytest

from controller.lifecycle.finalizers import (
    FINALIZER,
    Release,
    holding,
    is_held,
    is_retained,
    letting_go,
    release,
    release_regent,
    role_of,
)
from controller.regents.reach import Reach, has_passed, is_unmarked, withholds
from shared.http import BrakeBody, DetectorBody, LossBody, StatusBody
from shared.keys import ResourceKey
from shared.outcomes import Outcome
from tests.unit.cluster.objects import raw

ENDED = Reach(is_told=True, is_passed=True)
TOLD = Reach(is_told=True)
AWAY = Reach(unreachable_seconds=15.0)
JUST_AWAY = Reach(unreachable_seconds=14.9)
LOOKS = Reach(is_told=True, restraint="Observing")
STANDBY = Reach(is_told=True, is_passed=True, restraint="InRecovery")
REFUSES = Reach(restraint="TakeoverNeeded")

pytestmark = pytest.mark.rule("27")


@pytest.mark.parametrize(
    ("waited", "reaches", "reason"),
    [
        (0.0, [], Release.NO_REGENT),
        (0.0, [ENDED], Release.ENDED),
        (0.0, [ENDED, TOLD], None),
        (0.0, [Reach(is_told=True, is_passed=True, is_braked=True)], Release.WITHHELD),
        (0.0, [Reach(is_braked=True)], None),
        (0.0, [Reach(is_told=True, is_passed=True, is_unapproved=True)], Release.UNAPPROVED),
        (0.0, [Reach(is_unapproved=True)], None),
        (0.0, [Reach(is_told=True, restraint="AwaitingApproval")], Release.UNAPPROVED),
        (0.0, [JUST_AWAY], None),
        (0.0, [AWAY], Release.UNREACHABLE),
        (0.0, [ENDED, AWAY], Release.UNREACHABLE),
        (44.0, [TOLD, AWAY], None),
        (45.0, [TOLD, AWAY], Release.TIMED_OUT),
        (45.0, [JUST_AWAY], Release.TIMED_OUT),
    ],
)
def test_a_finalizer_goes_when_access_has_ended_or_waiting_is_in_vain(
    waited: float, reaches: list[Reach], reason: Release | None
) -> None:
    assert release(waited, reaches) is reason


@pytest.mark.rule("28")
@pytest.mark.parametrize(
    ("waited", "unreachable", "has_work", "is_uninstalled", "reason"),
    [
        (0.0, 0.0, False, False, None),
        (0.0, 0.0, False, True, Release.ENDED),
        (0.0, 0.0, True, True, None),
        (10.0, 15.0, False, False, Release.UNREACHABLE),
        (10.0, 15.0, True, False, None),
        (45.0, 0.0, True, False, Release.TIMED_OUT),
    ],
)
def test_a_regent_lets_deletions_finish_and_uninstalls_within_bounds(
    waited: float,
    unreachable: float,
    has_work: bool,
    is_uninstalled: bool,
    reason: Release | None,
) -> None:
    found = release_regent(waited, unreachable, has_work=has_work, is_uninstalled=is_uninstalled)
    assert found is reason


@pytest.mark.found("E46", "E47")
@pytest.mark.parametrize(
    ("waited", "reaches", "reason"),
    [
        (0.0, [LOOKS], Release.OBSERVING),
        (0.0, [ENDED, LOOKS], Release.OBSERVING),
        (0.0, [LOOKS, AWAY], Release.OBSERVING),
        (0.0, [LOOKS, TOLD], None),
        (0.0, [STANDBY], Release.IN_RECOVERY),
        (14.9, [REFUSES], None),
        (15.0, [REFUSES], Release.TAKEOVER),
        (0.0, [Reach(is_told=True, restraint="Unheard")], Release.OBSERVING),
        (0.0, [Reach(unreachable_seconds=15.0, restraint="Observing")], Release.UNREACHABLE),
        (14.9, [Reach(unreachable_seconds=99.0, is_served_by_another=True)], None),
        (15.0, [Reach(unreachable_seconds=99.0, is_served_by_another=True)], Release.UNREACHABLE),
    ],
)
def test_a_look_is_no_deed(waited: float, reaches: list[Reach], reason: Release | None) -> None:
    """A Regent that writes nothing has ended nobody's access, whatever it has seen."""
    assert release(waited, reaches) is reason


UNMARKED = Reach(is_told=True, is_unmarked=True)
SAID = Outcome(
    resource="User/default/eve", state="Stalled", reason="ExistsUnmanaged", message="It logs in."
)


@pytest.mark.found("E283")
@pytest.mark.parametrize(
    ("reaches", "reason"),
    [
        ([UNMARKED], Release.UNMARKED),
        ([ENDED, UNMARKED], Release.UNMARKED),
        ([TOLD, UNMARKED], None),
        ([Reach(is_told=True, is_unmarked=True, restraint="Observing")], Release.OBSERVING),
    ],
)
def test_a_role_without_our_mark_is_not_told_as_ended(
    reaches: list[Reach], reason: Release | None
) -> None:
    assert release(0.0, reaches) is reason


@pytest.mark.found("E283")
@pytest.mark.parametrize(
    ("revision", "more", "is_so"),
    [(2, {}, True), (3, {}, False), (2, {"observing": "It looks."}, False)],
    ids=["seen", "seen before the push", "only looked"],
)
def test_that_it_is_unmarked_is_what_a_pass_has_seen_with_the_push_in_force(
    revision: int, more: dict[str, Any], *, is_so: bool
) -> None:
    status = StatusBody(
        sequence=1, looked=True, accepted_revision=2, applied_revision=2, resources=(SAID,),
        detector=DetectorBody(mode="Triggers", healthy=True), **more,
    )  # fmt: skip
    eve, bob = (ResourceKey("User", "default", name) for name in ("eve", "bob"))
    assert is_unmarked(status, eve, revision) is is_so
    assert not is_unmarked(status, bob, revision)
    assert not has_passed(status, eve, revision)


def test_what_is_to_be_left_as_it_is_is_not_told_as_ended() -> None:
    assert release(0.0, [ENDED], retained=True) is Release.RETAINED
    assert release(0.0, [LOOKS], retained=True) is Release.RETAINED
    assert release(0.0, [TOLD], retained=True) is None
    assert is_retained(raw("User", "a", {"deletionPolicy": "Retain"}))
    assert not is_retained(raw("User", "a", {"deletionPolicy": "Delete"}))
    assert not is_retained({"metadata": {}})


def test_other_finalizers_are_left_alone_and_another_version_is_refused() -> None:
    found = raw("Role", "a", {}, finalizers=["other/one"])
    assert not is_held(found)
    put = holding(found)
    assert put["metadata"]["finalizers"] == ["other/one", FINALIZER]
    assert put["metadata"]["resourceVersion"] == "7"
    held = raw("Role", "a", {}, finalizers=["other/one", FINALIZER])
    assert is_held(held)
    assert letting_go(held)["metadata"]["finalizers"] == ["other/one"]


LOSSES = (LossBody(role="viewer", kind="ROLE", privilege="EXISTS"),)


@pytest.mark.rule("20")
@pytest.mark.parametrize(
    ("brake", "is_withheld"),
    [
        (BrakeBody(), {"viewer": False, "intern": False}),
        (BrakeBody(pulled=True, loss_count=1, losses=LOSSES), {"viewer": True, "intern": False}),
        (BrakeBody(pulled=True, loss_count=51, losses=LOSSES), {"viewer": True, "intern": True}),
    ],
    ids=["not pulled", "all are told", "more than are told"],
)
def test_an_end_is_withheld_where_something_of_that_role_is(
    brake: BrakeBody, is_withheld: dict[str, bool]
) -> None:
    assert {role: withholds(brake, role) for role in is_withheld} == is_withheld


@pytest.mark.rule("7")
def test_the_role_of_a_deleted_resource_is_its_own_name_or_the_one_it_says() -> None:
    user, role = (ResourceKey(kind, "default", "a") for kind in ("User", "Role"))
    assert role_of(user, raw("User", "a", {"userName": "b"})) == "b"
    assert role_of(role, raw("Role", "a", {"roleName": "c"})) == "c"
    assert role_of(user, {"metadata": {}}) == "a"

"""When a Lease may be taken; the elections themselves are in tests/kubernetes."""

from __future__ import annotations

import pytest

from controller.kube.kinds import JsonObject
from controller.kube.tenure import Observation, Terms, own_identity, steady_clock


def lease(version: str, holder: str | None, seconds: int | None = 15) -> JsonObject:
    spec = {"holderIdentity": holder, "leaseDurationSeconds": seconds}
    return {
        "metadata": {"resourceVersion": version},
        "spec": {name: value for name, value in spec.items() if value is not None},
    }


def test_a_lease_is_free_after_its_whole_time_of_silence() -> None:
    seen = Observation.of(lease("1", "other"), now=100.0, usual_seconds=15)
    assert not seen.is_free_for("me", 114.9)
    assert seen.is_free_for("me", 115.0)


def test_each_change_of_a_lease_begins_its_time_anew() -> None:
    seen = Observation.of(lease("1", "other"), now=100.0, usual_seconds=15)
    renewed = seen.after(lease("2", "other"), 114.0, 15)
    assert not renewed.is_free_for("me", 128.9)
    assert renewed.is_free_for("me", 129.0)


def test_a_lease_that_did_not_change_keeps_its_first_sight() -> None:
    """However often it is looked at, and whatever time is written in it."""
    seen = Observation.of(lease("1", "other"), now=100.0, usual_seconds=15)
    assert seen.after(lease("1", "other"), 112.0, 15) is seen


@pytest.mark.parametrize("holder", [None, "", "me"])
def test_a_lease_of_nobody_or_of_ours_is_free_at_once(holder: str | None) -> None:
    assert Observation.of(lease("1", holder), 100.0, 15).is_free_for("me", 100.0)


def test_a_lease_is_good_for_as_long_as_its_holder_wrote() -> None:
    seen = Observation.of(lease("1", "other", 60), now=0.0, usual_seconds=15)
    assert not seen.is_free_for("me", 59.0)
    without = Observation.of(lease("1", "other", None), now=0.0, usual_seconds=15)
    assert without.is_free_for("me", 15.0)


@pytest.mark.parametrize(("lease_s", "renew", "retry"), [(10, 10, 2), (15, 2, 2), (5, 10, 2)])
def test_a_leader_gives_up_before_others_take_over(lease_s: int, renew: int, retry: int) -> None:
    with pytest.raises(ValueError, match="does not hold"):
        Terms(lease_s, renew, retry)


def test_two_processes_never_have_one_identity() -> None:
    assert own_identity() != own_identity()


def test_the_clock_never_goes_back() -> None:
    readings = [steady_clock() for _ in range(100)]
    assert readings == sorted(readings)

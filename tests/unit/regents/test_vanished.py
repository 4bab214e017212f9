"""What a Regent holds is said beside the Regent, with the way out."""

from __future__ import annotations

from typing import Any, cast

import pytest

from controller.kube.api import KubeApi
from controller.kube.events import EventRecorder
from controller.names import REGENT_NAME, REGENT_NAMESPACE, workload_name
from controller.observe.caches import Caches
from controller.observe.doubts import Doubts
from controller.regents.acquaintance import Acquaintance, bound_by
from controller.regents.vanished import vanished_of
from controller.status.patch import RegentNews, status_of_regent
from controller.status.reporter import event_of
from controller.workloads.orphans import Orphans
from shared.http import BrakeBody, DetectorBody, StatusBody
from shared.keys import ResourceKey
from shared.outcomes import Outcome
from tests.declared import REFERENCE, state
from tests.unit.cluster.objects import NOW, raw

pytestmark = [pytest.mark.found("A6"), pytest.mark.rule("20")]
REGENT = ResourceKey("Regent", "default", "one")


def said(*vanished: str, uid: str = "1", **more: Any) -> StatusBody:
    outcomes = tuple(
        Outcome(
            resource=f"User/default/{name}", generation=1, state="Stalled", reason="Vanished",
            message=f"It is gone (uid {uid}).",
        )
        for name in vanished
    )  # fmt: skip
    return StatusBody(
        sequence=1, accepted_revision=1, applied_revision=1, looked=True, resources=outcomes,
        detector=DetectorBody(mode="Triggers", healthy=True), **more,
    )  # fmt: skip


def ready(news: RegentNews) -> dict[str, Any]:
    found = status_of_regent(raw("Regent", "one", {}), REGENT, news, None, NOW)
    (one,) = (c for c in found["conditions"] if c["type"] == "Ready")
    assert isinstance(one, dict)
    return one


def token(status: StatusBody) -> str:
    found = vanished_of(status)
    assert found is not None
    return found.token


def test_a_regent_with_something_vanished_is_stalled_and_names_it_with_the_way_out() -> None:
    status = said(*(f"intern-{n}" for n in range(7)))
    found = ready(RegentNews(status))
    assert (found["status"], found["reason"]) == ("False", "Vanished")
    assert "7 resources are gone" in found["message"]
    assert "User/default/intern-4 and 2 more" in found["message"]
    assert f"let-go-vanished={token(status)}" in found["message"]
    pulled = ready(RegentNews(said("intern", brake=BrakeBody(pulled=True, digest="d"))))
    assert pulled["reason"] == "BrakePulled"
    assert "User/default/intern" in pulled["message"]


def test_a_regent_with_something_held_is_stalled_and_names_it() -> None:
    found = ready(RegentNews(said(), held=1, in_force_held=("User/default/intern",)))
    assert (found["status"], found["reason"]) == ("False", "Held")
    assert "User/default/intern" in found["message"]
    assert ready(RegentNews(said(), held=1))["status"] == "True", "it never gave anything"


def test_the_token_is_of_exactly_these_objects() -> None:
    assert token(said("a", "b")) == token(said("b", "a"))
    assert token(said("a")) != token(said("a", "b"))
    assert token(said("a", uid="1")) != token(said("a", uid="2"))


def test_one_more_that_vanishes_is_news() -> None:
    one, two = (
        status_of_regent(raw("Regent", "one", {}), REGENT, RegentNews(said(*names)), None, NOW)
        for names in (("a",), ("a", "b"))
    )
    assert event_of({}, one) == "Warning"
    assert event_of(one, one) is None
    assert event_of(one, two) == "Warning"


class Running:
    """Caches in which one Deployment of a Regent is."""

    namespaces = ("default",)

    def __init__(self, namespace: str = "default") -> None:
        labels = {REGENT_NAMESPACE: namespace, REGENT_NAME: REGENT.name}
        found = raw("Deployment", workload_name(REGENT), {}, labels=labels)
        self._found = {("here", workload_name(REGENT)): found}

    def workloads(self, _kind: object) -> dict[tuple[str, str], dict[str, Any]]:
        return self._found


def test_what_runs_for_a_regent_that_has_vanished_is_told_once_and_after_a_moment() -> None:
    """Absence is believed only where everything is known, and is no decision even then."""
    now = [0.0]
    recorder = EventRecorder(cast(KubeApi, None), instance="test")

    def orphans(caches: Running) -> Orphans:
        return Orphans(cast(Caches, caches), recorder, lambda: now[0])

    caches = Running()
    one = orphans(caches)
    assert one.look([REGENT], Doubts()) is None
    assert one.look([], Doubts()) == 10.0
    now[0] = 10.0
    for _ in range(2):
        assert one.look([], Doubts()) is None
    assert orphans(caches).look([], Doubts({"default": "regents: 403"})) is None
    assert recorder._waiting.qsize() == 1
    news = recorder._waiting.get_nowait()
    assert news.reason == "RegentVanished"
    assert "default/one" in news.note


@pytest.mark.found("E11")
def test_a_regent_in_a_namespace_that_is_watched_no_more_is_told_once_and_counted() -> None:
    """Nothing else would say that its resources are not seen any more."""
    recorder = EventRecorder(cast(KubeApi, None), instance="test")
    one = Orphans(cast(Caches, Running("dropped")), recorder)
    for _ in range(2):
        assert one.look([], Doubts()) is None
        assert one.unwatched == {workload_name(REGENT)}
    assert recorder._waiting.qsize() == 1
    news = recorder._waiting.get_nowait()
    assert news.reason == "RegentUnwatched"
    assert "dropped/one" in news.note
    assert "postgregent uninstall --kubernetes -n dropped" in news.note
    watched = Orphans(cast(Caches, Running()), recorder)
    watched.look([REGENT], Doubts())
    assert watched.unwatched == frozenset()


def test_what_has_vanished_stays_bound_to_its_regent_until_it_is_deleted() -> None:
    """Else it would be told as ended while it goes on."""
    known = Acquaintance("x", frozenset({"User/default/gone", "User/default/ended"}), {})
    pushed = state(REFERENCE, absent_means="Vanished", deleted=("User/default/ended",))
    assert bound_by(pushed, known) == frozenset({*pushed.resources, "User/default/gone"})

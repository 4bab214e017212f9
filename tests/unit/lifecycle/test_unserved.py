"""Whoever is deleted while no Regent serves it is told of, if it ever was on one (rules 27, 28)."""

from __future__ import annotations

from typing import Any, cast

import pytest

from controller.kube.api import KubeApi
from controller.kube.events import EventRecorder, News
from controller.lifecycle.finalizers import FINALIZER, Release
from controller.lifecycle.last_words import TOLD_AFTER_SECONDS, LastWords
from controller.lifecycle.unserved import former_regents
from controller.observe.reader import Declared
from controller.workloads.manifests import Plant
from shared.http import DetectorBody, StatusBody
from shared.keys import ResourceKey
from tests.unit.cluster.objects import REGENT_SPEC, raw
from tests.unit.cluster.one_look import World, regent
from tests.unit.cluster.one_look import user as user_of

pytestmark = [pytest.mark.rule("27", "28"), pytest.mark.found("E284")]
ONE = ResourceKey("Regent", "default", "one")
NOTHING = Declared({}, {})
LEAVER = user_of("team")


class Told:
    """What was recorded, at a time that a test says."""

    def __init__(self) -> None:
        self.news: list[News] = []
        self.now = 0.0
        plant = Plant("postgregent", "image")
        recorder, api = cast("EventRecorder", self), cast("KubeApi", None)
        self.words = LastWords(api, recorder, plant, "controller", lambda: self.now)

    def record(self, news: News) -> None:
        """As the recorder does."""
        self.news.append(news)

    def tell(self) -> None:
        """After a while."""
        self.now += TOLD_AFTER_SECONDS
        self.words.tell(NOTHING)


def user(**spec: Any) -> dict[str, Any]:
    """One that was on a Regent, and Ready, since noon."""
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-06-01T12:00:00Z"}
    status = {"conditions": [ready], "regents": [{"namespace": "default", "name": "one"}]}
    return raw("User", "dan", spec) | {"status": status}


def test_whose_regent_is_gone_is_told_of_beside_the_controller_with_role_and_way_out() -> None:
    one = Told()
    one.words.of_resource(user(userName='d"an'), Release.NO_REGENT, frozenset({ONE}))
    one.tell()
    (news,) = one.news
    assert (news.type, news.reason, news.regarding.name) == ("Warning", "NoRegent", "dan")
    assert "has not ended" in news.note
    assert "Regent/default/one" in news.note
    assert 'ALTER ROLE "d""an" NOLOGIN' in news.note
    assert news.otherwise == one.words.own


def test_twin_of_what_never_was_on_a_regent_nothing_is_told() -> None:
    one = Told()
    one.words.of_resource(raw("User", "dan", {}), Release.NO_REGENT, frozenset())
    one.tell()
    assert one.news == []


def test_twin_whom_the_last_words_of_its_regent_name_is_not_told_of_again() -> None:
    one = Told()
    one.words.of_resource(user(), Release.NO_REGENT, frozenset({ONE}))
    detector = DetectorBody(mode="Triggers", healthy=True)
    status = StatusBody(sequence=1, accepted_revision=1, managed_roles=1, detector=detector)
    one.words.of_regent(raw("Regent", "one", REGENT_SPEC), Release.ENDED, status)
    one.tell()
    (news,) = one.news
    assert news.reason == "RolesLeft"
    assert "User/default/dan" in news.note


def test_a_role_without_a_mark_is_named_with_the_way_to_end_it() -> None:
    one = Told()
    one.words.of_resource(user(), Release.UNMARKED, frozenset({ONE}))
    one.now += TOLD_AFTER_SECONDS
    one.words.tell(Declared({}, {ONE: raw("Regent", "one", REGENT_SPEC)}))
    (news,) = one.news
    assert news.reason == "ExistsUnmanaged"
    assert 'ALTER ROLE "dan" NOLOGIN' in news.note


@pytest.mark.parametrize(
    ("made", "acts", "is_former"),
    [
        (None, False, True),
        ("2026-05-01T00:00:00Z", False, True),
        ("2026-05-01T00:00:00Z", True, False),
        ("2026-06-01T12:00:01Z", True, True),
    ],
    ids=["gone", "uninstalled", "there, and has let it go", "made anew under its name"],
)
def test_who_had_it_can_end_it_no_more(made: str | None, *, acts: bool, is_former: bool) -> None:
    there = {}
    if made is not None:
        there[ONE] = raw("Regent", "one", REGENT_SPEC, creationTimestamp=made)
    found = former_regents(user(), there, lambda _: acts)
    assert found == (frozenset({ONE}) if is_former else frozenset())
    assert former_regents(raw("User", "dan", {}), there, lambda _: acts) == frozenset()
    assert former_regents(user(public=True), there, lambda _: acts) == frozenset()


@pytest.mark.parametrize(
    "is_gone", [True, False], ids=["its Regent is gone", "it was let go before"]
)
async def test_a_deletion_between_two_regents_is_noted_when_the_finalizer_goes(
    *, is_gone: bool
) -> None:
    one = World()
    leaver = one.declare(LEAVER, finalizers=[FINALIZER], deletionTimestamp="2026-06-02T00:00:00Z")
    ready = {"type": "Ready", "status": "False", "lastTransitionTime": "2026-06-01T12:00:00Z"}
    where = {"namespace": "team", "name": "my-regent"}
    leaver["status"] = {"conditions": [ready], "regents": [where]}
    if not is_gone:
        one.declare(regent("team"), finalizers=[FINALIZER])
        one.serve("team")
    words = one.term.acting.last_words
    await one.look()
    assert [waits.reason for waits in words._waiting] == [Release.NO_REGENT] * is_gone
    assert [waits.regents for waits in words._waiting] == [{regent("team")}] * is_gone


@pytest.mark.found("E340")
@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ("2026-06-01T12:00:01Z", Release.NO_REGENT),
        ("2026-05-01T00:00:00Z", Release.UNREACHABLE),
    ],
    ids=["another one, made since", "its own, which is away"],
)
async def test_of_a_regent_that_nobody_has_met_yet_it_is_asked_whether_it_had_it(
    made: str, reason: Release
) -> None:
    one = World()
    leaver = one.declare(LEAVER, finalizers=[FINALIZER], deletionTimestamp="2026-06-02T00:00:00Z")
    leaver["status"] = user()["status"] | {"regents": [{"namespace": "team", "name": "my-regent"}]}
    one.declare(regent("team"), finalizers=[FINALIZER], creationTimestamp=made)
    one.serve("team", is_away=True)
    await one.look()
    assert [one.reason for one in one.term.acting.last_words._waiting] == [reason]

"""What is declared of what runs a Regent and is not in force is said, though the Regent runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest

from controller.kube.api import KubeApi
from controller.kube.events import EventRecorder, News
from controller.kube.kinds import DEPLOYMENT, JsonObject
from controller.lifecycle.finalizers import FINALIZER
from controller.regents.outcome import NOT_ANSWERING, NotReached
from controller.status.patch import RegentNews, is_ready, ready_condition, status_of_regent
from controller.status.reporter import Reporter
from controller.workloads.apply import is_of_another
from controller.workloads.manifests import settings_of
from controller.workloads.why_silent import why_silent
from shared.http import DetectorBody, Leftover, StatusBody
from shared.keys import ResourceKey
from tests.unit.cluster.objects import NOW, REGENT_SPEC, raw
from tests.unit.cluster.objects import regent as regent_of
from tests.unit.cluster.one_look import WORKLOADS, FakeApi, Request, World, regent

ONE = ResourceKey("Regent", "default", "my-regent")
FOUND = raw("Regent", "my-regent", REGENT_SPEC)
RUNS = RegentNews(
    StatusBody(
        sequence=1, accepted_revision=3, applied_revision=3, looked=True, outstanding_drift=0,
        detector=DetectorBody(mode="Triggers", healthy=True),
    )
)  # fmt: skip
API = NotReached("Api", "regents: 422 Invalid data.")


def words(status: JsonObject) -> tuple[str, str, str]:
    ready = ready_condition(status)
    return ready["status"], ready["reason"], ready["message"]


@pytest.mark.found("E140")
def test_a_regent_that_lacks_something_is_not_ready_and_no_other_trouble_hides_it() -> None:
    assert is_ready(status_of_regent(FOUND, ONE, RUNS, None, NOW))
    lacking = status_of_regent(FOUND, ONE, replace(RUNS, lack=API), None, NOW)
    assert words(lacking) == ("False", "Api", API.message)
    lost = NotReached("CannotConnect", "No route.")
    both = status_of_regent(FOUND, ONE, replace(RUNS, lack=API, trouble=lost), None, NOW)
    assert words(both) == ("False", "CannotConnect", f"No route. {API.message}")
    host = NotReached("HostNotAllowed", "No.")
    worse = status_of_regent(FOUND, ONE, replace(RUNS, lack=host, trouble=lost), None, NOW)
    assert words(worse) == ("False", "HostNotAllowed", "No. No route.")


@pytest.mark.found("E140")
async def test_what_is_refused_of_a_running_regent_is_its_word_until_it_is_done() -> None:
    one = World()
    one.declare(regent("one"), finalizers=[FINALIZER])
    one.caches.running = {"one": WORKLOADS}
    one.serve("one").trouble = None
    refused = True
    one.api.refuses = lambda asked: (
        refused and asked == Request("apply", "Secret", "postgregent", asked.name)
    )
    await one.look()
    said = one.api.statuses[regent("one")]
    assert "the admission policy says no" in ready_condition(said)["message"]
    assert (lack := one.term.acting.lack_of(regent("one"))) is not None
    assert lack.reason == "Api"
    refused = False
    one.caches.running = {}  # somebody deleted it, so that nothing stands in the way
    await one.look()
    assert one.term.acting.lack_of(regent("one")) is None, "it is tried at once (E147)"


@pytest.mark.found("E143")
def test_the_password_is_of_one_account_on_one_server() -> None:
    known = {"regent.json": settings_of(regent_of(), None)}
    assert not is_of_another(known, regent_of())
    assert not is_of_another(known, regent_of(additionalDatabases=["more"]))
    assert is_of_another(known, regent_of(adminUser="adm2"))
    assert is_of_another(known, regent_of(databaseHost="other.example.org"))
    assert is_of_another(known, regent_of(port=5433))
    assert not is_of_another({}, regent_of(adminUser="adm2")), "there is none yet"


class Told:
    """What is recorded, in order."""

    def __init__(self) -> None:
        self.news: list[tuple[str, str]] = []

    def record(self, news: News) -> None:
        self.news.append((news.type, news.reason))


class Saying:
    """A reporter, and the Regent of which it tells."""

    def __init__(self, **metadata: Any) -> None:
        self.found = raw("Regent", "my-regent", REGENT_SPEC, **metadata)
        self.news = RUNS
        self.told = Told()
        self._api = FakeApi()
        self.reporter = Reporter(
            cast(KubeApi, self._api),
            lambda _: self.found,
            lambda _: self.news,
            cast(EventRecorder, self.told),
        )

    async def look(self, **change: Any) -> None:
        self.news = replace(self.news, **change)
        self.reporter.look_at(ONE)
        writing = asyncio.create_task(self.reporter.run())
        for _ in range(20):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait([writing])
        self.found = {**self.found, "status": self._api.statuses[ONE]}


@pytest.mark.found("E140")
@pytest.mark.found("E143")
async def test_a_lack_is_told_once_by_an_event_and_so_is_its_end() -> None:
    one = Saying()
    await one.look()
    await one.look(lack=API)
    await one.look(lack=replace(API, message="another word"))
    await one.look(lack=None)
    assert one.told.news == [("Warning", "Api"), ("Normal", "Running")]
    one.told.news.clear()
    await one.look(lack=NotReached("NotInForce", "."))
    assert one.told.news == [], "each change of a Regent is this for a moment"
    one.reporter.are_overdue(frozenset({ONE}))
    await one.look()
    await one.look()
    assert one.told.news == [("Warning", "NotInForce")]


@pytest.mark.found("E144")
async def test_a_regent_that_is_away_for_long_is_told_of_once_for_each_reason() -> None:
    one = Saying()
    await one.look()
    await one.look(trouble=NotReached("LockLost", "."))
    assert one.told.news == [], "it may be back in a moment"
    one.reporter.are_overdue(frozenset({ONE}))
    await one.look()
    await one.look(trouble=NotReached("CannotConnect", "."))
    await one.look(trouble=NotReached("CannotConnect", "other words"))
    one.reporter.are_overdue(frozenset())
    await one.look(trouble=None)
    warnings = [("Warning", "LockLost"), ("Warning", "CannotConnect")]
    assert one.told.news == [*warnings, ("Normal", "Running")]


@pytest.mark.found("E144")
async def test_what_is_stalled_was_told_before_it_was_long_away() -> None:
    one = Saying()
    await one.look(trouble=NotReached("Uninstalled", "."))
    one.reporter.are_overdue(frozenset({ONE}))
    await one.look()
    assert one.told.news == [("Warning", "Uninstalled")]


@pytest.mark.found("E148")
async def test_a_regent_that_is_deleted_has_other_last_words_than_that_it_was_uninstalled() -> None:
    one = Saying(deletionTimestamp="2026-01-01T00:00:00Z")
    await one.look(trouble=NotReached("Uninstalled", "."))
    assert one.told.news == []


@pytest.mark.found("E145")
def test_who_was_let_go_while_it_was_away_is_named_beside_what_it_says_itself() -> None:
    own = Leftover(role="owner", database="mydb", what="table a", message="Owned.")
    said = RUNS.status.model_copy(update={"leftovers": (own,)}) if RUNS.status else None
    gone = (ResourceKey("User", "default", "leaver"),)
    lost = NotReached("CannotConnect", "No route.")
    status = status_of_regent(
        FOUND, ONE, replace(RUNS, status=said, trouble=lost, untold=gone), None, NOW
    )
    assert [left["role"] for left in status["leftovers"]] == ["leaver", "owner"]
    assert "of User/default/leaver." in words(status)[2]
    unheard = status_of_regent(FOUND, ONE, RegentNews(untold=gone, trouble=lost), None, NOW)
    assert [left["role"] for left in unheard["leftovers"]] == ["leaver"]


@pytest.mark.found("E144")
def test_a_process_that_does_not_answer_says_what_its_deployment_knows() -> None:
    def said(**status: Any) -> str:
        return why_silent(ONE, "postgregent", {"kind": DEPLOYMENT.name, "status": status})

    look = "kubectl get pods -n postgregent -l app.kubernetes.io/instance=regent-"
    assert look in said()
    assert "does not answer" in said(readyReplicas=1)
    assert look in said(replicas=1, unavailableReplicas=1)
    assert "ImagePullBackOff" in said(replicas=1, unavailableReplicas=1)
    quota = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
    assert said(conditions=[quota], unavailableReplicas=1) == (
        "Its pod cannot be made: exceeded quota."
    )
    assert NotReached(NOT_ANSWERING, said()).state == "Reconciling"


@pytest.mark.found("E283", "E284")
def test_a_regent_that_runs_names_the_roles_that_deleted_resources_left() -> None:
    assert RUNS.status is not None
    left = (Leftover(role="dan", what="User/default/dan is not declared."),)
    status = RUNS.status.model_copy(update={"leftovers": left})
    said = status_of_regent(FOUND, ONE, replace(RUNS, status=status), None, NOW)
    assert words(said)[:2] == ("True", "Running")
    assert "left of deleted resources, see leftovers: dan" in words(said)[2]

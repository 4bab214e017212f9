"""The status that a resource shall have, and whether it is news."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from controller.observe.reader import had_state_on
from controller.regents.outcome import NotReached, regent_outcome
from controller.status.conditions import MAX_REGENTS
from controller.status.noted import noted
from controller.status.patch import RegentNews, is_news, regents_in, status_of, status_of_regent
from controller.status.reporter import asked_to_approve, event_of
from shared.http import (
    ApprovalBody,
    BrakeBody,
    DetectorBody,
    PauseBody,
    StatusBody,
    TroubleBody,
)
from shared.keys import ResourceKey
from shared.outcomes import ACCESS_NOW, ACCESS_OVER, CODE_LEFT, Outcome, State
from shared.resources import APPROVE_ANNOTATION
from tests.unit.cluster.objects import NOW, raw

pytestmark = pytest.mark.rule("29")
ONE = ResourceKey("Regent", "default", "one")
TWO = ResourceKey("Regent", "default", "two")
ROLE = raw("Role", "viewer", {}, generation=3)


def outcome(
    generation: int = 3, state: State = "Ready", reason: str = "Applied", **more: Any
) -> Outcome:
    return Outcome(
        resource="Role/default/viewer", generation=generation, state=state, reason=reason,
        message="As declared.", **more,
    )  # fmt: skip


def ready(status: dict[str, Any] | None) -> tuple[str, str]:
    assert status is not None
    found = next(c for c in status["conditions"] if c["type"] == "Ready")
    assert found["observedGeneration"] == status["observedGeneration"]
    return found["status"], found["reason"]


@pytest.mark.found("C25")
def test_before_somebody_has_said_something_it_is_unknown_and_not_blank() -> None:
    first = status_of(ROLE, None, {}, NOW)
    assert ready(first) == ("Unknown", "WaitingForRegent")
    assert first is not None
    assert [c["type"] for c in first["conditions"]] == ["Ready", "Reconciling"]
    assert status_of(ROLE | {"status": first}, None, {}, NOW) is None


def test_a_new_generation_is_not_ready_in_the_write_that_observes_it() -> None:
    before = status_of(ROLE, None, {ONE: outcome()}, NOW)
    assert ready(before) == ("True", "Applied")
    changed = raw("Role", "viewer", {}, generation=4) | {"status": before}
    stale = status_of(changed, None, {ONE: outcome(generation=3)}, NOW)
    assert ready(stale) == ("False", "Progressing")
    assert stale is not None
    assert stale["observedGeneration"] == 4
    unsaid = status_of(changed, None, {}, NOW)
    assert ready(unsaid) == ("False", "Progressing")


def test_what_the_controller_said_does_not_outlive_its_reason() -> None:
    """It had found no Regent; there is one now, which has not answered yet."""
    lost = outcome(state="Stalled", reason="NoRegent")
    stalled = ROLE | {"status": status_of(ROLE, lost, {}, NOW)}
    assert ready(stalled["status"]) == ("False", "NoRegent")
    assert status_of(stalled, None, {}, NOW) is None
    bound = status_of(stalled, None, {}, NOW, is_withdrawn=True)
    assert ready(bound) == ("False", "Progressing")
    assert bound is not None
    assert [c["type"] for c in bound["conditions"]] == ["Ready", "Reconciling"]
    answered = status_of(stalled, None, {ONE: outcome()}, NOW, is_withdrawn=True)
    assert ready(answered) == ("True", "Applied")


@pytest.mark.found("E219")
def test_a_status_goes_on_to_say_on_which_regent_of_its_namespace_it_was() -> None:
    """While it is on none: whoever places it asks for that."""
    foreign = ResourceKey("Regent", "platform", "shop")
    ready_on_both = status_of(ROLE, None, {ONE: outcome(), foreign: outcome()}, NOW)
    lost = outcome(state="Reconciling", reason="RegentGone")
    gone = status_of(ROLE | {"status": ready_on_both}, lost, {}, NOW)
    assert gone is not None
    assert regents_in(gone) == {ONE}
    assert {(one["state"], one["reason"]) for one in gone["regents"]} == {
        ("Reconciling", "RegentGone")
    }
    waiting = status_of(ROLE | {"status": gone}, None, {}, NOW, is_withdrawn=True)
    assert waiting is not None
    assert regents_in(waiting) == {ONE}
    back = status_of(ROLE | {"status": waiting}, None, {TWO: outcome()}, NOW)
    assert back is not None
    assert regents_in(back) == {TWO}


def test_it_is_as_ready_as_on_the_least_ready_regent() -> None:
    status = status_of(
        ROLE, None, {ONE: outcome(), TWO: outcome(state="Stalled", reason="NameConflict")}, NOW
    )
    assert ready(status) == ("False", "NameConflict")
    assert status is not None
    assert (status["regentCount"], status["readyCount"]) == (2, 1)


def test_entries_are_bounded_and_counted() -> None:
    said = {ResourceKey("Regent", "default", f"r{n:03}"): outcome() for n in range(100)}
    status = status_of(ROLE, None, said, NOW)
    assert status is not None
    assert len(status["regents"]) == MAX_REGENTS
    assert (status["regentCount"], status["readyCount"]) == (100, 100)


def test_a_time_alone_is_no_news_but_for_a_pass_a_minute_old() -> None:
    first = status_of(ROLE, None, {ONE: outcome()}, NOW)
    assert first is not None
    later = status_of(ROLE | {"status": first}, None, {ONE: outcome()}, NOW + timedelta(hours=1))
    assert later is not None
    assert not is_news(later, first)
    passed = {"lastPassTime": "2026-06-01T12:00:00Z"}
    assert is_news(passed, {"lastPassTime": "2026-06-01T11:59:00Z"})
    assert not is_news(passed, {"lastPassTime": "2026-06-01T11:59:01Z"})
    assert is_news({**first, "regentCount": 2}, first)


def test_what_the_controller_refuses_is_of_the_present_generation() -> None:
    invalid = outcome(generation=0, state="Stalled", reason="Invalid")
    status = status_of(ROLE, invalid, {ONE: outcome(generation=2)}, NOW)
    assert ready(status) == ("False", "Invalid")


def body(**more: Any) -> StatusBody:
    detector = DetectorBody(mode="Triggers", healthy=True)
    return StatusBody(
        sequence=1, detector=detector, accepted_revision=5, applied_revision=5, looked=True,
        system_identifier="7", last_pass_time=NOW, managed_roles=2, **more,
    )  # fmt: skip


def kinds(status: dict[str, Any]) -> dict[str, str]:
    return {c["type"]: c["status"] for c in status["conditions"]}


def test_a_regent_says_whether_it_drifted_and_whether_it_would_notice() -> None:
    found = raw("Regent", "one", {})
    calm = status_of_regent(found, ONE, RegentNews(body(), drift=0), None, NOW)
    assert kinds(calm) == {"Ready": "True", "Drifted": "False", "DetectorHealthy": "True"}
    assert (calm["drift"], calm["held"], calm["lastPassTime"]) == (0, 0, "2026-06-01T12:00:00Z")
    drifted = status_of_regent(found, ONE, RegentNews(body(), drift=2, held=1), None, NOW)
    assert kinds(drifted)["Drifted"] == "True"
    assert (drifted["drift"], drifted["held"]) == (2, 1)


@pytest.mark.found("E10")
def test_a_regent_with_the_brake_pulled_or_out_of_reach_is_not_ready() -> None:
    found = raw("Regent", "one", {})
    braked = body(brake=BrakeBody(pulled=True, digest="abc", message="9 losses."))
    status = status_of_regent(found, ONE, RegentNews(braked, drift=0), None, NOW)
    assert kinds(status) == {
        "Ready": "False", "Stalled": "True", "Drifted": "True", "DetectorHealthy": "True",
    }  # fmt: skip
    (drifted,) = (c for c in status["conditions"] if c["type"] == "Drifted")
    assert drifted["reason"] == "LossesWithheld", "E10: what is withheld is not as declared"


@pytest.mark.found("E259")
@pytest.mark.rule("26")
def test_only_what_a_pause_holds_back_is_said_not_to_be_corrected() -> None:
    """Not a role in which nothing differs, nor one that is corrected all the same."""

    def drifted(*pauses: PauseBody) -> tuple[str, str, str]:
        news = RegentNews(body(paused=pauses), drift=0)
        status = status_of_regent(raw("Regent", "one", {}), ONE, news, None, NOW)
        (one,) = (c for c in status["conditions"] if c["type"] == "Drifted")
        return one["status"], one["reason"], one["message"]

    same = PauseBody(role="same", until=NOW, reason="page", by="ops", since=NOW)
    ended = same.model_copy(update={"role": "gone", "not_held": "the User is disabled"})
    other = same.model_copy(update={"role": "other", "held": 3})
    assert drifted(same, ended)[:2] == ("False", "InSync")
    running = regent_outcome(ONE, 1, body(paused=(same, ended)), None)
    assert running.message.endswith("; paused: same.")
    said = "Not corrected until the end of a pause: other (3 changes)."
    assert drifted(same, ended, other) == ("Unknown", "Paused", said)


UNKNOWN = {"Drifted": "Unknown", "DetectorHealthy": "Unknown"}
AWAY = NotReached("NotAnswering", "It does not answer.")
NOT_READY = NotReached("NotReady", "It is not connected.")
WRONG = TroubleBody(reason="WrongPassword", message="Check it.", is_for_good=True)


@pytest.mark.found("C25")
def test_what_nobody_can_say_of_a_regent_is_unknown_and_counts_nothing() -> None:
    """Never met, and met but not reached any more: neither is in sync."""
    found = raw("Regent", "one", {})
    never = status_of_regent(found, ONE, RegentNews(trouble=AWAY, is_reached=False), None, NOW)
    assert kinds(never) == {"Ready": "False", "Reconciling": "True", **UNKNOWN}
    lost = RegentNews(body(), trouble=AWAY, drift=0, is_reached=False)
    status = status_of_regent(found, ONE, lost, None, NOW)
    assert kinds(status) == {"Ready": "False", "Reconciling": "True", **UNKNOWN}
    assert "drift" not in status
    not_looked = status_of_regent(found, ONE, RegentNews(body()), None, NOW)
    assert kinds(not_looked)["Drifted"] == "Unknown"


@pytest.mark.found("E105")
def test_code_that_an_access_left_is_told_once_by_an_event() -> None:
    note = f"{CODE_LEFT}the view w."
    with_it = status_of(ROLE, None, {TWO: outcome(notes=(note, "Something else."))}, NOW)
    without = status_of(ROLE, None, {TWO: outcome(notes=("Something else.",))}, NOW)
    assert with_it is not None
    assert without is not None
    event = ("Warning", "CodeLeft", note)
    assert noted({}, with_it) == noted(without, with_it) == (event,)
    assert noted(with_it, with_it) == noted(with_it, without) == ()


@pytest.mark.rule("24")
@pytest.mark.found("E342")
def test_access_for_a_time_is_told_by_an_event_when_it_begins_and_when_it_is_over() -> None:
    def status(begins: str, **more: Any) -> Mapping[str, Any]:
        found = status_of(ROLE, None, {TWO: outcome(notes=(f"{begins}Role 'x'.",), **more)}, NOW)
        assert found is not None
        return found

    later, now, over = (status(begins) for begins in ("Access later: ", ACCESS_NOW, ACCESS_OVER))
    assert noted({}, later) == ()
    assert noted(later, now) == (("Normal", "AccessBegan", "Access now: Role 'x'."),)
    assert noted(now, over) == (("Normal", "AccessOver", "Access over: Role 'x'."),)
    assert noted(over, over) == noted(over, later) == ()
    assert noted(later, status(ACCESS_NOW, state="Stalled", reason="NotManageable")) == ()


@pytest.mark.found("C25")
def test_what_only_a_person_can_mend_is_stalled_under_its_own_name() -> None:
    found = raw("Regent", "one", {})
    news = RegentNews(body(trouble=WRONG), trouble=NOT_READY, is_reached=False)
    status = status_of_regent(found, ONE, news, None, NOW)
    assert kinds(status) == {"Ready": "False", "Stalled": "True", **UNKNOWN}
    assert ready(status) == ("False", "WrongPassword")
    assert event_of({}, status) == "Warning"
    passing = WRONG.model_copy(update={"is_for_good": False})
    news = RegentNews(body(trouble=passing), trouble=NOT_READY, is_reached=False)
    assert kinds(status_of_regent(found, ONE, news, None, NOW))["Reconciling"] == "True"


@pytest.mark.rule("28a")
def test_where_a_regent_had_a_state_stays_in_its_status_when_it_forgets_it() -> None:
    """A process that has just started, or whose home database is gone, says nothing of it."""
    knows = StatusBody(
        sequence=1, system_identifier="7412", accepted_revision=5, applied_revision=5,
        detector=DetectorBody(mode="Triggers", healthy=True),
    )  # fmt: skip
    found = raw("Regent", "one", {})
    found["status"] = status_of_regent(found, ONE, RegentNews(status=knows), None, NOW)
    assert had_state_on(found) == "7412"
    forgets = StatusBody(sequence=1, detector=DetectorBody(mode="None", healthy=False))
    for news in (
        RegentNews(status=forgets),
        RegentNews(trouble=NotReached("NotAnswering", "x")),
        RegentNews(status=forgets),
    ):
        found["status"] = status_of_regent(found, ONE, news, None, NOW)
        assert had_state_on(found) == "7412"
    assert had_state_on(raw("Regent", "one", {})) == ""
    unread = knows.model_copy(update={"system_identifier": ""})
    found = raw("Regent", "one", {})
    found["status"] = status_of_regent(found, ONE, RegentNews(status=unread), None, NOW)
    assert had_state_on(found) == "unknown"


@pytest.mark.found("E8")
def test_a_regent_without_a_connection_is_not_ready_whatever_it_applied_before() -> None:
    """On its way down, and up again, before the first pass has looked."""
    found = raw("Regent", "one", {})
    none = DetectorBody(mode="None", healthy=False, message="Not connected")
    gone = TroubleBody(reason="NotConnected", message="It is not connected.")
    for lost in ({"trouble": gone}, {"looked": False}, {"detector": none}):
        news = RegentNews(body().model_copy(update={"detector": none, **lost}), drift=0)
        status = status_of_regent(found, ONE, news, None, NOW)
        assert kinds(status)["Ready"] == "False", lost
        assert kinds(status)["Reconciling"] == "True", lost
        assert kinds(status)["DetectorHealthy"] == "Unknown", lost
        assert event_of({}, status) is None
    ill = DetectorBody(mode="Triggers", healthy=False, message="It is not listened to.")
    news = RegentNews(body().model_copy(update={"detector": ill}), drift=0)
    assert ".." not in str(status_of_regent(found, ONE, news, None, NOW))


@pytest.mark.found("E9")
def test_what_passes_by_itself_is_not_stalled_and_each_restraint_has_its_own_word() -> None:
    found = raw("Regent", "one", {})
    lost = TroubleBody(reason="LockLost", message="Lost.")
    for more, word, kind in (
        ({"trouble": lost, "observing": "Lost."}, "LockLost", "Reconciling"),
        ({"restraint": "LookFailed", "observing": "x"}, "LookFailed", "Reconciling"),
        ({"restraint": "InRecovery", "observing": "x"}, "InRecovery", "Stalled"),
        ({"restraint": "Observing", "observing": "x"}, "Observing", "Stalled"),
    ):
        status = status_of_regent(found, ONE, RegentNews(body(**more), drift=0), None, NOW)
        assert ready(status) == ("False", word)
        assert kinds(status)[kind] == "True"
        assert kinds(status)["Drifted"] == "Unknown"


@pytest.mark.found("E10")
def test_what_was_said_of_a_predecessor_of_the_same_name_is_not_said_of_its_successor() -> None:
    vanished = outcome(state="Stalled", reason="Vanished", uid="uid-of-the-first")
    status = status_of(ROLE, None, {ONE: vanished}, NOW)
    assert ready(status) == ("False", "Progressing")
    assert status is not None
    assert event_of({}, status) is None
    its_own = vanished.model_copy(update={"uid": ROLE["metadata"]["uid"]})
    assert ready(status_of(ROLE, None, {ONE: its_own}, NOW)) == ("False", "Vanished")


@pytest.mark.found("E29")
def test_what_was_ready_on_a_regent_that_is_away_is_unknown_until_it_is_seen() -> None:
    """Also where this controller never heard of it: the status tells on which Regents it is."""
    green = status_of(ROLE, None, {ONE: outcome()}, NOW)
    found = ROLE | {"status": green}
    away = frozenset({ONE})
    for said in ({ONE: outcome()}, {}):
        lost = status_of(found, None, said, NOW, away=away)
        assert ready(lost) == ("Unknown", "RegentAway")
        assert lost is not None
        assert (lost["regentCount"], lost["readyCount"]) == (1, 0)
        assert "As declared." in lost["conditions"][0]["message"]
        again = status_of(ROLE | {"status": lost}, None, said, NOW, away=away)
        assert again is not None
        assert not is_news(again, lost), "5,000 of them are written once"
        back = status_of(ROLE | {"status": lost}, None, {ONE: outcome()}, NOW)
        assert ready(back) == ("True", "Applied")
        assert back is not None
        assert event_of(lost, back) is None
        unlisted = status_of(ROLE | {"status": lost}, None, {}, NOW)
        assert ready(unlisted) == ("False", "Progressing")
    stalled = {ONE: outcome(state="Stalled", reason="NotAllowed")}
    assert ready(status_of(found, None, stalled, NOW, away=away)) == ("False", "NotAllowed")
    assert ready(status_of(found, None, {TWO: outcome()}, NOW, away=away)) == (
        "Unknown", "RegentAway",
    )  # fmt: skip


@pytest.mark.rule("27")
@pytest.mark.found("E49")
@pytest.mark.parametrize("state", ["Reconciling", "Stalled"])
def test_a_regent_is_not_ready_while_somebody_who_is_deleted_has_access(state: State) -> None:
    """Stalled where the server refuses its end, which needs a person."""
    leaver = Outcome(
        resource="User/default/leaver",
        generation=0,
        state=state,
        reason="AccessGoesOn",
        message="Why.",
    )
    body = StatusBody(
        sequence=1, accepted_revision=1, applied_revision=1, looked=True, resources=(leaver,),
        detector=DetectorBody(mode="Triggers", healthy=True),
    )  # fmt: skip
    said = regent_outcome(ONE, 1, body, None)
    assert (said.state, said.reason) == (state, "AccessGoesOn")
    assert said.message == "Access has not ended of User/default/leaver. Why."


@pytest.mark.found("E51")
def test_a_database_that_is_not_there_is_for_a_person_and_one_that_hangs_is_waited_for() -> None:
    body = StatusBody(
        sequence=1, accepted_revision=1, applied_revision=1, looked=True, unread={"far": "why"},
        detector=DetectorBody(mode="Triggers", healthy=True),
    )  # fmt: skip
    said = regent_outcome(ONE, 1, body, None)
    assert (said.state, said.reason) == ("Reconciling", "DatabaseUnreachable")
    said = regent_outcome(ONE, 1, body.model_copy(update={"missing": ("far",)}), None)
    assert (said.state, said.reason) == ("Stalled", "NoSuchDatabase")
    assert "far: why" in said.message


@pytest.mark.found("E175")
@pytest.mark.parametrize("reason", ["SecretNotFound", "SecretNotSelected", "RoleNotFound"])
def test_what_was_ready_and_lacks_what_it_names_is_worth_a_warning(reason: str) -> None:
    """A new one only waits: engines apply a User before its Secret."""
    green = status_of(ROLE, None, {ONE: outcome()}, NOW)
    lacks = status_of(ROLE, None, {ONE: outcome(state="Reconciling", reason=reason)}, NOW)
    assert green is not None
    assert lacks is not None
    assert event_of(green, lacks) == "Warning"
    assert event_of({}, lacks) is None
    assert event_of(lacks, lacks) is None


@pytest.mark.rule("11")
def test_a_regent_whose_public_keeps_connect_is_not_as_declared() -> None:
    body = StatusBody(
        sequence=1, accepted_revision=1, applied_revision=1, looked=True,
        kept_open=("PUBLIC keeps CONNECT on database 'mydb'",),
        detector=DetectorBody(mode="Triggers", healthy=True),
    )  # fmt: skip
    said = regent_outcome(ONE, 1, body, None)
    assert (said.state, said.reason) == ("Stalled", "NotTakenAway")
    assert "'mydb'" in said.message


@pytest.mark.rule("20a", "29")
def test_what_waits_for_approval_is_no_mistake_and_told_once_per_digest() -> None:
    """Louder where something would go."""
    waits = ApprovalBody(waiting=True, digest="0123", change_count=2, message="2 changes wait.")
    body = StatusBody(
        sequence=1, accepted_revision=1, applied_revision=1, looked=True, approval=waits,
        detector=DetectorBody(mode="Triggers", healthy=True),
    )  # fmt: skip
    said = regent_outcome(ONE, 1, body, None)
    assert (said.state, said.reason) == ("Reconciling", "AwaitingApproval")
    assert f"{APPROVE_ANNOTATION}: 0123" in said.message
    one = status_of_regent(raw("Regent", "one", {}), ONE, RegentNews(body), None, NOW)
    assert asked_to_approve({}, one) == ("Normal", said.message)
    assert asked_to_approve(one, one) is None
    approval = waits.model_copy(update={"digest": "4567", "loss_count": 1})
    news = RegentNews(body.model_copy(update={"approval": approval}))
    other = status_of_regent(raw("Regent", "one", {}), ONE, news, None, NOW)
    assert (asked_to_approve(one, other) or ("",))[0] == "Warning"
    assert asked_to_approve(other, {}) is None

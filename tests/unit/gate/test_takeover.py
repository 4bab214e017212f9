"""Whom to obey, the token that names it, and what an acceptance changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regent.accept.evidence import Sign
from regent.gate.restraint import restraint
from regent.gate.takeover import (
    Obeyed,
    RefusedPush,
    accepting,
    as_doubted,
    lost_home,
    other_origin,
    other_server,
    restored,
    taken_over,
    takeover_by,
)
from regent.observed import Observed
from regent.passes.look import marks_on
from regent.plan import plan
from regent.remembered import AcceptedState
from shared.http import AcceptanceBody
from shared.resources import TAKEOVER_ANNOTATION
from shared.state import etag, parts_of
from tests.declared import NOON, REFERENCE, REGENT, accepted, mark, resolved, role, server, state

pytestmark = pytest.mark.rule("28a")
OURS = state(REFERENCE)
FOREIGN = OURS.model_copy(update={"origin": "another"})


def lost(text: str = REFERENCE) -> AcceptedState:
    return accepted(text).model_copy(update={"is_home_lost": True})


def test_a_token_is_good_for_exactly_one_takeover() -> None:
    signs = (Sign("User/a/b", "was deleted"),)
    tokens = [
        other_server(REGENT, "1", "2").token,
        other_server(REGENT, "2", "1").token,
        other_server("default/another", "1", "2").token,
        other_origin(REGENT, OURS, "2").token,
        restored(REGENT, OURS, signs).token,
        restored(REGENT, OURS, (*signs, Sign("User/a/c", "was deleted"))).token,
        lost_home(REGENT, "1", ("a",)).token,
        lost_home(REGENT, "1", ("a", "b")).token,
        lost_home(REGENT, "2", ("a",)).token,
    ]
    assert len(set(tokens)) == len(tokens)
    assert other_server(REGENT, "1", "2").token == tokens[0]
    for token in tokens:
        AcceptanceBody(token=token)


def test_the_message_names_the_token_and_both_ways_to_accept_it() -> None:
    for takeover in (
        other_server(REGENT, "1", "2"),
        other_origin(REGENT, OURS, "uid"),
        restored(REGENT, OURS, [Sign(f"User/a/{n}", "was deleted") for n in range(9)]),
        lost_home(REGENT, "1", [f"r{n}" for n in range(9)]),
    ):
        said = takeover.trouble
        assert said.reason == "TakeoverNeeded"
        assert f"{TAKEOVER_ANNOTATION}: {takeover.token}" in said.message
        assert f"--accept-takeover {takeover.token}" in said.message
    assert " and 4 more" in said.message


def test_a_server_whose_identifier_cannot_be_read_is_taken_for_the_known_one() -> None:
    obeyed = Obeyed(REGENT, "", "7")
    assert obeyed.takeover(accepted(REFERENCE), "", frozenset()) is None
    assert obeyed.takeover(accepted(REFERENCE), "7", frozenset()) is None
    found = obeyed.takeover(accepted(REFERENCE), "8", frozenset())
    assert found is not None
    assert (found.kind, found.identifier, found.new_identifier) == ("Server", "7", "8")


def test_a_state_from_another_source_than_the_process_was_started_for_is_not_obeyed() -> None:
    """Before the first push: the cluster that it came from may be gone for months."""
    found = Obeyed(REGENT, "new", "").takeover(accepted(REFERENCE), "7", frozenset())
    assert found is not None
    pushed = OURS.model_copy(update={"origin": "new"})
    assert found == takeover_by(REGENT, accepted(REFERENCE), pushed), "one acceptance is enough"


def test_a_push_from_the_same_source_needs_nobody() -> None:
    assert takeover_by(REGENT, accepted(OURS), state(REFERENCE, revision=9)) is None


def test_a_push_that_is_let_in_replaces_the_source_and_is_let_in_once() -> None:
    needed = takeover_by(REGENT, accepted(OURS), FOREIGN)
    assert needed is not None
    waiting = accepting(accepted(OURS), needed)
    assert waiting.lets_in == needed.token
    assert waiting.state == accepted(OURS).state, "nothing else has changed yet"
    new = accepted(FOREIGN, waiting)
    assert (new.state.origin, new.lets_in) == ("another", "")
    assert takeover_by(REGENT, new, FOREIGN) is None
    back = takeover_by(REGENT, new, OURS)
    assert back is not None
    assert back.token != needed.token


def test_a_refused_push_restrains_until_it_is_let_in() -> None:
    needed = other_origin(REGENT, OURS, "another")
    obeyed = Obeyed(REGENT, "", "7", RefusedPush.of(needed, FOREIGN))
    assert obeyed.takeover(accepted(OURS), "7", frozenset()) == needed
    assert obeyed.refused_push is not None
    assert set(obeyed.refused_push.resources) == set(FOREIGN.resources)


def test_recovery_comes_first_and_a_takeover_before_what_is_declared() -> None:
    spec = state("", regent={"enforcement": "Observe"}).regent.spec
    needed = other_server(REGENT, "7", "8")
    standby = replace(server(), is_in_recovery=True)
    assert [
        found and found.reason
        for found in (
            restraint(spec, standby, needed),
            restraint(spec, server(), needed),
            restraint(spec, server(), None),
        )
    ] == ["InRecovery", "TakeoverNeeded", "Observing"]


def test_a_lost_home_asks_only_for_roles_that_are_there_without_a_mark() -> None:
    on = server(role("mydb-viewer"), role("summer-intern-2", login=True), role("stranger"))
    resolution = resolved(lost(), marks=(mark("summer-intern-2", "User/summer-intern-2"),), on=on)
    assert resolution.taken_back == {"mydb-viewer"}
    obeyed = Obeyed(REGENT, "", "7")
    found = obeyed.takeover(lost(), "7", resolution.taken_back)
    assert found is not None
    assert found.names == {"mydb-viewer"}
    assert obeyed.takeover(lost(), "7", frozenset()) is None, "an empty server is a new one"
    assert obeyed.takeover(lost(), "7", None) is not None, "until somebody has looked"


def test_what_is_accepted_is_taken_without_adopt_and_nothing_else_is() -> None:
    on = server(role("mydb-viewer"), role("flights-admin", login=True))
    before = accepting(lost(), lost_home(REGENT, "7", ("mydb-viewer",)))
    resolution = resolved(before, on=on)
    assert resolution.desired.adopted == {"mydb-viewer"}
    assert resolution.outcomes["User/default/flights-admin"].reason == "ExistsUnmanaged"


def test_taking_back_passes_the_list_of_who_may_adopt_but_not_the_guard_of_superusers() -> None:
    """They were ours before; a superuser never becomes ours by an accident."""
    pushed = state(REFERENCE, regent={"allow": {"adopt": ["nobody"]}})
    before = accepted(pushed).model_copy(
        update={"takes_back": frozenset({"mydb-viewer", "flights-admin"})}
    )
    on = server(role("mydb-viewer"), role("flights-admin", superuser=True))
    resolution = resolved(before, on=on)
    assert resolution.desired.adopted == {"mydb-viewer"}
    assert resolution.outcomes["Role/default/flights-admin"].reason == "NotAllowed"


def test_names_are_taken_back_once() -> None:
    names = frozenset({"a", "b"})
    before = accepted(REFERENCE).model_copy(update={"takes_back": names})
    assert taken_over(before, names) == before, "none has its mark yet"
    assert taken_over(before, frozenset({"b", "c"})).takes_back == {"b"}
    assert taken_over(lost(), frozenset()).is_home_lost is False
    later = accepted(state(REFERENCE, revision=2), before)
    assert later.takes_back == names, "a push in between takes nothing of it away"


def test_a_lost_home_is_still_lost_after_another_push() -> None:
    assert accepted(state(REFERENCE, revision=2), lost()).is_home_lost
    again = accepting(lost(), other_server(REGENT, "1", "2"))
    assert not again.is_home_lost, "on another server it is a Regent's first"


@pytest.mark.rule("8")
def test_the_oid_of_a_mark_means_nothing_on_another_server() -> None:
    """There it may be anybody's: no rename, and no end of a role that is not ours."""
    marks = (mark("mydb-viewer", "Role/mydb-viewer", oid=4711),)
    on = server(role("billing", oid=4711))
    assert resolved(REFERENCE, marks=marks, on=on).desired.roles["mydb-viewer"].renamed_from == (
        "billing"
    ), "on the known server it was renamed"
    elsewhere = marks_on(on, marks, "6")
    resolution = resolved(REFERENCE, marks=elsewhere, on=on)
    assert resolution.desired.roles["mydb-viewer"].renamed_from is None
    assert "billing" not in str(plan(resolution.desired, Observed(on)).changes)
    assert marks_on(on, marks, "7") == marks
    assert marks_on(replace(on, system_identifier=""), marks, "6") == marks


def test_a_stored_state_of_before_is_read_as_it_was() -> None:
    """Without a word of takeovers in it, and without uids."""
    text = accepted(OURS).stored()
    for name in ("past", "lets_in", "is_home_lost", "takes_back"):
        assert name in text
    old = accepted(OURS).model_dump(
        mode="json", exclude={"past", "lets_in", "is_home_lost", "takes_back"}, exclude_none=True
    )
    assert AcceptedState.model_validate(old) == accepted(OURS)
    assert parts_of(etag(OURS))[1] == parts_of(etag(state(REFERENCE, revision=2)))[1]
    assert accepted(OURS).accepted_at == NOON


@pytest.mark.found("E141")
def test_what_a_controller_saw_of_its_source_is_known_when_another_one_pushes() -> None:
    """A new controller has not seen the API server go back, and pushes what it shows."""
    assert as_doubted(OURS, 0) is OURS
    assert as_doubted(OURS, 1).restored == 1
    twice = OURS.model_copy(update={"restored": 2})
    assert as_doubted(twice, 1) is twice


@pytest.mark.found("E152")
def test_who_accepted_one_restore_has_not_accepted_the_next() -> None:
    """Its annotation stays where it was written, and the next one may be known by the same."""
    sign = [Sign("User/a/c", "has generation 3 after 5")]
    later = OURS.model_copy(update={"revision": OURS.revision + 1})
    assert restored(REGENT, OURS, sign).token != restored(REGENT, later, sign).token
    assert other_origin(REGENT, OURS, "2").token != other_origin(REGENT, later, "2").token

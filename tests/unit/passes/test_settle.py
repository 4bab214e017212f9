"""The last word on each resource: Ready is only what was seen (rule 29)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from regent.apply.result import ChangeResult
from regent.changes import AlterRole, Change, Effect, Plan
from regent.gate.brake import Verdict
from regent.gate.refusals import Refusal
from regent.holdings import Holding, How
from regent.observed import Observed
from regent.passes.look import Looked
from regent.passes.outcomes import settle
from shared.keys import ResourceKey
from shared.state import Trouble
from tests.declared import REFERENCE, accepted, resolved, server, state

VIEWER = "Role/default/mydb-viewer"
CHANGE = AlterRole("mydb-viewer", Effect.OPEN, login=True, causes=(ResourceKey.parse(VIEWER),))


def looked(*still_open: Change, **what: Any) -> Looked:
    """The last look of a pass that left this open."""
    wanted = Plan(still_open)
    verdict = what.pop("verdict", Verdict(wanted))
    return Looked(1, resolved(REFERENCE), Observed(server()), wanted, verdict, **what)


def failed(state: str) -> ChangeResult:
    """The server said no."""
    return ChangeResult(CHANGE, done=False, sqlstate=state, message="no", remaining=(CHANGE,))


@pytest.mark.rule("29")
def test_ready_is_what_nothing_is_left_of() -> None:
    """Also when a first try in the same pass was refused, and a second was not."""
    outcomes = settle(looked(), results=[failed("55P03")])
    assert {one.reason for one in outcomes.values()} == {"Applied"}


@pytest.mark.rule("21", "29")
def test_what_the_server_refuses_is_said_to_its_resource_and_hides_no_other() -> None:
    """Refused now, with the SQLSTATE."""
    outcomes = settle(looked(CHANGE), results=[failed("55P03")])
    assert (outcomes[VIEWER].state, outcomes[VIEWER].reason) == ("Reconciling", "Refused")
    assert "55P03" in outcomes[VIEWER].message
    assert {one.reason for key, one in outcomes.items() if key != VIEWER} == {"Applied"}


@pytest.mark.rule("21")
def test_what_was_refused_for_good_stays_not_manageable_in_passes_that_do_not_ask() -> None:
    """With the way out, and never Ready."""
    last = looked(refused=(Refusal(CHANGE, "42501", "permission denied"),))
    outcome = settle(last, results=())[VIEWER]
    assert (outcome.state, outcome.reason) == ("Stalled", "NotManageable")
    assert "Give the Regent's admin the right" in outcome.message


@pytest.mark.rule("25", "28a")
def test_a_restraint_is_the_reason_of_everything() -> None:
    """Observing waits for nobody; another server needs a person."""
    observing = looked(CHANGE, restraint=Trouble(reason="Observing", message="It only looks."))
    said = settle(observing, results=())
    assert {(one.state, one.reason) for one in said.values()} == {("Reconciling", "Observing")}
    assert "It would" in said[VIEWER].message
    elsewhere = looked(restraint=Trouble(reason="TakeoverNeeded", message="Another server."))
    assert {(o.state, o.reason) for o in settle(elsewhere, results=()).values()} == {
        ("Stalled", "TakeoverNeeded")
    }


@pytest.mark.rule("29")
def test_nothing_is_ready_in_a_database_that_could_not_be_read() -> None:
    """What gives something there, and who lists it."""
    outcomes = settle(looked(unread={"mydb": "no such database"}), results=())
    assert {one.reason for one in outcomes.values()} == {"Applied", "DatabaseUnreachable"}
    assert outcomes["Permission/default/connect-to-mydb"].reason == "DatabaseUnreachable"
    assert outcomes["Permission/default/connect-to-mydb"].matches is None
    assert outcomes[VIEWER].reason == "DatabaseUnreachable"
    assert outcomes["User/default/summer-intern-2"].reason == "Applied"


@pytest.mark.rule("28a", "29")
def test_what_waits_in_a_refused_push_is_not_ready_in_the_generation_that_it_has_there() -> None:
    """Its status may be of a past in which it was Ready."""
    needed = Trouble(reason="TakeoverNeeded", message="A restore.")
    waiting = {"User/default/leaver": 3, VIEWER: 9}
    said = settle(looked(restraint=needed, awaiting=waiting), results=())
    leaver = said["User/default/leaver"]
    assert (leaver.state, leaver.reason, leaver.generation) == ("Stalled", "TakeoverNeeded", 3)
    assert (said[VIEWER].reason, said[VIEWER].generation) == ("TakeoverNeeded", 9)
    assert "User/default/leaver" not in settle(looked(), results=())


@pytest.mark.found("E132")
def test_a_plan_says_what_is_not_taken_away_and_never_that_what_waits_holds() -> None:
    """What `apply` would end with 3 for; and a note where the reason says something else."""
    held = (Holding(How.PRIVILEGE, "pg_parameter_acl", 1),)
    observed = Observed(replace(server(), holdings={"mydb-viewer": held}))
    last = replace(looked(), observed=observed)
    for is_dry in (True, False):
        outcome = settle(last, results=(), is_dry=is_dry)[VIEWER]
        assert (outcome.state, outcome.reason) == ("Stalled", "NotTakenAway")
        assert outcome.message.startswith("All that is declared holds. Beyond that 'mydb-viewer' ")
        assert outcome.notes == ()
    to_do = settle(replace(looked(CHANGE), observed=observed), results=(), is_dry=True)[VIEWER]
    assert to_do.reason == "NotTakenAway"
    assert to_do.message.startswith("It would alter role mydb-viewer: LOGIN. Beyond that ")
    withheld = Verdict(Plan(()), withheld_changes=(CHANGE,))
    braked = settle(replace(last, verdict=withheld), results=(), is_dry=True)[VIEWER]
    assert braked.reason == "BrakePulled"
    assert [note.partition(" has ")[0] for note in braked.notes] == [
        "Beyond what is declared 'mydb-viewer'"
    ]


@pytest.mark.rule("11", "29")
@pytest.mark.found("E254")
def test_nobody_is_ready_of_a_database_that_was_not_read() -> None:
    """Not who speaks for PUBLIC there, nor who is declared to have nothing in it."""
    text = "Role/everybody: {database: mydb, public: true}\nUser/ann: {database: mydb}\n"
    closed = {"publicPrivileges": {"other": "Declared"}}
    known = resolved(accepted(state(text, regent=closed)))
    last = replace(looked(unread={"mydb": "permission denied"}), resolution=known)
    outcomes = settle(last, results=())
    assert {one.reason for one in outcomes.values()} == {"DatabaseUnreachable"}
    last = replace(looked(unread={"other": "permission denied"}), resolution=known)
    assert all(one.is_ready for one in settle(last, results=()).values())


@pytest.mark.rule("4")
@pytest.mark.found("E254")
def test_whose_database_nobody_serves_is_not_ready() -> None:
    text = "Role/everybody: {database: nosuch, public: true}\nUser/ann: {database: nosuch}\n"
    last = replace(looked(), resolution=resolved(text))
    found = {(one.state, one.reason) for one in settle(last, results=()).values()}
    assert found == {("Stalled", "NoRegent")}

"""Who is deleted between the loss of a home database and its acceptance is ended, not forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regent.changes import Plan
from regent.gate.brake import Verdict
from regent.gate.takeover import accepting, lost_home, taken_over
from regent.observed import Observed, ObservedServer
from regent.passes.look import Looked
from regent.passes.outcomes import settle
from regent.plan import plan
from regent.remembered import AcceptedState
from regent.resolve import Resolution
from shared.state import Trouble
from tests.declared import accepted, mark, resolved, role, server

pytestmark = [pytest.mark.rule("27", "28a"), pytest.mark.found("E46")]
TWO = "{User/boss: {database: mydb}, User/leaver: {database: mydb, userName: gone}}"
ONE = "User/boss: {database: mydb}"
NEEDED = Trouble(reason="TakeoverNeeded", message="The home database is gone.")
HERE = server(role("boss", login=True), role("gone", login=True))


def lost(two: str = TWO) -> AcceptedState:
    """Two Users were declared after the loss, and one is deleted since."""
    before = accepted(two).model_copy(update={"is_home_lost": True})
    return accepted(ONE, before)


def endings(one: Resolution) -> list[tuple[str, bool, bool]]:
    return [(end.name, end.created, end.is_taken_back) for end in one.desired.endings]


def test_its_role_is_among_those_that_wait_for_a_person_and_is_not_dropped() -> None:
    found = resolved(lost(), on=HERE)
    assert endings(found) == [("gone", False, True)]
    assert found.taken_back == {"boss", "gone"}


def test_it_is_marked_and_ended_once_that_is_accepted() -> None:
    takeover = lost_home("default/my-regent", "7", {"boss", "gone"})
    then = accepting(lost(), takeover)
    found = resolved(then, on=HERE)
    assert endings(found) == [("gone", False, True)]
    ended = [one for one in plan(found.desired, Observed(HERE)).changes if one.role == "gone"]  # type: ignore[union-attr]
    assert [type(one).__name__ for one in ended] == [
        "AdoptRole", "AlterRole", "EndSessions", "ReleaseRole",
    ]  # fmt: skip
    marked = (mark("gone", "User/leaver"),)
    assert endings(resolved(then, on=HERE, marks=marked)) == [("gone", True, False)]
    assert taken_over(then, frozenset({"gone"})).takes_back == {"gone"}


@pytest.mark.parametrize(
    ("spec", "on"),
    [
        ("deletionPolicy: Retain", HERE),
        ("enabled: true", server(role("gone", superuser=True, login=True))),
        ("userName: my-admin", HERE),
        ("userName: nobody", HERE),
    ],
    ids=["Retain", "a superuser", "the admin", "not there"],
)
def test_what_would_not_be_taken_is_not_ended(spec: str, on: ObservedServer) -> None:
    two = "{User/boss: {database: mydb}, User/leaver: {database: mydb, userName: gone, SPEC}}"
    name = spec.partition(": ")[2] if spec.startswith("userName") else ""
    text = two.replace("userName: gone, SPEC", spec) if name else two.replace("SPEC", spec)
    assert endings(resolved(lost(text), on=on)) == []


def test_a_role_is_nobodys_leaver_where_the_home_was_not_lost() -> None:
    one = accepted(ONE, accepted(TWO))
    assert endings(resolved(one, on=HERE)) == []


@pytest.mark.found("E47")
def test_a_look_under_a_restraint_says_of_a_leaver_that_its_access_goes_on() -> None:
    resolution = resolved(lost(), on=HERE)
    last = Looked(1, resolution, Observed(HERE), Plan(()), Verdict(Plan(())), restraint=NEEDED)
    said = settle(last, results=())["User/default/leaver"]
    assert said.reason == "AccessGoesOn"
    assert "The home database is gone; it may still log in" in said.message
    quiet = replace(HERE, roles={"boss": HERE.roles["boss"]})
    gone = replace(last, observed=Observed(quiet))
    assert "User/default/leaver" not in settle(gone, results=())

"""What is called drift (rule 30)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regent.changes import (
    AlterRole,
    DropRole,
    Effect,
    EndSessions,
    HandOnOwned,
    Plan,
    ReleaseRole,
)
from regent.gate.brake import Verdict
from regent.gate.losses import atoms
from regent.passes.drift import NameOfDesired, drift_of, in_force, names_of
from tests.declared import REFERENCE, mark, resolved, role, server

LOGIN = AlterRole("u", Effect.OPEN, login=True)
NOLOGIN = AlterRole("u", Effect.CLOSE, login=False)


@pytest.mark.rule("30")
@pytest.mark.parametrize("is_named_before", [True, False])
def test_only_what_is_desired_anew_has_another_name(is_named_before: bool) -> None:
    """A push, and the first pass of all, are no drift; neither does a restart make one of it."""
    one, other = resolved(REFERENCE).desired, resolved("User/u: {database: mydb}").desired
    names = NameOfDesired()
    if is_named_before:
        names.of(one)
    assert not names.is_another(one, in_force(one))
    assert names.is_another(other, in_force(one))
    assert names.is_another(one, "")
    assert names.of(other) == in_force(other)


@pytest.mark.rule("30")
def test_what_could_not_be_done_before_is_not_said_again() -> None:
    """The same change with other causes is the same change."""
    verdict = Verdict(Plan((LOGIN, NOLOGIN)))
    assert drift_of(verdict, names_of([LOGIN]), ()) == (NOLOGIN,)


@pytest.mark.rule("20", "30")
def test_what_the_brake_lets_through_is_no_drift() -> None:
    """A person released it."""
    verdict = Verdict(Plan((LOGIN, NOLOGIN)), lost=frozenset(atoms(NOLOGIN)))
    assert drift_of(verdict, (), ()) == (LOGIN,)


@pytest.mark.found("E48")
@pytest.mark.rule("27", "30")
def test_the_steps_of_an_end_are_nobodys_deed() -> None:
    """They go on until it is done; LOGIN that somebody gives a leaver again is drift."""
    steps = (HandOnOwned("mydb", "u", "heir"), DropRole("u"), ReleaseRole("u", has_ended=True))
    assert drift_of(Verdict(Plan((NOLOGIN, *steps))), (), ()) == (NOLOGIN,)


@pytest.mark.rule("8", "30")
def test_a_role_that_somebody_renamed_leaves_what_is_desired_as_it_was() -> None:
    """So that renaming it back is drift."""
    marks = (mark("mydb-viewer", "Role/mydb-viewer", oid=7),)
    before = resolved(REFERENCE, marks=marks, on=server(role("mydb-viewer", oid=7))).desired
    after = resolved(REFERENCE, marks=marks, on=server(role("stolen", oid=7))).desired
    assert before != after
    assert in_force(before) == in_force(after)
    assert in_force(replace(after, ignore_roles=("x",))) != in_force(before)


def test_other_causes_make_no_other_change() -> None:
    """A renamed resource is no news."""
    by_one = EndSessions(
        "u", "why", tuple(resolved(REFERENCE).desired.roles["mydb-viewer"].declared_by)
    )
    assert names_of([by_one]) == names_of([EndSessions("u", "why")])


TWO = """
Permission/reads: {database: mydb, actions: [SELECT], schemas: [s], tables: ["*"]}
Role/group: {database: mydb}
User/u: {database: mydb, permissions: [reads], roles: [group]}
User/other: {database: mydb, permissions: [reads]}
"""


@pytest.mark.found("E150")
@pytest.mark.rule("30")
@pytest.mark.parametrize(
    ("change", "anew"),
    [
        (("", ""), frozenset()),
        (
            ("User/other: {database: mydb,", "User/other: {enabled: false, database: mydb,"),
            {"other"},
        ),
        (("User/other: {database: mydb, permissions: [reads]}", ""), frozenset({"other"})),
        ((", roles: [group]", ""), frozenset({"u", "group"})),
        (("SELECT", "INSERT"), frozenset({"u", "other"})),
    ],
    ids=["nothing", "LOGIN", "a leaver", "a membership", "a Permission"],
)
def test_whom_a_push_does_not_speak_of_is_still_watched(
    change: tuple[str, str], anew: frozenset[str]
) -> None:
    """What somebody does to them while it arrives is drift, and told."""
    names = NameOfDesired()
    before = names.of(resolved(TWO).desired)
    assert names.anew(resolved(TWO.replace(*change)).desired, before) == anew
    verdict = Verdict(Plan((LOGIN,)))
    assert bool(drift_of(verdict, (), (), anew)) is ("u" not in anew)


@pytest.mark.rule("30")
def test_after_a_restart_a_push_may_speak_of_anybody() -> None:
    before = in_force(resolved(TWO).desired)
    after = resolved(TWO.replace("SELECT", "INSERT")).desired
    assert NameOfDesired().anew(after, before) is None


@pytest.mark.rule("30")
def test_other_default_privileges_are_desired_anew_of_their_grantee_alone() -> None:
    """In another database too."""
    text = """
Role/r: {database: mydb, defaultPrivileges: [{creator: o, objects: types, actions: [USAGE]}]}
User/u: {database: mydb}
"""
    served, on = ("mydb", "other"), server(role("o"))
    names = NameOfDesired()
    before = names.of(resolved(text, on=on, served=served).desired)
    for change in (("types", "sequences"), ("mydb, default", "other, default")):
        after = resolved(text.replace(*change), on=on, served=served).desired
        assert names.anew(after, before) == frozenset({"r"})

"""Roles that log in though nothing declares them any more are in the Regent's leftovers."""

from __future__ import annotations

from typing import Any

import pytest

from regent.report.loose import loose_leftovers, loose_outcomes
from tests.declared import accepted, mark, resolved, role, server, state

pytestmark = pytest.mark.rule("27", "28")
EVE = "User/default/eve"
ON = server(role("eve", login=True))


@pytest.mark.found("E284")
@pytest.mark.parametrize("regent", ["default/my-regent", "default/one"], ids=["anew", "successor"])
def test_who_was_deleted_between_two_regents_is_named_by_the_second(regent: str) -> None:
    found = resolved("", marks=(mark("eve", "User/eve", regent=regent, released=True),), on=ON)
    (left,) = loose_leftovers(found.unmanaged)
    assert left.role == "eve"
    assert EVE in left.what
    assert 'ALTER ROLE "eve" NOLOGIN' in left.message
    assert ("default/one" in left.message) == (regent == "default/one")


@pytest.mark.found("E284")
@pytest.mark.parametrize(
    ("text", "regent", "more", "on"),
    [
        ("User/eve: {database: mydb}", "default/one", {}, ON),
        ("", "elsewhere/one", {}, ON),
        ("", "default/one", {"ignoreRoles": ["e*"]}, ON),
        ("", "default/one", {}, server(role("eve"))),
        ("", "default/one", {}, server(role("eve", oid=4711, login=True))),
    ],
    ids=["declared again", "foreign namespace", "ignored", "ended", "another of its name"],
)
def test_twin_what_is_settled_or_not_ours_is_not_named(
    text: str, regent: str, more: dict[str, Any], on: Any
) -> None:
    one = mark("eve", "User/eve", regent=regent, released=True)
    if regent == "elsewhere/one":
        one = one.__class__(one.role, regent, one.holder._replace(namespace="elsewhere"),
                            one.origin, one.role_oid, released=True)  # fmt: skip
    found = resolved(state(text, regent=more), marks=(one,), on=on)
    assert [*loose_leftovers(found.unmanaged)] == []


@pytest.mark.found("E283")
def test_a_deleted_user_without_a_mark_is_told_unless_the_role_is_ignored() -> None:
    before = accepted(state("User/eve: {database: mydb}"))
    for more, told in (({}, [EVE]), ({"ignoreRoles": ["eve"]}, [])):
        after = state("", regent=more, revision=2, deleted=(EVE,))
        found = resolved(accepted(after, before), on=ON).unmanaged
        assert [one.resource for one in loose_outcomes(found, ())] == told
        assert [one.role for one in loose_leftovers(found)] == ["eve" for _ in told]
        assert loose_outcomes(found, (EVE,)) == ()

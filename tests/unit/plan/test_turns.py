"""What a plan gives only after something that it takes (rule 22)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regent.changes import (
    AlterRole,
    Change,
    DropRole,
    Effect,
    EndSessions,
    GrantMembership,
    GrantPrivileges,
    RevokeMembership,
    RevokePrivileges,
    SetPassword,
)
from regent.observed import ObservedMembership, ObservedServer
from regent.plan.order import in_order
from regent.plan.turns import turns
from shared.privileges import ObjectKind
from shared.state import Verifier
from tests.declared import role, server

pytestmark = pytest.mark.rule("22")
SELECT = frozenset({"SELECT"})
WITH_U: ObservedServer = replace(
    server(*(role(name) for name in "guvw"), role("above")),
    memberships=(
        ObservedMembership("g", "u", "my-admin", admin=False),
        ObservedMembership("above", "g", "my-admin", admin=False),
    ),
)


def gives(grantee: str) -> GrantPrivileges:
    return GrantPrivileges("mydb", ObjectKind.TABLE, (), SELECT, (grantee,))


def takes(grantee: str) -> RevokePrivileges:
    return RevokePrivileges("mydb", ObjectKind.TABLE, (), SELECT, (grantee,), "owner")


def ordered(*changes: Change) -> list[Change]:
    return list(in_order(changes, turns(changes, WITH_U)))


@pytest.mark.found("E167")
@pytest.mark.parametrize("loses", ["g", "above"])
def test_a_member_comes_after_what_its_role_and_what_that_reaches_lose(loses: str) -> None:
    joins = GrantMembership("g", "v")
    assert ordered(joins, takes(loses)) == [takes(loses), joins]
    assert ordered(joins, takes("v"), takes("w")) == [joins, takes("v"), takes("w")]


@pytest.mark.found("E167")
@pytest.mark.parametrize("gains", ["g", "above"])
def test_a_role_gains_after_its_member_has_left(gains: str) -> None:
    leaves = RevokeMembership("g", "u", "admin")
    assert ordered(gives(gains), leaves) == [leaves, gives(gains)]
    assert ordered(gives("w"), leaves) == [gives("w"), leaves]


@pytest.mark.found("E167")
def test_who_goes_from_one_role_to_another_is_in_both_for_a_while() -> None:
    """Also where the new one has to lose something first."""
    leaves, joins = RevokeMembership("g", "u", "admin"), GrantMembership("w", "u")
    assert ordered(leaves, joins) == [joins, leaves]
    assert ordered(leaves, joins, takes("w")) == [takes("w"), joins, leaves]


@pytest.mark.found("E168")
def test_the_password_of_who_may_not_log_in_any_more_comes_last() -> None:
    password = SetPassword("u", Verifier("SCRAM-SHA-256$x"))
    closes = AlterRole("u", Effect.CLOSE, login=False)
    assert ordered(password, closes, takes("w")) == [closes, takes("w"), password]
    assert ordered(password, AlterRole("v", Effect.CLOSE, login=False)) == [
        password,
        AlterRole("v", Effect.CLOSE, login=False),
    ]


@pytest.mark.found("E178")
def test_what_is_removed_comes_after_all_that_is_in_a_later_turn() -> None:
    """Sessions would keep a group, an heir would lack a right, a member would be in neither."""
    leaves, joins = RevokeMembership("g", "u", "admin"), GrantMembership("w", "u")
    for last in (EndSessions("u", "why", effect=Effect.REMOVE), DropRole("g")):
        assert ordered(last, leaves, joins, takes("w")) == [takes("w"), joins, leaves, last]

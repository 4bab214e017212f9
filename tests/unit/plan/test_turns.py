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
    GatherObjects,
    GrantMembership,
    GrantPrivileges,
    RevokeMembership,
    RevokePrivileges,
    SetOwner,
    SetPassword,
)
from regent.observed import ObservedMembership, ObservedServer
from regent.plan.handing_over import Members
from regent.plan.newcomers import lets_in
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


def gathers(former: str, to: str) -> GatherObjects:
    return GatherObjects(ObjectKind.TABLE, "mydb", "s", to, (), former)


@pytest.mark.found("E224")
@pytest.mark.parametrize("former", ["g", "above"])
def test_a_member_comes_after_objects_have_gone_to_another_owner(former: str) -> None:
    joins, gone = GrantMembership("g", "v"), gathers(former, "w")
    assert ordered(joins, gone, takes("v")) == [takes("v"), gone, joins]
    assert ordered(joins, gathers("v", "w")) == [joins, gathers("v", "w")]


@pytest.mark.found("E224")
def test_objects_go_to_an_owner_that_has_all_and_a_member_comes_to_the_former_one_after_that() -> (
    None
):
    """Also where somebody leaves the new owner later, or the schema goes to it later."""
    leaves, late = RevokeMembership("g", "u", "admin"), GrantMembership("w", "u")
    joins, gone, gains = GrantMembership("v", "w"), gathers("v", "g"), gives("g")
    owns = SetOwner(ObjectKind.SCHEMA, "mydb", "s", "g", 1, "v")
    assert ordered(gone, joins, gains, owns, leaves) == [leaves, owns, gains, gone, joins]
    last = DropRole("x")
    assert ordered(last, gone, joins, late, takes("w"), leaves) == [
        takes("w"), late, leaves, gone, joins, last,
    ]  # fmt: skip


@pytest.mark.found("E224")
def test_who_gets_the_objects_of_a_role_may_join_it_before() -> None:
    """Else code would not go to it, as something is still to come."""
    joins, gone = GrantMembership("v", "w"), gathers("v", "w")
    assert ordered(gone, joins) == [joins, gone]
    assert ordered(gone, joins, gathers("v", "g")) == [gathers("v", "g"), joins, gone]


@pytest.mark.found("E225", "E226")
def test_who_could_not_come_in_is_let_in_after_all_is_taken() -> None:
    login = AlterRole("u", Effect.OPEN, login=True)
    lasts = AlterRole("u", Effect.WIDEN, forever=True)
    assert ordered(lasts, login, takes("above")) == [takes("above"), lasts, login]
    assert ordered(lasts, login, takes("v")) == [lasts, login, takes("v")]


@pytest.mark.found("E225", "E226")
def test_who_can_come_in_is_not_let_in_by_a_new_password() -> None:
    there = role("u", login=True)
    password = SetPassword("u", Verifier("SCRAM-SHA-256$x"))
    limit = AlterRole("u", Effect.WIDEN, connection_limit=5)
    settled = AlterRole("u", Effect.WIDEN, createdb=True)
    for before, role_is_let_in in [
        (there, None),
        (replace(there, login=False), "u"),
        (replace(there, has_expired=True), "u"),
        (replace(there, connection_limit=0), "u"),
    ]:
        members = Members.of(replace(WITH_U, roles={**WITH_U.roles, "u": before}))
        assert lets_in(password, members) == lets_in(limit, members) == role_is_let_in
        assert lets_in(settled, members) is None

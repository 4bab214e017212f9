"""Which adoptions may be made: whole ones, that give nothing that is not allowed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from regent.desired import SettingKey
from regent.observed import ObservedMembership, ObservedRole, ObservedServer
from regent.remembered import Mark
from regent.resolve import Resolution
from shared.keys import ResourceKey
from tests.declared import resolved, role, server, state

ALICE = "User/alice: {database: mydb, adopt: true, %s}"


def on(*roles: ObservedRole, members: tuple[tuple[str, str], ...] = ()) -> ObservedServer:
    """A server with these roles and (group, member) pairs."""
    rows = tuple(ObservedMembership(g, m, "my-admin", admin=False) for g, m in members)
    return replace(server(*roles), memberships=rows)


def said(resolution: Resolution, resource: str = "User/default/alice") -> tuple[str, str]:
    outcome = resolution.outcomes[resource]
    return outcome.reason, outcome.message


@pytest.mark.found("A8")
@pytest.mark.rule("10")
@pytest.mark.parametrize(
    ("declared", "allow", "listed"),
    [
        ("memberOf: [{role: analysts}]", {"memberOf": ["analysts"]}, "memberOf"),
        ("attributes: {createrole: true}", {"attributes": ["createrole"]}, "attributes"),
        ("parameters: {log_statement: none}", {"parameters": ["log_statement"]}, "parameters"),
        ("permissions: [secret]", {"schemas": ["s"]}, "allow"),
    ],
)
def test_an_adoption_that_would_take_away_what_it_declares_is_refused_as_a_whole(
    declared: str, allow: dict[str, Any], listed: str
) -> None:
    """The message has the line to add, with which the role is adopted with all of it."""
    there = role("alice", login=True, createrole=True)
    there = replace(there, settings={SettingKey(None, "log_statement"): "none"})
    server_ = on(there, role("analysts"), members=(("analysts", "alice"),))
    text = (
        "Permission/secret: {database: mydb, schemas: [s], tables: [t], actions: [SELECT]}\n"
        + ALICE % declared
    )
    known: dict[str, Any] = {"known": frozenset({"log_statement"}), "on": server_}
    narrow = state(text, regent={"allow": {"schemas": ["public"], "adopt": ["*"]}})
    refused = resolved(narrow, **known)
    reason, message = said(refused)
    assert "alice" not in refused.desired.roles
    assert reason == "NotAllowed"
    assert "taken away" in message or "take it away" in message
    assert listed in message
    wide = state(text, regent={"allow": {"schemas": ["s"], "adopt": ["*"], **allow}})
    assert resolved(wide, **known).desired.adopted == {"alice"}


@pytest.mark.found("A8")
@pytest.mark.rule("10")
def test_an_adoption_with_a_group_or_permission_that_is_unknown_waits_for_it() -> None:
    """A typo there would take the role out of the group that was meant."""
    server_ = on(role("alice", login=True), role("analysts"), members=(("analysts", "alice"),))
    allow = {"allow": {"memberOf": ["*"]}}
    typo = resolved(state(ALICE % "memberOf: [{role: analyst}]", regent=allow), on=server_)
    assert typo.desired.roles == {}
    assert said(typo)[0] == "RoleNotFound"


@pytest.mark.found("A8")
@pytest.mark.rule("12")
def test_what_is_managed_already_follows_what_is_allowed_and_its_status_says_so() -> None:
    """Narrowing allow applies at once; the message tells what is taken."""
    marks = (
        Mark("alice", "default/my-regent", ResourceKey.parse("User/default/alice"), "adopted", 0),
    )
    server_ = on(role("alice", login=True), role("analysts"), members=(("analysts", "alice"),))
    there = resolved(ALICE % "memberOf: [{role: analysts}]", on=server_, marks=marks)
    assert "alice" in there.desired.roles
    reason, message = said(there)
    assert reason == "NotAllowed"
    assert "it is taken out of it" in message


@pytest.mark.found("A3")
@pytest.mark.rule("10")
def test_a_role_that_stays_in_a_stronger_group_is_not_adopted() -> None:
    """The group is a declared Role that got no role itself: nobody takes its members out."""
    text = ALICE % "roles: [dba]" + "\nRole/dba: {database: mydb}"
    strong = on(role("alice", login=True), role("dba", superuser=True), members=(("dba", "alice"),))
    refused = resolved(text, on=strong)
    assert refused.desired.roles == {}
    assert "reaches superuser" in refused.found.troubles["User/default/alice"][1]
    weak = on(role("alice", login=True), role("dba"), members=(("dba", "alice"),))
    assert resolved(text, on=weak).desired.adopted == {"alice"}
    foreign = (Mark("dba", "default/other", ResourceKey.parse("Role/default/x"), "created", 1),)
    alone = ALICE.replace(", %s", "")
    assert resolved(alone, on=strong, marks=foreign).desired.roles == {}
    assert resolved(alone, on=weak, marks=foreign).desired.adopted == {"alice"}


@pytest.mark.found("E117")
@pytest.mark.rule("10", "12")
@pytest.mark.parametrize("power", ["rds_superuser", "cloudsqlsuperuser", "azure_pg_admin"])
def test_a_role_that_stays_in_a_providers_group_is_adopted_by_its_exact_name_alone(
    power: str,
) -> None:
    """As for `memberOf`: a pattern is written with ordinary roles in mind."""
    foreign = (Mark("team", "default/other", ResourceKey.parse("Role/default/x"), "created", 1),)
    members = (("team", "alice"), (power, "team"))
    on_it = on(role("alice", login=True), role("team", oid=1), role(power), members=members)
    for allowed, adopted in (([], set()), (["*"], set()), ([power], {"alice"})):
        declared = state(ALICE.replace(", %s", ""), regent={"allow": {"memberOf": allowed}})
        found = resolved(declared, on=on_it, marks=foreign)
        assert found.desired.adopted == adopted
        if not adopted:
            assert f"reaches {power} by that" in said(found)[1]
            assert f"add {power} to spec.allow.memberOf" in said(found)[1]


@pytest.mark.found("A3")
@pytest.mark.rule("10")
def test_a_released_role_that_became_a_superuser_is_not_taken_back() -> None:
    """While nobody managed it, somebody made it strong; its holder must not get its password."""
    holder = ResourceKey.parse("User/default/alice")
    marks = (Mark("alice", "default/my-regent", holder, "created", 0, released=True),)
    strong = on(role("alice", login=True, superuser=True))
    refused = resolved("User/alice: {database: mydb}", on=strong, marks=marks)
    assert refused.desired.roles == {}
    assert said(refused)[0] == "NotAllowed"


def held(name: str, holder: str, oid: int) -> Mark:
    """A mark in force."""
    return Mark(name, "default/my-regent", ResourceKey.parse(holder), "created", oid)


@pytest.mark.found("A8")
@pytest.mark.rule("7")
def test_a_rename_waits_while_a_member_names_the_role_by_its_former_name() -> None:
    """It would be taken out of the role, and nobody would say so."""
    marks = (held("old", "Role/default/team", 1), held("ann", "User/default/ann", 2))
    server_ = on(role("old", oid=1), role("ann", oid=2), members=(("old", "ann"),))
    text = "Role/team: {database: mydb, roleName: new}\nUser/ann: {database: mydb%s}"
    stale = resolved(text % ", memberOf: [{role: old}]", on=server_, marks=marks)
    assert said(stale, "Role/default/team")[0] == "NameConflict"
    assert stale.desired.endings == ()
    assert [(one.group, one.member) for one in stale.desired.memberships] == [("old", "ann")]
    told = resolved(text % ", memberOf: [{role: new}]", on=server_, marks=marks)
    assert told.desired.roles["new"].renamed_from == "old"
    assert [(m.group, m.member) for m in told.desired.memberships] == [("new", "ann")]


@pytest.mark.found("A8")
@pytest.mark.rule("7")
def test_members_that_name_a_renamed_role_by_its_former_name_stay_members() -> None:
    """`renamedFrom` tells which one is meant, before the rename and after it."""
    text = (
        "Role/crew: {database: mydb, renamedFrom: team}\n"
        "User/ann: {database: mydb, memberOf: [{role: team}]}"
    )
    for name, holder in (("team", "Role/default/team"), ("crew", "Role/default/crew")):
        marks = (held(name, holder, 1), held("ann", "User/default/ann", 2))
        server_ = on(role(name, oid=1), role("ann", oid=2), members=((name, "ann"),))
        found = resolved(text, on=server_, marks=marks)
        assert [(m.group, m.member) for m in found.desired.memberships] == [("crew", "ann")]
        assert "is called 'crew' now" in found.outcomes["User/default/ann"].notes[0]


@pytest.mark.found("A3")
@pytest.mark.rule("7")
def test_a_role_is_not_handed_over_to_another_namespace() -> None:
    """Its resource is deleted, and somebody elsewhere declares one of the same name."""
    marks = (Mark("alice", "default/my-regent", ResourceKey.parse("User/a/alice"), "created", 1),)
    found = resolved("User/alice: {database: mydb}", on=on(role("alice", oid=1)), marks=marks)
    assert said(found)[0] == "NameConflict"
    assert [ending.name for ending in found.desired.endings] == ["alice"]

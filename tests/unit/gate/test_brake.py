"""A mistake in Git must not take production's access away (rule 20)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from regent.changes import (
    AlterRole,
    Effect,
    HandOver,
    Plan,
    RenameRole,
    RevokePrivileges,
    SetPassword,
)
from regent.gate.baseline import explicit_baseline
from regent.gate.brake import Comparison, Verdict, digest_of_losses, judge
from regent.gate.brake_memory import has_news, is_judged, remember
from regent.gate.deletions import deletions
from regent.gate.identities import Identities
from regent.gate.losses import Atom, without
from regent.observed import (
    AclItem,
    ObjectGroup,
    Observed,
    ObservedDatabase,
    ObservedMembership,
    ObservedServer,
)
from regent.passes.full import decided
from regent.passes.look import Memory, compared
from regent.plan import plan
from regent.plan.matching import Compilations
from regent.remembered import (
    LOSSES_ARE_NAMED_BY,
    AcceptedState,
    BrakeMemory,
    Loss,
    Mark,
    with_editions,
    with_names,
)
from regent.resolve import Situation, resolve
from shared.privileges import ObjectKind
from shared.state import REVEAL
from tests.declared import NOON, REGENT, VERIFIER, accepted, mark, resolved, role, server, state

TEN_ROLES = (
    "Permission/read: {database: mydb, schemas: [s], actions: [SELECT], tables: ['*']}\n"
    + ("".join(f"Role/r{n}: {{database: mydb, permissions: [read]}}\n" for n in range(10)))
)
ROLES = tuple(f"r{n}" for n in range(10))
MARKS = tuple(mark(name, f"Role/{name}") for name in ROLES)


def catalog(
    roles: tuple[str, ...] = ROLES, *, logins: tuple[str, ...] = (), drift: bool = False
) -> Observed:
    """Schema s with table t, readable by all these roles; as drift, r0 may also DELETE."""

    def items(*privileges: str) -> tuple[AclItem, ...]:
        return tuple(AclItem(name, "app", frozenset(privileges)) for name in roles)

    extra = (AclItem("r0", "app", frozenset({"DELETE"})),) if drift else ()
    observed: ObservedServer = server(*(role(name, login=name in logins) for name in roles))
    groups = (
        ObjectGroup(ObjectKind.SCHEMA, None, "app", items("USAGE"), ("s",), (1,)),
        ObjectGroup(ObjectKind.TABLE, "s", "app", items("SELECT") + extra, ("t",), (2,), "r"),
    )
    return Observed(observed, {"mydb": ObservedDatabase("mydb", groups)})


def verdict(
    before: AcceptedState,
    after: AcceptedState,
    observed: Observed,
    *,
    memory: BrakeMemory | None = None,
    marks: tuple[Mark, ...] = MARKS,
    now: Any = NOON,
) -> Verdict:
    """What the brake says to the step from one state to the next."""
    memory = memory or BrakeMemory(baseline=before)
    baseline = explicit_baseline(before, after, memory, now)
    new = resolved(after, marks=marks, on=observed.server, now=now).desired
    old = resolved(baseline, marks=marks, on=observed.server, now=now).desired
    wanted = plan(new, observed)
    known = Identities.of(wanted.changes, observed)
    compared = Comparison(wanted, new, plan(old, observed), old, identities=known)
    return judge(compared, memory, after, now)


@pytest.mark.rule("20")
def test_a_typo_in_a_schema_name_is_withheld() -> None:
    """Ten roles would lose their only table at once."""
    before = accepted(TEN_ROLES)
    after = accepted(TEN_ROLES.replace("schemas: [s]", "schemas: [x]"), before)
    said = verdict(before, after, catalog())
    assert said.is_pulled
    assert {loss.role for loss in said.withheld} == set(ROLES)
    assert not any(isinstance(change, RevokePrivileges) for change in said.plan.changes)


@pytest.mark.rule("20")
def test_an_empty_push_is_withheld() -> None:
    """Every role would go."""
    before = accepted(TEN_ROLES)
    said = verdict(before, accepted("", before), catalog())
    assert said.is_pulled
    assert said.plan.is_empty


@pytest.mark.rule("20")
def test_a_release_is_good_for_exactly_these_losses() -> None:
    """Another push has another digest."""
    before = accepted(TEN_ROLES)
    after = accepted(TEN_ROLES.replace("schemas: [s]", "schemas: [x]"), before)
    digest = verdict(before, after, catalog()).digest
    memory = BrakeMemory(baseline=before, pulled_at=NOON, released_digest=digest)
    released = verdict(before, after, catalog(), memory=memory)
    assert not released.is_pulled
    assert any(isinstance(change, RevokePrivileges) for change in released.plan.changes)
    other = accepted("", before)
    assert verdict(before, other, catalog(), memory=memory).is_pulled


@pytest.mark.rule("20")
def test_gains_of_the_same_push_apply() -> None:
    """Only the losses wait."""
    before = accepted(TEN_ROLES)
    text = TEN_ROLES.replace("schemas: [s]", "schemas: [x]") + "Role/new: {database: mydb}\n"
    said = verdict(before, accepted(text, before), catalog())
    assert said.is_pulled
    assert any(getattr(change, "role", "") == "new" for change in said.plan.changes)


@pytest.mark.rule("20")
def test_correcting_drift_is_not_counted_and_goes_on_while_the_brake_is_pulled() -> None:
    """An intruder's GRANT is taken back, the declared ones are kept."""
    before = accepted(TEN_ROLES)
    same = verdict(before, accepted(TEN_ROLES, before), catalog(drift=True))
    assert not same.is_pulled
    assert not same.let_through
    after = accepted(TEN_ROLES.replace("schemas: [s]", "schemas: [x]"), before)
    said = verdict(before, after, catalog(drift=True))
    revokes = [c for c in said.plan.changes if isinstance(c, RevokePrivileges)]
    assert said.is_pulled
    assert [(r.grantees, r.privileges) for r in revokes] == [(("r0",), frozenset({"DELETE"}))]


@pytest.mark.rule("20")
def test_up_to_two_deletions_an_hour_never_wait_and_three_all_do() -> None:
    """Of a push that deletes more, none goes before the rest."""
    before = accepted(TEN_ROLES)

    def less(count: int) -> AcceptedState:
        kept = [x for x in TEN_ROLES.splitlines() if x.split(":")[0][5:] not in ROLES[:count]]
        return accepted("\n".join(kept), before)

    assert not verdict(before, less(2), catalog()).is_pulled
    six = verdict(before, less(6), catalog())
    assert six.is_pulled
    assert six.plan.is_empty
    tired = BrakeMemory(baseline=before, deletions=((NOON, "Role/default/a"),) * 1)
    assert deletions(tired, less(2)) == ("Role/default/r0", "Role/default/r1")
    said = explicit_baseline(before, less(2), tired, NOON)
    assert "Role/default/r0" in said.state.resources


@pytest.mark.rule("20")
def test_the_last_login_waits() -> None:
    """Whoever deletes the only User there is, is asked."""
    text = "User/u: {database: mydb}"
    before = accepted(text)
    marks = (mark("u", "User/u"),)
    said = verdict(before, accepted("", before), catalog(("u",), logins=("u",)), marks=marks)
    assert said.is_pulled


@pytest.mark.rule("20")
def test_the_last_login_waits_however_many_roles_there_are() -> None:
    """By that alone: it is one deletion, and one of eleven roles."""
    before = accepted(f"{TEN_ROLES}User/u: {{database: mydb}}")
    marks = (*MARKS, mark("u", "User/u"))
    observed = catalog((*ROLES, "u"), logins=("u",))
    said = verdict(before, accepted(TEN_ROLES, before), observed, marks=marks)
    assert said.why == "the last role with LOGIN would lose it"


@pytest.mark.rule("20")
def test_more_than_half_of_the_roles_wait_however_few_they_are() -> None:
    """By that alone: three losses are fewer than the least that counts."""
    names = ("a", "b", "c", "d")
    before = accepted("".join(f"Role/{name}: {{database: mydb}}\n" for name in names))
    marks = tuple(mark(name, f"Role/{name}") for name in names)
    observed = replace(catalog(names), databases={})
    after = accepted("Role/a: {database: mydb}", before)
    said = verdict(before, after, observed, marks=marks)
    assert said.why == "3 of 4 roles would end: more than half"


@pytest.mark.rule("20")
def test_a_disabled_user_never_waits() -> None:
    """`enabled: false` is explicit, also for the last login."""
    before = accepted("User/u: {database: mydb}")
    after = accepted("User/u: {database: mydb, enabled: false}", before)
    marks = (mark("u", "User/u"),)
    said = verdict(before, after, catalog(("u",), logins=("u",)), marks=marks)
    assert not said.is_pulled
    assert not said.plan.is_empty


@pytest.mark.rule("20")
def test_what_was_taken_within_the_hour_counts_on() -> None:
    """Small pushes one after the other do not get around it; an hour later they are forgotten."""
    before = accepted(TEN_ROLES)
    memory = BrakeMemory(baseline=before)
    pulled_at = None
    current = before
    for count in range(1, 6):
        text = TEN_ROLES
        for name in ROLES[:count]:
            text = text.replace(
                f"{name}: {{database: mydb, permissions: [read]}}", f"{name}: {{database: mydb}}"
            )
        after = accepted(text, current)
        left = tuple(name for name in ROLES if name not in ROLES[: count - 1])
        said = verdict(current, after, catalog(left), memory=memory)
        if said.is_pulled:
            pulled_at = count
            break
        memory = remember(memory, said, after, NOON)
        current = after
    assert pulled_at == 3
    later = verdict(current, after, catalog(left), memory=memory, now=NOON + timedelta(hours=2))
    assert not later.is_pulled


@pytest.mark.rule("20")
def test_adopting_is_counted() -> None:
    """Taking over a busy role takes away what it had."""
    text = "Role/legacy: {database: mydb, adopt: true}"
    observed = catalog(("legacy",))
    tables = observed.databases["mydb"].groups[1]
    many = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"})
    wide = ObjectGroup(
        tables.kind, "s", "app", (AclItem("legacy", "app", many),), ("t",), (2,), "r"
    )
    observed = Observed(
        observed.server,
        {"mydb": ObservedDatabase("mydb", (observed.databases["mydb"].groups[0], wide))},
    )
    nothing = accepted("")
    said = verdict(nothing, accepted(text, nothing), observed, marks=())
    assert said.is_pulled


@pytest.mark.rule("20")
def test_the_regent_can_set_the_numbers_or_disable_it() -> None:
    """`brake: Disabled` is for those who know."""
    before = accepted(TEN_ROLES)
    text = TEN_ROLES.replace("schemas: [s]", "schemas: [x]")
    off = accepted(state(text, regent={"brake": {"mode": "Disabled"}}), before)
    assert not verdict(before, off, catalog()).is_pulled
    high = accepted(state(text, regent={"brake": {"minimum": 1000}}), before)
    assert not verdict(before, high, catalog()).is_pulled


@pytest.mark.rule("20")
def test_the_pulled_brake_latches_until_nothing_is_withheld() -> None:
    """Fewer losses later still wait; the state put right lets go of it."""
    before = accepted(TEN_ROLES)
    memory = BrakeMemory(baseline=before, pulled_at=NOON)
    one = TEN_ROLES.replace("r0: {database: mydb, permissions: [read]}", "r0: {database: mydb}")
    assert verdict(before, accepted(one, before), catalog(), memory=memory).is_pulled
    right = verdict(before, accepted(TEN_ROLES, before), catalog(), memory=memory)
    assert not right.is_pulled
    assert remember(memory, right, accepted(TEN_ROLES, before), NOON).pulled_at is None


def test_a_membership_lost_is_a_loss() -> None:
    """Edges are not only object privileges."""
    text = "Role/r0: {database: mydb}\nUser/u: {roles: [r0]}"
    before = accepted(text)
    after = accepted("Role/r0: {database: mydb}\nUser/u: {database: mydb}", before)
    marks = (mark("r0", "Role/r0"), mark("u", "User/u"))
    observed = server(role("r0"), role("u", login=True))
    with_member = Observed(
        ObservedServer(
            version_num=observed.version_num,
            system_identifier="7",
            admin="my-admin",
            admin_is_superuser=True,
            roles=observed.roles,
            memberships=(ObservedMembership("r0", "u", "my-admin", admin=False),),
        ),
        {"mydb": ObservedDatabase("mydb")},
    )
    said = verdict(before, after, with_member, marks=marks)
    assert [loss.edge for loss in said.let_through] == [("u", "MEMBERSHIP", "r0")]


@pytest.mark.rule("20")
def test_deletions_that_did_not_wait_are_remembered_for_an_hour() -> None:
    """Two and two more are four: the second push has to be judged."""
    before = accepted(TEN_ROLES)

    def less(count: int, previous: AcceptedState) -> AcceptedState:
        kept = [x for x in TEN_ROLES.splitlines() if x.split(":")[0][5:] not in ROLES[:count]]
        return accepted("\n".join(kept), previous)

    two = less(2, before)
    memory = BrakeMemory(baseline=before)
    memory = remember(memory, verdict(before, two, catalog(), memory=memory), two, NOON)
    assert [key for _, key in memory.deletions] == ["Role/default/r0", "Role/default/r1"]
    four = less(4, two)
    assert "Role/default/r2" in explicit_baseline(two, four, memory, NOON).state.resources
    later = NOON + timedelta(hours=1)
    assert "Role/default/r2" not in explicit_baseline(two, four, memory, later).state.resources


@pytest.mark.rule("20")
def test_the_digest_that_was_seen_is_the_same_after_a_restart_and_with_another_salt() -> None:
    """The home database gives resources back in another order, a plan makes new verifiers."""
    before = accepted(TEN_ROLES)
    after = accepted(TEN_ROLES.replace("schemas: [s]", "schemas: [x]"), before)
    backwards = dict(reversed(after.state.resources.items()))
    restarted = after.model_copy(
        update={"state": after.state.model_copy(update={"resources": backwards, "revision": 9})}
    )
    seen = verdict(before, after, catalog()).digest
    assert verdict(before, restarted, catalog()).digest == seen
    text = "User/u: {database: mydb, passwordSecretRef: {name: s, key: k}}"
    loss = [Loss(role="u", kind="ROLE", privilege="LOGIN")]
    other = VERIFIER.replace("A" * 43, "C" * 43)
    first, second = (
        digest_of_losses(loss, state(text, passwords={"User/u": {"verifier": one}}), BrakeMemory())
        for one in (VERIFIER, other)
    )
    assert first == second


@pytest.mark.rule("18", "20")
def test_what_a_reference_never_found_takes_away_after_its_minute_is_judged_then() -> None:
    """A typo in the name of a Permission: the form before counts for a minute, the brake after."""
    before = accepted(TEN_ROLES)
    after = accepted(TEN_ROLES.replace("permissions: [read]", "permissions: [raed]"), before)
    memory = BrakeMemory(baseline=before)
    waiting = verdict(before, after, catalog(), memory=memory)
    assert resolved(after, marks=MARKS, on=catalog().server).is_waiting
    assert not waiting.is_pulled
    memory = remember(memory, waiting, after, NOON, is_final=False)
    assert memory.baseline == before
    later = NOON + timedelta(seconds=60)
    assert not resolved(after, marks=MARKS, on=catalog().server, now=later).is_waiting
    assert verdict(before, after, catalog(), memory=memory, now=later).is_pulled


@pytest.mark.found("E379")
@pytest.mark.rule("20")
def test_what_was_let_through_is_so_whatever_that_is_called_by_then() -> None:
    """Half of a release is done, and somebody renames the table before the rest."""
    before = accepted(TEN_ROLES)
    after = accepted(TEN_ROLES.replace("schemas: [s]", "schemas: [x]"), before)
    seen = verdict(before, after, catalog())
    memory = BrakeMemory(baseline=before, pulled_at=NOON, released_digest=seen.digest)
    released = verdict(before, after, catalog(), memory=memory)
    memory = remember(memory, released, after, NOON, is_final=False)
    half = catalog(ROLES[5:])
    schema, table = half.databases["mydb"].groups
    renamed = replace(half.databases["mydb"], groups=(schema, replace(table, names=("t2",))))
    moved = replace(half, databases={"mydb": renamed})
    assert not verdict(before, after, moved, memory=memory).is_pulled


@pytest.mark.found("E382")
@pytest.mark.rule("20")
def test_a_brake_that_is_pulled_stays_so_over_an_upgrade_that_names_losses_otherwise() -> None:
    """What it had let through, and cannot tell any more, is judged once more."""
    before = accepted(TEN_ROLES)
    after = accepted(TEN_ROLES.replace("schemas: [s]", "schemas: [x]"), before)
    through = frozenset({"by another scheme"})
    memory = BrakeMemory(baseline=before, pulled_at=NOON, let_through=through)
    memory = memory.model_copy(update={"let_through_of": str(after.edition), "owed": through})
    upgraded = with_names(memory)
    assert (upgraded.pulled_at, upgraded.baseline) == (NOON, before)
    said = verdict(before, after, catalog(), memory=upgraded)
    assert said.is_pulled
    assert said.digest == verdict(before, after, catalog(), memory=memory).digest
    assert not upgraded.let_through
    known = memory.model_copy(update={"named": LOSSES_ARE_NAMED_BY})
    assert with_names(known) is known


@pytest.mark.rule("20")
def test_what_was_let_through_is_not_judged_again_by_later_looks() -> None:
    """Half of a release is done, a database could not be read: the rest needs no other release."""
    before = accepted(TEN_ROLES)
    after = accepted(TEN_ROLES.replace("schemas: [s]", "schemas: [x]"), before)
    seen = verdict(before, after, catalog())
    memory = BrakeMemory(baseline=before, pulled_at=NOON, released_digest=seen.digest)
    released = verdict(before, after, catalog(), memory=memory)
    half = catalog(ROLES[5:])
    assert verdict(before, after, half, memory=memory).is_pulled
    memory = remember(memory, released, after, NOON, is_final=False)
    memory = BrakeMemory.model_validate_json(memory.model_dump_json(context=REVEAL, by_alias=True))
    assert memory.baseline == before
    assert not verdict(before, after, half, memory=memory).is_pulled
    other = accepted(TEN_ROLES.replace("schemas: [s]", "schemas: [y]"), after)
    assert verdict(before, other, half, memory=memory).is_pulled


@pytest.mark.found("A11")
@pytest.mark.rule("20")
def test_a_release_is_good_once_also_when_the_same_mistake_is_made_again() -> None:
    """Released, restored, repeated: the third push has another digest, and so has a fourth."""
    before = accepted(TEN_ROLES)
    typo = accepted(TEN_ROLES.replace("schemas: [s]", "schemas: [x]"), before)
    memory = BrakeMemory(baseline=before)
    digests = set()
    for _ in range(3):
        seen = verdict(memory.baseline or before, typo, catalog(), memory=memory)
        memory = remember(memory, seen, typo, NOON)
        assert seen.is_pulled
        assert seen.digest not in digests
        digests.add(seen.digest)
        memory = memory.model_copy(update={"released_digest": seen.digest})
        released = verdict(memory.baseline or before, typo, catalog(), memory=memory)
        assert not released.is_pulled
        memory = remember(memory, released, typo, NOON)
        restored = accepted(TEN_ROLES, typo)
        memory = remember(memory, verdict(typo, restored, catalog(), memory=memory), restored, NOON)


@pytest.mark.found("A11")
@pytest.mark.rule("20")
def test_a_digest_that_was_not_used_is_void_once_the_brake_has_let_go() -> None:
    """Put right instead of released: the annotation that comes too late releases nothing later."""
    before = accepted(TEN_ROLES)
    typo = accepted(TEN_ROLES.replace("schemas: [s]", "schemas: [x]"), before)
    first = verdict(before, typo, catalog())
    memory = remember(BrakeMemory(baseline=before), first, typo, NOON)
    right = accepted(TEN_ROLES, typo)
    memory = remember(memory, verdict(before, right, catalog(), memory=memory), right, NOON)
    late = memory.model_copy(update={"released_digest": first.digest})
    assert verdict(before, typo, catalog(), memory=late).is_pulled


@pytest.mark.found("E87")
def test_a_release_that_comes_after_the_look_was_judged_is_heard_by_the_next_one() -> None:
    """And one for something else is heard, and void, then."""
    before = accepted(TEN_ROLES)
    typo = accepted(TEN_ROLES.replace("schemas: [s]", "schemas: [x]"), before)
    memory = BrakeMemory(baseline=before)
    judged = verdict(before, typo, catalog(), memory=memory)
    for digest, is_pulled in ((judged.digest, False), ("0123456789abcdef", True)):
        told = memory.model_copy(update={"released_digest": digest})
        told = remember(told, judged, typo, NOON)
        next_one = verdict(before, typo, catalog(), memory=told)
        assert next_one.is_pulled is is_pulled
        assert remember(told, next_one, typo, NOON).released_digest == ""


@pytest.mark.rule("20")
def test_drift_beside_a_withheld_attribute_is_still_corrected() -> None:
    """Somebody made it a superuser meanwhile; only the declared loss of CREATEDB waits."""
    change = AlterRole("r", Effect.NARROW, superuser=False, createdb=False)
    reduced, touched = without(Plan((change,)), frozenset({Atom("r", "ROLE", "CREATEDB")}))
    assert reduced.changes == (AlterRole("r", Effect.NARROW, superuser=False),)
    assert touched == (change,)


@pytest.mark.rule("20")
def test_a_push_that_takes_nothing_away_is_no_news_for_the_brake_but_its_baseline() -> None:
    """So nothing has to be stored before it is carried out."""
    before = accepted(TEN_ROLES)
    after = accepted(TEN_ROLES.replace("actions: [SELECT]", "actions: [SELECT, INSERT]"), before)
    memory = BrakeMemory(baseline=before)
    gain = remember(memory, verdict(before, after, catalog()), after, NOON)
    assert gain.baseline == after
    assert not has_news(gain, memory)
    loss = remember(gain, verdict(after, accepted("", after), catalog()), after, NOON)
    assert has_news(loss, gain)


@pytest.mark.found("A2")
@pytest.mark.rule("10", "20")
def test_a_role_that_gets_another_holder_keeps_its_password_while_its_losses_wait() -> None:
    """Else the new holder would log in with what is withheld; the rename itself goes on."""
    before = accepted(TEN_ROLES + "User/old: {database: mydb, permissions: [read]}")
    text = (
        "User/new: {database: mydb, renamedFrom: old, passwordSecretRef: {name: s, key: k}}\n"
        "Permission/read: {database: mydb, schemas: [x], actions: [SELECT], tables: ['*']}\n"
        + ("".join(f"Role/r{n}: {{database: mydb, permissions: [read]}}\n" for n in range(10)))
    )
    pushed = state(text, passwords={"User/new": {"verifier": VERIFIER}})
    after = accepted(pushed, before)
    marks = (*MARKS, mark("old", "User/old"))
    observed = catalog((*ROLES, "old"), logins=("old",))
    situation = Situation(
        accepted=after,
        marks=marks,
        server=observed.server,
        regent=REGENT,
        served=("mydb",),
        now=NOON,
    )
    memory = Memory(accepted=after, brake=BrakeMemory(baseline=before))
    seen = compared(situation, resolve(situation), observed, {}, memory, Compilations())
    assert seen.verdict.is_pulled
    assert any(isinstance(change, RenameRole) for change in seen.verdict.plan.changes)
    assert not any(isinstance(change, SetPassword) for change in seen.verdict.plan.changes)
    assert any(isinstance(change, SetPassword) for change in seen.verdict.withheld_changes)
    known = decided(memory.brake, seen, after, NOON)
    assert known.renamed == {"new"}
    # Nor is whoever has it put out: it is handed over when the losses may happen.
    put_out = {c for c in seen.verdict.plan.changes if isinstance(c, AlterRole | HandOver)}
    assert not put_out
    assert known.handed == frozenset()


@pytest.mark.found("E2")
def test_the_accepted_state_has_another_edition_when_something_else_shall_hold() -> None:
    """The same content twice is another state after another one; told again at once it is not."""
    unreadable = state("", absent_means="Vanished")
    full = accepted(TEN_ROLES)
    vanished = accepted(unreadable, full)
    again = accepted(unreadable.model_copy(update={"revision": 7}), vanished)
    let_go = accepted(unreadable.model_copy(update={"deleted": tuple(full.state.resources)}), again)
    untold = accepted(unreadable, let_go)
    assert untold.push_etag == vanished.push_etag
    editions = [one.edition for one in (full, vanished, again, let_go, untold)]
    assert editions == [1, 2, 2, 3, 3]


@pytest.mark.found("E2")
def test_another_salt_is_no_other_edition() -> None:
    user = "User/u: {database: mydb, passwordSecretRef: {name: s, key: k}}"
    before = accepted(state(user, passwords={"User/u": {"verifier": VERIFIER}}))
    other = VERIFIER.replace("A" * 43, "C" * 43)
    after = accepted(state(user, passwords={"User/u": {"verifier": other}}), before)
    assert after.push_etag != before.push_etag
    assert after.edition == before.edition


@pytest.mark.found("E2")
def test_what_an_older_version_let_through_stays_so_and_nothing_else() -> None:
    """It stored no editions: the same push is the same state only where it says the same."""
    full = accepted(TEN_ROLES)
    vanished = accepted(state("", absent_means="Vanished"), full)
    deleted = {"deleted": tuple(full.state.resources)}
    let_go = accepted(
        vanished.state.model_copy(update={"resources": {}, "held": {}} | deleted), full
    )
    older = [one.model_copy(update={"edition": 0}) for one in (vanished, let_go)]
    is_known = {"push_etag": older[0].push_etag}
    older[1] = older[1].model_copy(update=is_known)
    through = {"let_through": frozenset({"x"}), "let_through_of": older[0].push_etag}
    for baseline, now, is_let_through in [(0, 0, True), (1, 1, True), (0, 1, False), (1, 0, False)]:
        stored = BrakeMemory(baseline=older[baseline], pulled_at=NOON, **through)
        state_, memory = with_editions(older[now], stored)
        assert state_ is not None
        assert is_judged(memory, state_) is is_let_through
        assert memory.let_through_of == str(state_.edition)
        assert memory.pulled_at == NOON
        assert not is_judged(memory, accepted(TEN_ROLES.replace("r1:", "r11:"), state_))

"""What the server refused for good is left out, and goes on being said (rule 21)."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from regent.apply.result import ChangeResult
from regent.apply.run import as_too_early
from regent.changes import (
    AlterRole,
    CreateOwned,
    CreateRole,
    DisableRole,
    DropRole,
    Effect,
    EndSessions,
    GrantMembership,
    GrantPrivileges,
    ObjectRef,
    Plan,
    RevokePrivileges,
)
from regent.desired import Attributes
from regent.gate.refusals import (
    asked_soon_at,
    keys_of,
    known_for,
    refusals,
    rights_of_admin,
    still_refused,
    without_refused,
)
from regent.observed import ObservedMembership
from shared.keys import ResourceKey
from shared.privileges import ObjectKind
from tests.declared import NOON, role, server

A, B, C = (ObjectRef(n, "s", name, "r", "app") for n, name in enumerate("abc", 1))


def grant(*objects: ObjectRef, to: tuple[str, ...] = ("x", "y")) -> GrantPrivileges:
    """SELECT and INSERT on these tables."""
    return GrantPrivileges("mydb", ObjectKind.TABLE, objects, frozenset({"SELECT", "INSERT"}), to)


def refused(change: GrantPrivileges | RevokePrivileges | DropRole, state: str) -> ChangeResult:
    """As the server said no."""
    return ChangeResult(change, done=False, sqlstate=state, message="no", remaining=(change,))


@pytest.mark.rule("21")
def test_only_the_objects_that_were_refused_are_left_out() -> None:
    """The others of the same statement are asked for."""
    known = refusals([refused(grant(B), "42501")], NOON)
    kept, left_out = without_refused(Plan((grant(A, B, C),)), known)
    assert kept.changes == (grant(A, C),)
    assert [(one.change, one.sqlstate) for one in left_out] == [(grant(B), "42501")]
    assert "right" in left_out[0].way_out


@pytest.mark.found("B14")
@pytest.mark.rule("21")
def test_an_edge_is_known_again_in_whatever_statement_it_comes() -> None:
    """What is remembered was narrowed to one grantee; the next plan has both of them."""
    known = refusals([refused(grant(B, to=("x",)), "42501")], NOON)
    kept, left_out = without_refused(Plan((grant(A, B, C),)), known)
    assert kept.changes == (grant(A, C), grant(B, to=("y",)))
    assert [one.change for one in left_out] == [grant(B, to=("x",))]
    wider = replace(grant(B, to=("x",)), privileges=frozenset({"SELECT", "DELETE"}))
    kept, left_out = without_refused(Plan((wider,)), known)
    assert kept.changes == (replace(wider, privileges=frozenset({"DELETE"})),)
    later = replace(grant(B), effect=Effect.NARROW, causes=())
    both = {**known, **refusals([refused(grant(B, to=("y",)), "42501")], NOON)}
    assert without_refused(Plan((later,)), both)[0].is_empty


@pytest.mark.rule("21")
def test_what_may_work_next_time_is_not_remembered() -> None:
    """A lock that another session held."""
    assert refusals([refused(grant(B), "55P03")], NOON) == {}


@pytest.mark.rule("21")
def test_after_an_hour_it_is_asked_again() -> None:
    """Somebody may have given the right meanwhile."""
    known = refusals([refused(grant(B), "42501")], NOON)
    assert still_refused(known, NOON + timedelta(minutes=59)) == known
    assert still_refused(known, NOON + timedelta(minutes=60)) == {}


@pytest.mark.rule("21", "27")
def test_the_end_of_a_role_that_cannot_be_dropped_is_over_until_it_can() -> None:
    """Its sessions are not ended in every pass; when it may log in again, they are."""
    drop, end = DropRole("x"), EndSessions("x", "why")
    known = refusals([refused(drop, "2BP01")], NOON)
    kept, left_out = without_refused(Plan((end, drop)), known)
    assert kept.is_empty
    assert [one.change for one in left_out] == [drop]
    close = AlterRole("x", Effect.CLOSE, login=False)
    assert without_refused(Plan((close, end, drop)), known)[0].changes == (close, end)


@pytest.mark.rule("21")
def test_a_change_has_the_same_name_in_every_process() -> None:
    """Sets are shown in another order after each start."""
    code = (
        "from tests.unit.gate.test_refusals import A, B, grant;"
        "from regent.gate.refusals import keys_of; print(*keys_of(grant(A, B)))"
    )
    for seed in ("1", "2"):
        found = subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
        )
        assert found.stdout.strip() == " ".join(keys_of(grant(A, B))), found.stderr


@pytest.mark.rule("21", "27")
@pytest.mark.found("E49")
def test_what_ends_access_is_asked_again_after_a_minute() -> None:
    """Somebody who shall not may log in all that time."""
    close = AlterRole("x", Effect.CLOSE, login=False)
    widen = AlterRole("y", Effect.WIDEN, createdb=True)
    results = [
        ChangeResult(one, done=False, sqlstate="42501", message="no", remaining=(one,))
        for one in (close, widen)
    ]
    known = refusals(results, NOON)
    assert asked_soon_at(known, NOON) == NOON + timedelta(minutes=1)
    later = still_refused(known, NOON + timedelta(minutes=1))
    kept, left_out = without_refused(Plan((close, widen)), later)
    assert kept.changes == (close,)
    assert [one.change for one in left_out] == [widen]
    assert asked_soon_at(later, NOON) is None


@pytest.mark.rule("21")
@pytest.mark.found("E49")
def test_the_admin_has_other_rights_with_another_attribute_or_group_that_it_uses() -> None:
    """A group that it only administers, as each role that it makes from 16 on, gives it nothing."""
    admin = role("my-admin", createrole=True)
    before = rights_of_admin(replace(server(), roles={"my-admin": admin}))
    power = replace(admin, attributes=replace(admin.attributes, superuser=True))
    assert rights_of_admin(replace(server(), roles={"my-admin": power})) != before

    def of(**options: bool) -> frozenset[str]:
        row = ObservedMembership("app_owner", "my-admin", "postgres", **options)
        return rights_of_admin(replace(server(), roles={"my-admin": admin}, memberships=(row,)))

    assert of(admin=False, inherit=True, set_role=True) != before
    assert of(admin=True, inherit=False, set_role=False) == before


@pytest.mark.rule("11", "21")
def test_whom_the_admin_may_not_disable_is_not_thrown_out_again_and_again() -> None:
    """It keeps LOGIN, and would be back at once; whoever is disabled is put out."""
    disable, end = DisableRole("x", 7), EndSessions("x", "nobody declares it")
    other, its_end = DisableRole("y", 8), EndSessions("y", "nobody declares it")
    known = refusals([ChangeResult(disable, False, "42501", "no", remaining=(disable,))], NOON)
    kept, left_out = without_refused(Plan((disable, end, other, its_end)), known)
    assert kept.changes == (other, its_end)
    assert [one.change for one in left_out] == [disable]


TAKES = RevokePrivileges("mydb", ObjectKind.TABLE, (A,), frozenset({"SELECT"}), ("x",), "app")


@pytest.mark.rule("21")
@pytest.mark.found("E200")
def test_what_takes_is_asked_again_within_seconds_and_later_each_time() -> None:
    """An owner can have it refused for a moment, and would keep it for an hour."""
    known, now, waits = (
        refusals([refused(TAKES, "42501"), refused(grant(B), "42501")], NOON),
        NOON,
        [],
    )
    for _ in range(9):
        at = asked_soon_at(known, now)
        assert at is not None
        waits.append((at - now).total_seconds())
        assert without_refused(Plan((TAKES,)), still_refused(known, now))[0].is_empty
        left = without_refused(Plan((TAKES, grant(B))), still_refused(known, at))[0]
        assert left.changes == (TAKES,)
        now, known = at, {**known, **refusals([refused(TAKES, "42501")], at, known)}
    assert waits == [5, 5, 10, 20, 40, 80, 160, 300, 300]
    assert asked_soon_at(known, now + timedelta(minutes=5)) is None


@pytest.mark.rule("21")
@pytest.mark.found("E200")
def test_nobody_is_thrown_out_each_time_that_what_takes_is_asked_again() -> None:
    """Sessions of an adopted role end with what is taken from it: that waits for the hour."""
    known, later = refusals([refused(TAKES, "42501")], NOON), NOON + timedelta(minutes=10)
    end = EndSessions("x", "it is adopted", effect=Effect.REMOVE)
    assert not known_for(Plan((TAKES,)), known, later)
    plan = Plan((TAKES, end))
    assert without_refused(plan, known_for(plan, known, later))[0].is_empty
    assert not known_for(plan, known, NOON + timedelta(hours=1))


@pytest.mark.rule("21")
@pytest.mark.found("E263")
def test_what_is_about_a_role_that_cannot_be_made_waits_with_it_and_is_no_others_fault() -> None:
    """Seen: "role zoe does not exist" on a Role that is as declared, remembered for an hour."""
    zoe, crew = ResourceKey("User", "default", "zoe"), ResourceKey("Role", "default", "crew")
    make = CreateRole("zoe", zoe, Attributes(createdb=True), causes=(zoe,))
    join = GrantMembership("crew", "zoe", causes=(crew, zoe))
    both = replace(grant(A, to=("x", "zoe")), causes=(crew,))
    owns = CreateOwned(ObjectKind.SCHEMA, "mydb", "s", "zoe", causes=(zoe,))
    no = ChangeResult(make, done=False, sqlstate="42501", message="no", remaining=(make,))
    kept, left_out = without_refused(Plan((make, join, both, owns)), refusals([no], NOON))
    assert kept.changes == (replace(both, grantees=("x",)),)
    assert {one.message for one in left_out} == {"no"}
    assert {one.change.causes for one in left_out} == {(zoe,)}
    # Where the group cannot be made its member has to say so.
    group = CreateRole("crew", crew, Attributes(createdb=True), causes=(crew,))
    no = ChangeResult(group, done=False, sqlstate="42501", message="no", remaining=(group,))
    _, left_out = without_refused(Plan((group, join)), refusals([no], NOON))
    assert [one.change for one in left_out] == [group, join]


@pytest.mark.rule("21")
@pytest.mark.found("E263")
def test_what_came_too_early_in_the_same_stretch_is_not_remembered() -> None:
    """Nor is it said that its role is not there: that could not be made."""
    zoe = ResourceKey("User", "default", "zoe")
    make = CreateRole("zoe", zoe, Attributes())
    join, other = GrantMembership("crew", "zoe"), GrantMembership("gone", "x")
    results = [
        ChangeResult(make, done=False, sqlstate="42501", message="no", remaining=(make,)),
        ChangeResult(join, done=False, sqlstate="42704", message="no zoe", remaining=(join,)),
        ChangeResult(other, done=False, sqlstate="42704", message="no gone", remaining=(other,)),
    ]
    found = tuple(as_too_early(results))
    assert [one.sqlstate for one in found] == ["42501", "55P03", "42704"]
    assert len(refusals(found, NOON)) == 2

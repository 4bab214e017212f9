"""Who gave what a paused role has, asked of all that is remembered (rule 26, ADR 45)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from regent.changes import (
    AlterSetting,
    GrantMembership,
    RevokeDefaults,
    RevokeMembership,
    RevokePrivileges,
    SetOwner,
)
from regent.desired import SettingKey
from regent.gate.approval import making_way
from regent.observed import (
    AclItem,
    ObjectGroup,
    ObservedColumn,
    ObservedDatabase,
    ObservedDefault,
    ObservedMembership,
    ObservedServer,
)
from regent.passes.full import decided
from regent.passes.look import Looked
from regent.remembered import BrakeMemory, with_names
from shared.privileges import ObjectKind
from shared.state import REVEAL
from tests.declared import NOON, accepted, mark, role, server, state
from tests.unit.gate.test_pauses import TABLE, done, look, paused, there

pytestmark = pytest.mark.rule("26")
READ = """
Permission/read: {database: mydb, schemas: [s], actions: [SELECT], tables: ["*"]}
Role/viewer: {database: mydb, permissions: [read]}
User/eve: {database: mydb}
"""
TAKEN = READ.replace("permissions: [read]", "permissions: []")


def privileges(looked: Looked) -> list[frozenset[str]]:
    """What is taken of objects."""
    return [one.privileges for one in done(looked) if isinstance(one, RevokePrivileges)]


def held(looked: Looked) -> list[frozenset[str]]:
    """What would be taken of objects, and waits."""
    return [one.privileges for one in looked.held if isinstance(one, RevokePrivileges)]


@pytest.mark.found("E370")
@pytest.mark.parametrize("is_cut_off", [False, True])
def test_what_git_takes_goes_though_no_state_was_ever_the_baseline(*, is_cut_off: bool) -> None:
    """A database was unread from the first push on, or the first pass was killed."""
    first, on = accepted(state(READ)), there()
    brake = BrakeMemory()
    if not is_cut_off:
        seen = replace(look(first, on, (), brake=brake), unread={"closed": "not there"})
        brake = decided(brake, seen, first, NOON)
    assert brake.baseline is None
    after = accepted(state(TAKEN, revision=2), first)
    brake = making_way(brake, first, after)
    found = look(after, on, paused(on, "viewer"), brake=brake, databases=(TABLE,))
    assert privileges(found) == [{"SELECT"}], "what Git gave"
    assert held(found) == [{"DELETE"}], "what somebody gave"


@pytest.mark.found("E371")
@pytest.mark.parametrize("now", [{"schemas": ["other", "s"]}, {"schemas": ["other"]}])
def test_what_was_given_under_a_wider_allow_than_that_of_the_baseline_goes(
    now: dict[str, Any],
) -> None:
    """The baseline stood still while it was given; `allow` may be narrow again."""
    on = there()
    before = accepted(state(TAKEN, regent={"allow": {"schemas": ["other"]}}))
    wide = accepted(state(READ, regent={"allow": {"schemas": ["other", "s"]}}, revision=2), before)
    seen = replace(look(wide, on, (), before=before), unread={"closed": "not there"})
    brake = decided(BrakeMemory(baseline=before), seen, wide, NOON)
    assert brake.baseline is before
    after = accepted(state(TAKEN, regent={"allow": now}, revision=3), wide)
    found = look(after, on, paused(on, "viewer"), brake=brake, databases=(TABLE,))
    assert privileges(found) == [{"SELECT"}], "what Git gave"
    assert held(found) == [{"DELETE"}], "what somebody gave"


@pytest.mark.found("E372")
def test_what_git_took_stays_owed_while_it_cannot_be_seen() -> None:
    """Its database is not readable for one look, and a pause begins."""
    before, on = accepted(state(READ)), there()
    after = accepted(state(TAKEN, revision=2), before)
    first = look(after, on, (), before=before, databases=(TABLE,))
    brake = decided(BrakeMemory(baseline=before), first, after, NOON)
    blind = replace(look(after, on, (), brake=brake, databases=()), unread={"mydb": "locked"})
    brake = decided(brake, blind, after, NOON)
    found = look(after, on, paused(on, "viewer"), brake=brake, databases=(TABLE,))
    assert privileges(found) == [{"SELECT", "DELETE"}], "all that was to be taken"


OF_A_LENDER = """
    Role/team: {database: mydb}
    User/lender: {database: mydb, memberOf: [{role: team, admin: %s}]}
    User/poor: {database: mydb, memberOf: [{role: team, admin: true}]}
    """


def as_the_lender_loses_admin(*rows: ObservedMembership, is_superuser: bool) -> Iterator[Looked]:
    """The look with either role paused, and with both."""
    here = server(role("team"), role("lender", login=True), role("poor", login=True))
    lent = ObservedMembership("team", "lender", "my-admin", admin=True)
    here = replace(here, memberships=(lent, *rows), admin_is_superuser=is_superuser)
    users = (mark(one, f"User/{one}") for one in ("lender", "poor"))
    marks = (mark("team", "Role/team"), *users)
    before = accepted(state(OF_A_LENDER % "true"))
    after = accepted(state(OF_A_LENDER % "false", revision=2), before)
    for names in (("poor",), ("team",), ("team", "poor")):
        yield look(after, here, paused(here, *names), before=before, marks=marks)


@pytest.mark.found("E381")
@pytest.mark.parametrize("is_superuser", [True, False])
@pytest.mark.parametrize("inherits", [True, False])
def test_a_declared_membership_is_not_missing_as_its_lender_loses_admin(
    *, is_superuser: bool, inherits: bool
) -> None:
    """Another one gives it at once, as it is: what somebody took of it by hand stays taken."""
    row = ObservedMembership("team", "poor", "lender", admin=False, inherit=inherits)
    for found in as_the_lender_loses_admin(row, is_superuser=is_superuser):
        given, *taken = done(found)
        assert isinstance(given, GrantMembership)
        assert (given.group, given.member) == ("team", "poor")
        assert (given.admin, given.inherit) == (False, inherits)
        revoked = [one for one in taken if isinstance(one, RevokeMembership)]
        going = {(one.member, one.grantor) for one in revoked} | {
            pair for one in revoked for pair in one.along
        }
        assert going == {("lender", "my-admin"), ("poor", "lender")}


@pytest.mark.found("E382")
def test_what_was_owed_is_not_held_over_an_upgrade_that_names_losses_otherwise() -> None:
    """All that the first look finds open may be it; what comes after that is told apart again."""
    before, on = accepted(state(READ)), there()
    after = accepted(state(TAKEN, revision=2), before)
    owed = frozenset({"by another scheme"})
    brake = with_names(BrakeMemory(baseline=after, owed=owed))
    first = look(after, on, paused(on, "viewer"), brake=brake, databases=(TABLE,))
    assert privileges(first) == [{"SELECT", "DELETE"}]
    blind = replace(look(after, on, (), brake=brake, databases=()), unread={"mydb": "locked"})
    assert decided(brake, blind, after, NOON).owed == brake.owed
    known = decided(brake, first, after, NOON)
    assert len(known.owed) == 2
    none = look(after, on, (), brake=known)
    known = decided(known, none, after, NOON)
    assert not known.owed
    found = look(after, on, paused(on, "viewer"), brake=known, databases=(TABLE,))
    assert held(found) == [{"SELECT", "DELETE"}]


@pytest.mark.found("E383")
def test_what_another_role_owns_by_its_declaration_goes_back_though_who_has_it_is_paused() -> None:
    """Also where a declaration gave it before, and Git takes it."""
    text = "Role/a: {database: mydb%s}\nRole/b: {database: mydb%s}"
    own = ", owns: {schemas: [{name: s}]}"
    allow = {"allow": {"ownedSchemas": ["s"]}}
    on, marks = server(role("a"), role("b")), (mark("a", "Role/a"), mark("b", "Role/b"))
    there_now = ObservedDatabase(
        "mydb", (ObjectGroup(ObjectKind.SCHEMA, None, "a", (), ("s",), (7,)),)
    )
    after = accepted(state(text % ("", own), regent=allow))
    for before in (accepted(state(text % (own, ""), regent=allow)), after):
        found = look(after, on, paused(on, "a"), before=before, marks=marks, databases=(there_now,))
        [back] = (one for one in done(found) if isinstance(one, SetOwner))
        assert (back.former, back.owner) == ("a", "b")


@pytest.mark.found("E452")
@pytest.mark.parametrize("is_superuser", [True, False])
def test_a_declared_option_is_not_missing_as_its_lender_loses_admin(*, is_superuser: bool) -> None:
    """Of a member who has another row, with fewer options."""
    rows = (
        ObservedMembership("team", "poor", "lender", admin=True, inherit=False),
        ObservedMembership("team", "poor", "my-admin", admin=False, set_role=False),
    )
    for found in as_the_lender_loses_admin(*rows, is_superuser=is_superuser):
        given, *_ = done(found)
        assert isinstance(given, GrantMembership)
        assert (given.member, given.admin, given.inherit) == ("poor", True, True)


SET = """
Role/viewer: {database: mydb}
User/eve: {database: mydb, parameters: {%s}}
"""


@pytest.mark.found("E373")
@pytest.mark.parametrize("is_by_hand", [False, True])
@pytest.mark.parametrize("now", ["", "work_mem: 4MB"])
def test_a_setting_that_git_changes_is_not_held_and_one_that_somebody_set_is(
    now: str, *, is_by_hand: bool
) -> None:
    before = accepted(state(SET % "work_mem: 1GB"))
    after = accepted(state(SET % now, revision=2), before)
    there_now = {SettingKey(None, "work_mem"): "8GB" if is_by_hand else "1GB"}
    on = server(role("viewer"), replace(role("eve", login=True), settings=there_now))
    found = look(after, on, paused(on, "eve"), before=before)
    settings = [one.value for one in done(found) if isinstance(one, AlterSetting)]
    assert settings == [now.partition(": ")[2] or None] * (not is_by_hand)
    assert bool(found.held) is is_by_hand


LENT = """
Role/team: {database: mydb}
Role/poor: {database: mydb}
Role/last: {database: mydb}
User/lender: {database: mydb, memberOf: [{role: team, admin: true}]}
"""


@pytest.mark.found("E374")
@pytest.mark.parametrize("is_superuser", [True, False])
@pytest.mark.parametrize(
    ("had", "has"),
    [
        ("admin: true", "admin: false"),
        ("memberOf: [{role: team, admin: true}]", ""),
        ("memberOf: [{role: team, admin: true}]", "enabled: false"),
    ],
)
def test_what_git_takes_from_the_lender_goes_with_what_he_passed_on_to_a_paused_role(
    had: str, has: str, *, is_superuser: bool
) -> None:
    """The server refuses the one without the other; nobody who is not paused has a pause's time."""
    names = ("team", "poor", "last")
    here = server(*map(role, names), role("lender", login=True))
    rows = (
        ObservedMembership("team", "lender", "my-admin", admin=True),
        ObservedMembership("team", "poor", "lender", admin=True),
        ObservedMembership("team", "last", "poor", admin=False),
    )
    here = replace(here, memberships=rows, admin_is_superuser=is_superuser)
    marks = (*(mark(one, f"Role/{one}") for one in names), mark("lender", "User/lender"))
    before = accepted(state(LENT))
    twin = look(before, here, paused(here, "poor", "last"), before=before, marks=marks)
    assert not [one for one in done(twin) if isinstance(one, RevokeMembership)]
    after = accepted(state(LENT.replace(had, has), revision=2), before)
    found = look(after, here, paused(here, "poor", "last"), before=before, marks=marks)
    taken = [one for one in done(found) if isinstance(one, RevokeMembership)]
    fallen = {(one.member, one.grantor) for one in taken} | {one for r in taken for one in r.along}
    assert {("poor", "lender"), ("last", "poor"), ("lender", "my-admin")} == fallen
    assert not found.held
    old = replace(here, version_num=150003)
    found = look(after, old, paused(old, "poor", "last"), before=before, marks=marks)
    taken = [one for one in done(found) if isinstance(one, RevokeMembership)]
    assert [one.member for one in taken] == ["lender"], "there nothing hangs on it"


@pytest.mark.found("E375")
def test_what_somebody_renames_out_of_a_pattern_is_told_and_stays_until_the_end() -> None:
    """By its new name nothing gave it, be it that Git takes by then what gave it by the former."""
    text = READ.replace('"*"', '"audit_*"')
    before, on = accepted(state(text)), there()
    after = accepted(state(TAKEN, revision=2), before)
    for state_now in (before, after):
        found = look(state_now, on, paused(on, "viewer"), before=before, databases=(TABLE,))
        assert privileges(found) == []
        assert held(found) == [{"SELECT", "DELETE"}]
        assert "SELECT" in found.paused[0].message
    released = look(after, on, (), before=before, databases=(TABLE,))
    assert privileges(released) == [{"SELECT", "DELETE"}]


ALL = """
Permission/read: {database: mydb, schemas: [s], actions: [SELECT], tables: ["*"]}
Permission/look: {database: mydb, schemas: [s], actions: [USAGE]}
Permission/note: {database: mydb, schemas: [s], actions: [UPDATE], tables: ["*"], columns: [c]}
Role/viewer:
  database: mydb
  permissions: [read, look, note]
  defaultPrivileges: [{creator: owner, schemas: [s], objects: tables, actions: [SELECT]}]
User/eve: {database: mydb}
"""


def catalog_with(
    *, table: str = "t", schema: str = "s", column: str = "c", owner: str = "owner", by_hand: bool
) -> tuple[ObservedServer, ObservedDatabase]:
    """What `ALL` gives, on things that have these names; `by_hand` with as much beside it."""

    def acl(given: str, more: str) -> tuple[AclItem, ...]:
        privileges = {given, more} if by_hand else {given}
        return (AclItem("viewer", owner, frozenset(privileges)),)

    on = server(role("viewer"), role("eve", login=True), role(owner, oid=11))
    database = ObservedDatabase(
        "mydb",
        (
            ObjectGroup(ObjectKind.SCHEMA, None, owner, acl("USAGE", "CREATE"), (schema,), (7,)),
            ObjectGroup(
                ObjectKind.TABLE, schema, owner, acl("SELECT", "DELETE"), (table,), (1,), "r"
            ),
        ),
        columns=(
            ObservedColumn(schema, table, 1, "r", owner, column, acl("UPDATE", "INSERT"), number=3),
        ),
        defaults=(ObservedDefault(owner, schema, ObjectKind.TABLE, acl("SELECT", "DELETE")),),
        columns_present={column: frozenset({1})},
    )
    return on, database


@pytest.mark.found("E379")
@pytest.mark.parametrize(
    "renamed",
    [{"table": "t2"}, {"schema": "s2"}, {"column": "c2"}, {"owner": "owner2"}, {}],
)
def test_what_git_took_is_owed_whatever_that_is_called_by_then(renamed: dict[str, str]) -> None:
    """Twin: what somebody gives beside it during the pause stays."""
    on, there_now = catalog_with(by_hand=False)
    before = accepted(state(ALL))
    assert done(look(before, on, (), before=before, databases=(there_now,))) == ()
    after = accepted(
        state("Role/viewer: {database: mydb}\nUser/eve: {database: mydb}", revision=2), before
    )
    seen = look(after, on, (), before=before, databases=(there_now,))
    brake = decided(BrakeMemory(baseline=before), seen, after, NOON)
    stored = BrakeMemory.model_validate_json(brake.model_dump_json(context=REVEAL, by_alias=True))
    on, there_now = catalog_with(**renamed, by_hand=True)
    found = look(after, on, paused(on, "viewer"), brake=stored, databases=(there_now,))

    def taken(some: object) -> set[str]:
        assert isinstance(some, tuple)
        return {
            f"{type(one).__name__} {one.kind.value} {privilege}"
            for one in some
            if isinstance(one, RevokePrivileges | RevokeDefaults)
            for privilege in one.privileges
        }

    assert taken(done(found)) == {
        "RevokePrivileges TABLE SELECT",
        "RevokePrivileges SCHEMA USAGE",
        "RevokePrivileges COLUMN UPDATE",
        "RevokeDefaults TABLE SELECT",
    }
    assert taken(found.held) == {
        "RevokePrivileges TABLE DELETE",
        "RevokePrivileges SCHEMA CREATE",
        "RevokePrivileges COLUMN INSERT",
        "RevokeDefaults TABLE DELETE",
    }
    known = decided(stored, found, after, NOON)
    assert known.owed == brake.owed, "until it is seen to be gone"

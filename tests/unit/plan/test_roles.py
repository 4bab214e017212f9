"""Roles: made, adopted, renamed, opened, closed, ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from regent.changes import (
    AdoptRole,
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    CreateRole,
    DropRole,
    Effect,
    EndSessions,
    HandOnOwned,
    HandOver,
    ReleaseRole,
    RenameRole,
    RevokeMembership,
    SetPassword,
)
from regent.desired import Attributes, Desired, DesiredRole, Ending, PasswordPolicy, SettingKey
from regent.observed import (
    ObjectGroup,
    Observed,
    ObservedMembership,
    ObservedRole,
    ObservedServer,
)
from regent.plan import plan, verifier_digest
from regent.plan.settings import list_items, same_value
from shared.privileges import ObjectKind
from shared.state import Verifier
from tests.unit.plan.declared import key

OLD, NEW = Verifier("SCRAM-SHA-256$old"), Verifier("SCRAM-SHA-256$new")
SPRING, SUMMER = datetime(2030, 3, 1, tzinfo=UTC), datetime(2030, 7, 1, tzinfo=UTC)

USER = DesiredRole(
    "ann",
    key("ann", "User"),
    (key("ann", "User"),),
    True,
    password=PasswordPolicy.SET,
    verifier=NEW,
)
THERE = ObservedRole(17, "ann", login=True, attributes=Attributes(), verifier=NEW)


def changes(
    role: DesiredRole | None, observed: ObservedRole | None, **more: object
) -> tuple[Change, ...]:
    """The plan for one role."""
    shall = Desired(roles={role.name: role} if role else {}, grants={"mydb": ()})
    return plan(replace(shall, **more), server(observed)).changes  # type: ignore[arg-type]


def server(
    *roles: ObservedRole | None, memberships: tuple[ObservedMembership, ...] = ()
) -> Observed:
    found = {role.name: role for role in roles if role is not None}
    there = (ObjectGroup(ObjectKind.DATABASE, None, "admin", (), ("mydb", "other"), (1, 2)),)
    return Observed(ObservedServer(180_000, "1", "admin", True, found, memberships, there))


@pytest.mark.rule("22")
def test_a_new_user_is_complete_before_it_may_log_in() -> None:
    role = replace(USER, settings={SettingKey(None, "work_mem"): "8MB"})
    found = changes(role, None)
    assert [type(c) for c in found] == [CreateRole, AlterSetting, SetPassword, AlterRole]
    assert isinstance(found[-1], AlterRole)
    assert found[-1].login is True
    assert found[-1].effect is Effect.OPEN


@pytest.mark.rule("8")
def test_a_role_that_is_as_declared_needs_nothing() -> None:
    assert changes(USER, THERE) == ()


@pytest.mark.rule("19")
def test_a_new_user_whose_secret_is_missing_waits_without_login() -> None:
    found = changes(replace(USER, password=PasswordPolicy.WAITING, verifier=None), None)
    assert [type(c) for c in found] == [CreateRole]


@pytest.mark.rule("19")
def test_a_missing_secret_leaves_login_and_password_as_they_are() -> None:
    waiting = replace(USER, password=PasswordPolicy.WAITING, verifier=None)
    assert changes(waiting, THERE) == ()


@pytest.mark.rule("24")
def test_access_ends_even_while_the_secret_is_missing() -> None:
    ended = replace(USER, login=False, password=PasswordPolicy.WAITING, verifier=None)
    assert [type(c) for c in changes(ended, THERE)] == [AlterRole, EndSessions]


@pytest.mark.rule("19")
def test_a_user_without_a_secret_logs_in_with_whatever_password_there_is() -> None:
    unmanaged = replace(USER, password=PasswordPolicy.UNMANAGED, verifier=None)
    assert changes(unmanaged, replace(THERE, verifier=OLD)) == ()


@pytest.mark.rule("8")
def test_another_password_than_declared_is_replaced() -> None:
    (found,) = changes(USER, replace(THERE, verifier=OLD))
    assert isinstance(found, SetPassword)
    assert found.verifier == NEW


@pytest.mark.rule("8")
def test_an_unreadable_password_is_compared_with_what_the_mark_remembers() -> None:
    shall = Desired(roles={"ann": USER})
    hidden = server(replace(THERE, verifier=None, password_is_readable=False))
    for digest, count in ((verifier_digest(NEW), 0), (verifier_digest(OLD), 1)):
        assert len(plan(shall, hidden, verifier_digests={"ann": digest}).changes) == count


@pytest.mark.rule("7")
def test_a_user_that_becomes_a_role_loses_login_sessions_and_password() -> None:
    role = replace(USER, login=False, password=PasswordPolicy.NONE, verifier=None)
    assert [type(c) for c in changes(role, THERE)] == [AlterRole, EndSessions, ClearPassword]


@pytest.mark.rule("22")
def test_attributes_are_given_early_and_taken_late() -> None:
    role = replace(USER, attributes=Attributes(createdb=True), connection_limit=5)
    observed = replace(THERE, attributes=Attributes(superuser=True))
    wider, narrower = changes(role, observed)
    assert isinstance(wider, AlterRole)
    assert isinstance(narrower, AlterRole)
    assert (wider.effect, wider.createdb, wider.superuser) == (Effect.WIDEN, True, None)
    assert (narrower.effect, narrower.superuser) == (Effect.NARROW, False)
    assert (wider.connection_limit, narrower.connection_limit) == (None, 5)


@pytest.mark.rule("22")
@pytest.mark.parametrize(
    ("shall", "observed", "effect"),
    [
        (None, SPRING, Effect.WIDEN),
        (SUMMER, SPRING, Effect.WIDEN),
        (SPRING, SUMMER, Effect.NARROW),
        (SPRING, None, Effect.NARROW),
    ],
)
def test_a_later_end_widens_and_an_earlier_one_narrows(
    shall: datetime | None, observed: datetime | None, effect: Effect
) -> None:
    (found,) = changes(replace(USER, valid_until=shall), replace(THERE, valid_until=observed))
    assert isinstance(found, AlterRole)
    assert (found.effect, found.valid_until, found.forever) == (effect, shall, shall is None)


@pytest.mark.rule("22")
@pytest.mark.parametrize(
    ("shall", "observed", "widens"), [(-1, 3, True), (4, 3, True), (3, -1, False)]
)
def test_a_connection_limit_of_minus_one_is_the_widest(
    shall: int, observed: int, widens: bool
) -> None:
    role = replace(USER, connection_limit=shall)
    (found,) = changes(role, replace(THERE, connection_limit=observed))
    assert found.effect is (Effect.WIDEN if widens else Effect.NARROW)


@pytest.mark.rule("8")
def test_settings_are_set_changed_and_reset_to_be_exactly_the_declared() -> None:
    role = replace(
        USER,
        settings={SettingKey(None, "work_mem"): "8MB", SettingKey("mydb", "timezone"): "UTC"},
    )
    observed = replace(
        THERE,
        settings={
            SettingKey(None, "work_mem"): "4MB",
            SettingKey("mydb", "TimeZone"): "UTC",
            SettingKey(None, "role"): "postgres",
        },
    )
    found = [(c.parameter, c.value) for c in changes(role, observed) if isinstance(c, AlterSetting)]
    assert found == [("work_mem", "8MB"), ("role", None)]


@pytest.mark.rule("8")
@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('"$user", public', '"$user",public', True),
        ("App, public", "app, public", True),
        ('"App"', "app", False),
        ("a, b", "b, a", False),
        ('"a, b"', "a, b", False),
        ('""', "", True),
    ],
)
def test_a_search_path_is_compared_as_a_list(one: str, other: str, same: bool) -> None:
    assert same_value("search_path", one, other) is same


@pytest.mark.rule("8")
def test_a_quoted_item_keeps_commas_and_quotes() -> None:
    assert list_items("search_path", '"a""b, c", D') == ('a"b, c', "d")


@pytest.mark.rule("10")
def test_an_adopted_role_is_marked_first_and_then_made_as_declared() -> None:
    found = changes(USER, replace(THERE, verifier=OLD), adopted=frozenset({"ann"}))
    assert [type(c) for c in found] == [AdoptRole, SetPassword]


@pytest.mark.rule("7")
def test_a_role_whose_mark_names_another_resource_is_handed_over() -> None:
    shall = Desired(roles={"ann": USER})
    found = plan(shall, server(THERE), holders={"ann": key("ann")}).changes
    assert found == (HandOver("ann", USER.holder, USER.declared_by),)


@pytest.mark.rule("7")
def test_a_renamed_role_is_planned_on_under_its_new_name() -> None:
    shall = Desired(roles={"ann": replace(USER, renamed_from="anne")})
    observed = server(replace(THERE, name="anne", verifier=OLD))
    found = plan(shall, observed).changes
    assert [type(c) for c in found] == [RenameRole, SetPassword]


@pytest.mark.rule("7")
def test_a_chain_of_renames_frees_each_name_before_it_is_taken() -> None:
    shall = Desired(
        roles={
            "b": DesiredRole("b", key("b"), (), renamed_from="a"),
            "c": DesiredRole("c", key("c"), (), renamed_from="b"),
        }
    )
    roles = [ObservedRole(i, n, login=False, attributes=Attributes()) for i, n in enumerate("ab")]
    found = plan(shall, server(*roles)).changes
    renames = [(c.role, c.new_name) for c in found if isinstance(c, RenameRole)]
    assert renames == [("b", "c"), ("a", "b")]
    assert len(found) == 2


@pytest.mark.rule("27")
def test_the_end_of_a_created_role_takes_access_first_and_drops_last() -> None:
    ending = Ending("ann", key("ann", "User"), created=True, reassign_to="boss")
    shall = Desired(endings=(ending,), grants={"mydb": (), "other": (), "gone": ()})
    memberships = (ObservedMembership("team", "ann", "postgres", admin=False),)
    found = plan(shall, server(THERE, team(), memberships=memberships)).changes
    assert [type(c) for c in found] == [
        AlterRole, EndSessions, RevokeMembership, HandOnOwned, HandOnOwned, DropRole,
    ]  # fmt: skip


@pytest.mark.rule("27")
def test_an_adopted_role_is_released_and_not_dropped() -> None:
    ending = Ending("ann", key("ann", "User"), created=False)
    found = changes(None, THERE, endings=(ending,))
    assert [type(c) for c in found] == [AlterRole, EndSessions, ClearPassword, ReleaseRole]


@pytest.mark.rule("27")
def test_retain_leaves_everything_and_login_too() -> None:
    ending = Ending("ann", key("ann", "User"), created=True, retain=True)
    assert [type(c) for c in changes(None, THERE, endings=(ending,))] == [ReleaseRole]


@pytest.mark.rule("27")
def test_a_role_that_is_gone_already_is_only_released() -> None:
    ending = Ending("ann", key("ann", "User"), created=True)
    assert [type(c) for c in changes(None, None, endings=(ending,))] == [ReleaseRole]


@pytest.mark.rule("9")
@pytest.mark.parametrize("name", ["admin", "pg_monitor", "rdsadmin", "v-1"])
def test_the_admin_system_and_ignored_roles_are_never_touched(name: str) -> None:
    role = replace(USER, name=name)
    observed = replace(THERE, name=name, verifier=OLD, connection_limit=3)
    assert changes(role, observed, ignore_roles=("v-*",)) == ()


def team() -> ObservedRole:
    return ObservedRole(18, "team", login=False, attributes=Attributes())

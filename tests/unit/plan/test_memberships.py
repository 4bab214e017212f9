"""Memberships: exactly what is declared, by whoever gave it, without a gap."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regent.changes import Change, Effect, GrantMembership, RevokeMembership
from regent.desired import Attributes, Desired, DesiredMembership, Ending
from regent.observed import Observed, ObservedMembership, ObservedRole, ObservedServer
from regent.plan import plan
from tests.unit.plan.declared import desired, key

NAMES = ("team", "ann", "bob", "cat", "stranger", "other", "admin", "postgres", "v-1", "pg_monitor")
MANAGED = ("team", "ann", "bob")


def row(
    member: str, by: str = "postgres", options: str = "is", group: str = "team"
) -> ObservedMembership:
    """A membership; options are letters of admin, inherit, set."""
    return ObservedMembership(group, member, by, "a" in options, "i" in options, "s" in options)


def shall(member: str, options: str = "is", group: str = "team") -> DesiredMembership:
    return DesiredMembership(
        group, member, "a" in options, "i" in options, "s" in options, (key(member),)
    )


def observed(*rows: ObservedMembership, major: int = 18) -> Observed:
    roles = {
        name: ObservedRole(10 if name == "postgres" else 100 + i, name, False, Attributes())
        for i, name in enumerate(NAMES)
    }
    return Observed(ObservedServer(major * 10_000, "1", "admin", True, roles, rows))


def members(*declared: DesiredMembership, foreign: frozenset[str] = frozenset()) -> Desired:
    return desired(roles=MANAGED, memberships=declared, ignore_roles=("v-*",), foreign=foreign)


def lines(changes: tuple[Change, ...]) -> list[str]:
    out = []
    for change in changes:
        assert isinstance(change, GrantMembership | RevokeMembership)
        edge = f"{change.group} {change.member}"
        if isinstance(change, GrantMembership):
            flags = ((change.admin, "a"), (change.inherit, "i"), (change.set_role, "s"))
            out.append(f"+ {edge} {''.join(letter for on, letter in flags if on)}")
        else:
            out.append(f"- {edge} {'admin ' if change.admin_only else ''}by {change.grantor}")
    return out


def planned(shall: Desired, *rows: ObservedMembership, major: int = 18) -> list[str]:
    return lines(plan(shall, observed(*rows, major=major)).changes)


@pytest.mark.rule("8")
def test_a_missing_membership_is_granted_and_a_spurious_one_revoked_as_its_grantor() -> None:
    assert planned(members(shall("ann")), row("bob", by="stranger")) == [
        "+ team ann is",
        "- team bob by stranger",
    ]


@pytest.mark.rule("8")
def test_a_managed_group_has_no_members_but_the_declared() -> None:
    assert planned(members(), row("stranger")) == ["- team stranger by postgres"]


@pytest.mark.rule("8")
@pytest.mark.parametrize("group", ["other", "pg_monitor", "admin"])
def test_a_managed_member_leaves_every_group_that_is_not_declared(group: str) -> None:
    assert planned(members(), row("ann", group=group)) == [f"- {group} ann by postgres"]


@pytest.mark.rule("6")
def test_a_group_of_another_regent_is_its_business() -> None:
    assert planned(members(foreign=frozenset({"other"})), row("ann", group="other")) == []


@pytest.mark.rule("9")
@pytest.mark.parametrize("member", ["admin", "v-1", "pg_monitor"])
def test_the_admins_admin_option_and_ignored_members_stay(member: str) -> None:
    assert planned(members(), row(member, options="ais")) == []


@pytest.mark.rule("9")
def test_anyone_elses_admin_over_a_managed_role_is_drift() -> None:
    found = planned(members(shall("ann")), row("ann", options="ais"))
    assert found == ["- team ann admin by postgres"]


@pytest.mark.rule("9")
def test_memberships_between_others_are_nobodys_business() -> None:
    assert planned(members(), row("stranger", group="other")) == []


@pytest.mark.rule("8")
def test_options_of_our_own_row_are_set_in_place() -> None:
    found = plan(members(shall("ann", "i")), observed(row("ann"))).changes
    assert lines(found) == ["+ team ann i"]
    assert found[0].effect is Effect.NARROW
    assert planned(members(shall("ann", "is")), row("ann", options="i")) == ["+ team ann is"]


@pytest.mark.rule("22")
def test_a_row_of_another_grantor_with_a_spurious_option_is_replaced_by_ours_first() -> None:
    found = plan(members(shall("ann", "i")), observed(row("ann", by="stranger"))).changes
    assert lines(found) == ["+ team ann i", "- team ann by stranger"]
    assert [change.effect for change in found] == [Effect.WIDEN, Effect.NARROW]


@pytest.mark.rule("22")
def test_who_got_a_membership_through_an_admin_who_goes_is_served_first_and_leaves_last() -> None:
    """Without CASCADE, so the rows of a grantor go before the grantor's own."""
    rows = (row("stranger", options="ais"), row("ann", by="stranger"))
    assert planned(members(shall("ann")), *rows) == [
        "+ team ann is",
        "- team ann by stranger",
        "- team stranger by postgres",
    ]


@pytest.mark.rule("9")
def test_others_who_depend_on_a_managed_admin_of_a_group_that_is_not_ours_keep_what_they_had() -> (
    None
):
    rows = (row("ann", options="ais", group="other"), row("cat", "ann", "i", group="other"))
    assert planned(members(), *rows) == [
        "+ other cat i",
        "- other cat by ann",
        "- other ann by postgres",
    ]


@pytest.mark.rule("8")
def test_before_16_only_admin_is_an_option_of_the_membership() -> None:
    assert planned(members(shall("ann", "")), row("ann"), major=15) == []
    found = planned(members(shall("ann", "is")), row("ann", options="ais"), major=15)
    assert found == ["- team ann admin by postgres"]


@pytest.mark.rule("8")
def test_a_membership_left_by_a_dropped_role_is_not_planned_over_and_over() -> None:
    assert planned(members(), row("16385")) == []


@pytest.mark.rule("27")
def test_an_ending_role_leaves_its_groups_and_loses_its_members() -> None:
    gone = replace(desired(roles=("ann",)), endings=(Ending("team", key("team"), created=True),))
    found = plan(gone, observed(row("ann"), row("team", group="other"))).changes
    revoked = [c for c in found if isinstance(c, RevokeMembership)]
    assert lines(tuple(revoked)) == ["- other team by postgres", "- team ann by postgres"]

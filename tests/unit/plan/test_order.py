"""The order of a plan, whatever order its parts were made in (rule 22)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    GrantMembership,
    GrantPrivileges,
    HandOnOwned,
    ReleaseRole,
    RenameRole,
    RevokeMembership,
    RevokePrivileges,
    SetPassword,
)
from regent.desired import Attributes
from regent.plan.order import in_order
from shared.privileges import ObjectKind
from shared.state import Verifier
from tests.unit.plan.declared import key

HOLDER = key("r")
SELECT = frozenset({"SELECT"})
TABLE = ObjectKind.TABLE

ORDERED: tuple[Change, ...] = (
    RenameRole("r", "s", HOLDER),
    CreateRole("r", HOLDER, Attributes()),
    AlterRole("r", Effect.WIDEN, createdb=True),
    AlterSetting("r", None, "work_mem", "8MB"),
    GrantMembership("g", "r"),
    GrantPrivileges("a", TABLE, (), SELECT, ("r",)),
    GrantPrivileges("b", TABLE, (), SELECT, ("r",)),
    SetPassword("r", Verifier("SCRAM-SHA-256$x")),
    AlterRole("r", Effect.OPEN, login=True),
    AlterRole("r", Effect.CLOSE, login=False),
    EndSessions("r", "it ends"),
    AlterRole("r", Effect.NARROW, createdb=False),
    AlterSetting("r", None, "role", None, effect=Effect.NARROW),
    ClearPassword("r"),
    RevokeMembership("g", "r", "postgres"),
    RevokePrivileges("a", TABLE, (), SELECT, ("r",), "o"),
    RevokePrivileges("b", TABLE, (), SELECT, ("r",), "o"),
    HandOnOwned("a", "r", "boss"),
    DropRole("r"),
)


@pytest.mark.rule("22")
@given(st.permutations(ORDERED))
def test_every_plan_comes_out_in_the_stated_order(shuffled: list[Change]) -> None:
    assert in_order(shuffled) == ORDERED


@pytest.mark.rule("22")
def test_a_grant_that_must_follow_its_revoke_stays_right_behind_it() -> None:
    """Both narrow, and what a planner gave in its own order keeps it."""
    revoke = RevokePrivileges("a", TABLE, (), SELECT, ("r",), "o")
    again = GrantPrivileges(
        "a", ObjectKind.COLUMN, (), SELECT, ("r",), ("id",), effect=Effect.NARROW
    )
    other = RevokePrivileges("a", TABLE, (), SELECT, ("q",), "o")
    assert in_order([revoke, again, other]) == (revoke, again, other)


def test_every_kind_of_change_has_its_place() -> None:
    for change in (AdoptRole("r", HOLDER), ReleaseRole("r"), *ORDERED):
        assert in_order([change]) == (change,)

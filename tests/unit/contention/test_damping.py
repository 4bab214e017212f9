"""A correction that others keep undoing is done less often (rule 26)."""

from __future__ import annotations

import pytest

from regent.changes import (
    AlterRole,
    AlterSetting,
    Change,
    Effect,
    EndSessions,
    GrantPrivileges,
    ObjectRef,
    Plan,
    RevokePrivileges,
    SetPassword,
)
from regent.contention.damping import Damper
from regent.contention.tally import MOST_EDGES, TIMES, Corrected, Tally
from regent.passes.damped import damped, names_of
from shared.privileges import ObjectKind
from shared.state import Verifier
from tests.declared import VERIFIER

pytestmark = [pytest.mark.rule("26"), pytest.mark.found("E208")]
TABLES = (ObjectRef(1, "s", "a", "r"), ObjectRef(2, "s", "b", "r"))
SELECT = frozenset({"SELECT"})
GIVE = GrantPrivileges("mydb", ObjectKind.TABLE, TABLES, SELECT, ("eve",))
TAKE = RevokePrivileges("mydb", ObjectKind.TABLE, TABLES, SELECT, ("eve",), "app")
LOGIN = AlterRole("eve", Effect.OPEN, login=True)
NOLOGIN = AlterRole("eve", Effect.CLOSE, login=False)
SESSIONS = EndSessions("eve", "why")
OF_A_MEMBER = EndSessions("eve", "why", effect=Effect.REMOVE)


def fought(*changes: Change, apart: float = 1.0) -> Damper:
    """These were corrected five times; the last time at 4 seconds."""
    damper = Damper()
    for time in range(TIMES):
        damper.note(names_of(changes), time * apart)
    return damper


def left(damper: Damper, now: float, *changes: Change) -> tuple[Change, ...]:
    return damped(Plan(changes), damper, now).plan.changes


@pytest.mark.parametrize("change", [GIVE, LOGIN, OF_A_MEMBER])
def test_what_gives_back_and_what_ends_sessions_comes_once_a_minute(change: Change) -> None:
    damper = fought(change)
    assert left(damper, 63.9, change) == ()
    assert left(damper, 64.0, change) == (change,)
    damper.note(names_of([change]), 64.0)
    assert left(damper, 64.1, change) == ()
    assert damped(Plan((change,)), damper, 100).seconds == 24
    assert left(damper, 124.0, change) == (change,)


def test_what_narrows_goes_on_five_times_a_second() -> None:
    damper = fought(TAKE)
    assert left(damper, 4.1, TAKE) == ()
    assert left(damper, 4.2, TAKE) == (TAKE,)


@pytest.mark.found("E241")
@pytest.mark.parametrize(
    "change",
    [SetPassword("eve", Verifier(VERIFIER)), AlterSetting("eve", None, "search_path", "app")],
)
def test_a_password_or_setting_that_somebody_plants_does_not_stay_for_a_minute(
    change: Change,
) -> None:
    """It is no lack: what is in force instead is somebody's who is not declared."""
    damper = fought(change)
    assert left(damper, 4.1, change) == ()
    assert left(damper, 4.2, change) == (change,)


@pytest.mark.found("E241")
def test_a_push_waits_for_nothing_that_others_undid_before_it() -> None:
    damper = fought(GIVE)
    assert left(damper, 5.0, GIVE) == ()
    damper.forget()
    assert left(damper, 5.0, GIVE) == (GIVE,)


def test_the_end_of_an_access_is_never_put_off() -> None:
    damper = fought(NOLOGIN, SESSIONS)
    assert left(damper, 4.0, NOLOGIN, SESSIONS) == (NOLOGIN, SESSIONS)


def test_only_the_edge_that_is_fought_about_waits() -> None:
    one = GrantPrivileges("mydb", ObjectKind.TABLE, TABLES[:1], SELECT, ("eve",))
    found = damped(Plan((GIVE, LOGIN)), fought(one), 5.0)
    (free, login) = found.plan.changes
    assert isinstance(free, GrantPrivileges)
    assert (free.objects, login) == (TABLES[1:], LOGIN)
    assert found.parts([GIVE, LOGIN]) == (free, LOGIN)
    assert found.without([GIVE, LOGIN]) == (LOGIN,)


def test_what_is_undone_seldom_or_was_quiet_for_long_is_corrected_at_once() -> None:
    assert left(fought(GIVE, apart=15.0), 61.0, GIVE) == (GIVE,)
    damper = fought(GIVE)
    damper.note(names_of([GIVE]), 4 + 120.0)
    assert left(damper, 124.1, GIVE) == (GIVE,)


def test_whoever_undoes_thousands_of_things_costs_no_more_memory() -> None:
    damper = Damper()
    damper.note(range(5_000), 0)
    assert len(damper._edges) == MOST_EDGES


def test_what_waits_is_told_as_contended_for_as_long_as_it_does() -> None:
    tally, edge = Tally(), Corrected("grant SELECT", "by mallory")
    tally.note([edge], 0)
    assert tally.contended(200, {"grant SELECT"})[0].waits
    assert tally.contended(200) == ()

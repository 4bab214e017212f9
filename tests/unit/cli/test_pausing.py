"""What `pause`, `resume` and a plan meanwhile say of who corrects what, and when (rule 26)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cli.one_role import of_the_role
from cli.pausing import Standing, paused_words, resumed_words, why_not_paused
from cli.show import report_data
from regent.changes import AlterRole, Change, Effect
from regent.gate.pauses import Paused
from regent.remembered import Pause
from shared.keys import ResourceKey
from shared.outcomes import Outcome
from tests.unit.cli.test_show import CREATE, page, report

UNTIL = datetime(2026, 11, 27, 23, 59, tzinfo=UTC)
ZOE = ResourceKey("User", "default", "zoe")
BY_HAND = AlterRole("zoe", Effect.NARROW, createdb=False, causes=(ZOE,))


def paused(*held: Change, **more: Any) -> Paused:
    """A role that somebody paused, with what waits."""
    pause = Pause(role_oid=4711, role="zoe", until=UNTIL, reason="3am", by="ops", since=UNTIL)
    return Paused(pause, "zoe", frozenset({"zoe"}), **{"held": held, "declared_by": (ZOE,)} | more)


@pytest.mark.found("E242")
@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (Standing(9, is_admin=True, managers=("default/r",)), "is the admin itself"),
        (Standing(9, is_owner=True, watchers=("default/r",)), "belongs to PostgRegent itself"),
        (Standing(9, is_built_in=True, watchers=("default/r",)), "belongs to PostgreSQL itself"),
        (Standing(9), "No Regent of the home database 'home' manages 'zoe'"),
    ],
)
def test_a_pause_that_would_hold_nothing_is_refused(standing: Standing, said: str) -> None:
    """Who relies on one at three in the morning would lose what he did by hand."""
    error = why_not_paused("zoe", standing, "home")
    assert error is not None
    assert said in str(error)
    assert error.way_out


@pytest.mark.found("E242")
def test_what_a_pause_holds_is_said() -> None:
    """All of a managed role; of one that nobody declares its LOGIN alone."""
    managed, watched = Standing(9, ("default/r",)), Standing(9, (), ("default/r",))
    assert why_not_paused("zoe", managed, "home") is None
    assert why_not_paused("zoe", watched, "home") is None
    assert "what is done to it stays" in paused_words("zoe", UNTIL, managed)
    assert "keeps its LOGIN" in paused_words("zoe", UNTIL, watched)
    assert "stays" not in paused_words("zoe", UNTIL, watched)


@pytest.mark.found("E243")
def test_that_a_resumed_role_is_corrected_is_said_only_of_a_regent_that_runs() -> None:
    """It is corrected by the next one that starts, however late that is."""
    assert "Regent default/r runs" in resumed_words("zoe", ["default/r"], ["default/r"])
    assert "does not run now" in resumed_words("zoe", ["default/r"], [])
    assert "No Regent" in resumed_words("zoe", [], [])


@pytest.mark.found("E244")
def test_a_plan_lists_what_waits_for_the_end_of_a_pause() -> None:
    """Before a resume that list is what one wants to see; the exit status 2 is for it."""
    one = report(paused=(paused(BY_HAND),))
    lines = page(one).splitlines()
    assert lines[-1] == "Plan: nothing to do now; 1 change waits for the end of a pause"
    assert any(line.startswith("  - alter role zoe") for line in lines)
    assert page(report(CREATE, paused=(paused(BY_HAND, BY_HAND),))).splitlines()[-1] == (
        "Plan: 1 to add, 0 to change, 0 to take away; 1 change waits for the end of a pause"
    )
    assert page(one, is_done=True).splitlines()[-1] == (
        "Nothing was done; 1 change waits for the end of a pause."
    )
    data: Any = report_data(one, (), (), sql=True)
    (waiting,) = data["paused"][0]["waiting"]
    assert waiting["what"].startswith("alter role zoe")
    assert waiting["statements"]


@pytest.mark.found("E245")
def test_of_one_role_others_are_counted_as_the_page_counts_them() -> None:
    """That a plan writes nothing makes nobody not ready."""
    said = [
        Outcome(resource=f"User/default/{name}", state=state, reason=reason, message="")
        for name, state, reason in (
            ("zoe", "Reconciling", "Observing"),
            ("ann", "Reconciling", "Observing"),
            ("bob", "Stalled", "ExistsUnmanaged"),
        )
    ]
    narrowed, _ = of_the_role(
        "zoe", report(outcomes=tuple(said)), said, {"User/default/zoe": "zoe"}
    )
    assert "Of others there are 1 resource that is not ready" in narrowed.notes[-1]

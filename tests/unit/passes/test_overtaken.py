"""A pass that others overtake is followed by another one at once, and one that failed is not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from regent.apply.result import ChangeResult
from regent.changes import Change, ObjectRef, RevokePrivileges
from regent.passes.one_pass import Pass
from regent.passes.schedule import FIRST_RETRY_SECONDS, Agenda
from shared.privileges import ObjectKind

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def drift(oid: int) -> RevokePrivileges:
    table = ObjectRef(oid, "s", f"t{oid}")
    return RevokePrivileges("mydb", ObjectKind.TABLE, (table,), frozenset({"SELECT"}), ("r",), "o")


def left(done: tuple[Change, ...], *remaining: Change, **more: Any) -> Pass:
    """A pass that did these changes, and left those."""
    nothing = cast(Any, None)
    results = tuple(ChangeResult(change, done=True) for change in done)
    times = {"found_at": NOON, "corrected_at": NOON, "seconds": 0.1, "revision": 1}
    fields = {"results": results, "drift": (), "remaining": remaining, **times, **more}
    return Pass(nothing, nothing, outcomes={}, server=nothing, desired=nothing, **fields)


def due_after(*passes: Pass) -> float:
    agenda = Agenda(now=lambda: NOON, monotonic=lambda: 100.0)
    for one in passes:
        agenda.begin()
        agenda.after(one, None)
    seconds = agenda.seconds()
    assert seconds is not None
    return seconds


@pytest.mark.found("E257")
def test_drift_that_came_while_a_pass_worked_is_next_however_often() -> None:
    overtaken = left((drift(1), drift(2)), drift(3))
    assert overtaken.is_overtaken
    assert due_after(*[overtaken] * 9) == 0


@pytest.mark.found("E257")
def test_what_a_pass_tried_in_vain_or_puts_off_is_asked_later_each_time() -> None:
    in_vain = left((drift(1), drift(2)), drift(2))
    refused = left((), drift(3), results=(ChangeResult(drift(1), done=False),))
    put_off = left((drift(1),), drift(3), damped=(drift(3),))
    unread = left((drift(1),), drift(3), unread={"other": "it is away"})
    untried = left((), drift(3))
    for one in (in_vain, refused, put_off, unread, untried):
        assert not one.is_overtaken
    assert due_after(in_vain) >= FIRST_RETRY_SECONDS / 2
    assert due_after(in_vain, in_vain, in_vain, in_vain) > FIRST_RETRY_SECONDS

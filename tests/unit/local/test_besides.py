"""What `local` tells besides outcomes and drift: who leaves and stays, and what resumed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from controller.local.besides import lines_besides
from controller.status.board import drift_line
from shared.http import ApprovalBody, Leftover, PauseBody
from shared.outcomes import PAUSED
from tests.unit.local.test_status import NOW, ONE, body, drift

LEO = Leftover(role="leo", what="drop role leo", message="It owns app.t (2BP01). Run REASSIGN.")
PAUSE = PauseBody(
    role="zoe", until=NOW + timedelta(hours=1), reason="3am", by="ops", since=NOW, held=1
)


@pytest.mark.found("E246")
def test_a_leaver_who_stays_is_told_once() -> None:
    """Its resource is gone, so no outcome says that its role is still there."""
    left = body(leftovers=(LEO, LEO.model_copy(update={"what": "revoke something"})))
    (line,) = lines_besides(ONE, body(), left, NOW)
    assert str(line) == (
        "03:04:05 Regent/default/one left of 'leo': drop role leo, and 1 more."
        " It owns app.t (2BP01). Run REASSIGN."
    )
    assert lines_besides(ONE, left, left, NOW) == []
    assert lines_besides(ONE, left, body(), NOW) == []
    assert lines_besides(ONE, None, body(applied=None, leftovers=(LEO,)), NOW) == []


@pytest.mark.found("E243")
def test_the_end_of_a_pause_is_told() -> None:
    """And whether somebody ended it; a Regent that has just started knows of none."""
    paused = body(paused=(PAUSE,))
    (line,) = lines_besides(ONE, paused, body(), NOW)
    assert (line.subject, line.state) == ("pause", "over")
    assert "'zoe' is paused no longer, before its time (2026-01-02T04:04:05Z)" in line.message
    (line,) = lines_besides(ONE, paused, body(), NOW + timedelta(hours=1))
    assert "before its time" not in line.message
    assert lines_besides(ONE, paused, paused, NOW) == []
    assert lines_besides(ONE, paused, body(applied=None), NOW) == []
    assert lines_besides(ONE, body(applied=None, paused=(PAUSE,)), body(), NOW) == []


@pytest.mark.found("E243")
def test_the_begin_of_a_pause_is_no_drift_and_no_correction() -> None:
    begun = drift(
        correction=PAUSED, deed="the correction of zoe was paused until noon (3am)", role="zoe"
    )
    assert str(drift_line(begun, at=NOW)) == (
        "03:04:05 pause begun the correction of zoe was paused until noon (3am) by eve (psql)"
    )


@pytest.mark.rule("20a")
def test_what_waits_for_approval_is_listed_once_per_digest() -> None:
    waits = ApprovalBody(
        waiting=True, digest="0123", change_count=3, changes=("drop role leo", "create role zoe")
    )
    asked = body(approval=waits)
    lines = lines_besides(ONE, body(), asked, NOW)
    assert [line.message for line in lines] == [
        "for approval: drop role leo",
        "for approval: create role zoe",
        "for approval: and 1 more",
    ]
    assert lines_besides(ONE, asked, asked, NOW) == []
    assert lines_besides(ONE, asked, body(), NOW) == []

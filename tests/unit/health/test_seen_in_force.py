"""What a process saw in force before its connection was lost, and whether it proves anything."""

from __future__ import annotations

import pytest

from regent.daemon import seen_in_force
from regent.health.board import Board
from regent.passes.look import Memory
from shared.http import ApprovalBody
from tests.declared import accepted


def seen(*, origin: str, server: str = "7", waiting: bool = False) -> Board:
    board = Board()
    board.applied_origin = origin
    approval = ApprovalBody(waiting=waiting)
    board.say(applied_revision=50, system_identifier=server, approval=approval)
    return board


@pytest.mark.found("E385")
@pytest.mark.rule("20a", "28a")
def test_what_was_in_force_counts_by_the_clock_of_its_own_source_alone() -> None:
    """Nor does that of another server prove anything, nor what only waited for approval."""
    here = accepted("")
    memory = Memory(accepted=here, system_identifier="7")
    origin = here.state.origin
    assert seen_in_force(memory, seen(origin=origin)) == 50
    assert seen_in_force(Memory(accepted=here), seen(origin=origin)) == 50
    assert seen_in_force(memory, seen(origin="another")) is None
    assert seen_in_force(memory, seen(origin=origin, server="8")) is None
    assert seen_in_force(memory, seen(origin=origin, waiting=True)) is None
    assert seen_in_force(memory, Board()) is None
    assert seen_in_force(Memory(accepted=None), seen(origin="")) is None

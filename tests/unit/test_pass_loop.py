"""What the engine's loop does when a pass fails by a mistake of ours."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from regent.detect.wake import Wake
from regent.engine import Engine
from regent.passes.schedule import Agenda
from tests.eventually import eventually


@pytest.mark.found("E116")
async def test_a_mistake_before_a_pass_begins_is_tried_again_later_each_time() -> None:
    """What was due stayed due, so it was tried thousands of times a second."""
    fails: list[str] = []
    now = 100.0
    engine: Any = object.__new__(Engine)
    engine.wake = Wake()
    engine._agenda = Agenda(monotonic=lambda: now)
    engine._agenda._resync_at = now
    engine.passes = SimpleNamespace(memory=SimpleNamespace(accepted=object()))
    engine._metrics = SimpleNamespace(pass_failed=lambda: fails.append("counted"))
    engine._board = SimpleNamespace(say=lambda **_: fails.append("said"))
    engine._detectors = SimpleNamespace(
        begin=lambda: fails.append("begun"), give_again=lambda: fails.append("given again")
    )
    engine._prevention = SimpleNamespace(let_through=_nothing)
    engine._one_pass = _fails
    loop = asyncio.create_task(engine._pass_loop())
    try:
        await eventually(lambda: _is(len(fails) >= 4))
        assert fails == ["begun", "counted", "given again", "said"]
        due = engine._agenda.seconds()
        assert due is not None
        assert due > 0, "not at once, though what was due was not done"
    finally:
        loop.cancel()


async def _fails(_: object) -> None:
    raise ZeroDivisionError


async def _nothing() -> None:
    return None


async def _is(value: bool) -> bool:
    return value

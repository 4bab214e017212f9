"""Several hear what Regents say; one that fails at it silences no other, and is that Regent's."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from controller.lifecycle.finalizers import FINALIZER
from controller.regents.fleet import Fleet
from controller.regents.heard import Changed, Heard, Left, Met, Said, Troubled
from controller.regents.outcome import LOOK_FAILED, NotReached
from shared.http import DetectorBody, StatusBody
from shared.keys import ResourceKey
from tests.unit.cluster.one_look import World, regent

pytestmark = pytest.mark.found("B20")
HELD: dict[str, Any] = {"finalizers": [FINALIZER]}
BAD, FINE = regent("bad"), regent("fine")
STATUS = StatusBody(sequence=1, detector=DetectorBody(mode="None", healthy=False))
AWAY = NotReached("NotAnswering", "It does not answer.")
CONTROLLER = Path(__file__).parents[3] / "controller"


def fails(heard: Heard) -> None:
    if heard.regent == BAD:
        raise ZeroDivisionError


def serving() -> World:
    one = World()
    for key in (BAD, FINE):
        one.declare(key, **HELD)
        one.serve(key.namespace)
    return one


async def test_a_subscriber_that_fails_silences_no_other() -> None:
    told: list[Heard] = []
    noted: list[tuple[ResourceKey, type]] = []
    fleet = serving().term.acting.fleet
    fleet._note = lambda about, error: noted.append((about, type(error)))
    fleet.subscribe(fails)
    fleet.subscribe(told.append)
    fleet.hear(Met(BAD))
    fleet.hear(Said(FINE, STATUS))
    fleet.hear(Troubled(BAD, AWAY))
    fleet.leave(BAD)
    assert told == [Changed(BAD), Met(BAD), Said(FINE, STATUS), Changed(BAD), Left(BAD)]
    assert set(noted) == {(BAD, ZeroDivisionError)}
    assert len(noted) == 4


async def test_a_trouble_is_told_when_it_is_another_one() -> None:
    told: list[Heard] = []
    fleet = serving().term.acting.fleet
    fleet.subscribe(told.append)
    for _ in range(3):
        fleet.hear(Troubled(FINE, AWAY))
    assert told == [Changed(FINE)]


async def test_nothing_is_heard_of_a_regent_that_was_left() -> None:
    told: list[Heard] = []
    fleet = Fleet(lambda *_: None)
    fleet.subscribe(told.append)
    fleet.hear(Said(FINE, STATUS))
    assert told == []


@pytest.mark.found("E28")
async def test_a_failure_at_hearing_is_counted_and_told_by_the_next_look_alone() -> None:
    one = serving()
    one.term.acting.fleet.subscribe(fails)
    await one.look()
    one.term.acting.fleet.hear(Said(BAD, STATUS))
    assert one.term.acting.faults.count == 1

    def reason() -> str:
        (ready,) = [c for c in one.api.statuses[BAD]["conditions"] if c["type"] == "Ready"]
        return str(ready["reason"])

    await one.look()
    assert reason() == LOOK_FAILED
    assert one.term.acting.retry_after() is not None
    await one.look()
    assert reason() != LOOK_FAILED
    assert one.pushed == {"bad", "fine"}


@pytest.mark.found("A1")
def test_departures_are_written_in_one_place() -> None:
    """By whoever calls `remember` or `forget` of them."""
    writers = {
        path.name
        for path in CONTROLLER.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in ("remember", "forget")
        and ast.unparse(node.value).endswith("departures")
    }
    assert writers == {"untold.py"}

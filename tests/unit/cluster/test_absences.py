"""A green light means seen: what was Ready is Unknown while its Regent is away for long."""

from __future__ import annotations

from typing import Any

import pytest

from controller.lifecycle.finalizers import FINALIZER
from controller.regents.heard import Said
from controller.regents.outcome import NotReached
from controller.status.absences import PATIENCE_SECONDS
from shared.http import DetectorBody, StatusBody, TroubleBody
from shared.outcomes import Outcome
from tests.unit.cluster.one_look import World, regent, user

HELD: dict[str, Any] = {"finalizers": [FINALIZER]}
HERE, ME = regent("here"), user("here")
READY = Outcome(
    resource=str(ME), generation=1, state="Ready", reason="Applied", message="As declared."
)
LOST = TroubleBody(reason="CannotConnect", message="Its server is away.")


def status(trouble: TroubleBody | None = None) -> StatusBody:
    detector = DetectorBody(mode="Triggers", healthy=True)
    return StatusBody(sequence=1, detector=detector, resources=(READY,), trouble=trouble)


def conditions(one: World) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["reason"]) for c in one.api.statuses[ME]["conditions"]}


async def green() -> tuple[World, list[float]]:
    """With a clock of its own."""
    one, clock = World(), [1000.0]
    one.term.telling.absences._clock = lambda: clock[0]
    one.declare(HERE, **HELD)
    one.declare(ME, **HELD)
    served = one.serve("here")
    served.trouble = None
    one.term.acting.fleet.hear(Said(HERE, status()))
    await one.look()
    assert conditions(one) == {"Ready": ("True", "Applied")}
    one.caches.resources[ME]["status"] = one.api.statuses[ME]
    return one, clock


@pytest.mark.found("E29")
@pytest.mark.parametrize("lost", ["Regent", "server", "workload"])
async def test_what_was_ready_is_unknown_once_its_regent_was_away_for_long(lost: str) -> None:
    """A Regent that only starts again costs no write."""
    one, clock = await green()
    served = one.term.acting.fleet._served[HERE]
    match lost:
        case "Regent":
            served.trouble = NotReached("NotAnswering", "It does not answer.")
        case "server":
            one.term.acting.fleet.hear(Said(HERE, status(LOST)))
        case _:
            one.term.acting.fleet._served.pop(HERE)
            one.unserved.add("here")
    await one.look()
    assert conditions(one) == {"Ready": ("True", "Applied")}
    clock[0] += PATIENCE_SECONDS
    await one.look()
    unknown = {"Ready": ("Unknown", "RegentAway"), "Reconciling": ("True", "RegentAway")}
    assert conditions(one) == unknown
    one.caches.resources[ME]["status"] = one.api.statuses[ME]
    one.term.acting.fleet._served[HERE] = served
    served.trouble = None
    one.term.acting.fleet.hear(Said(HERE, status()))
    await one.look()
    assert conditions(one) == {"Ready": ("True", "Applied")}

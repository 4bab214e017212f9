"""Two controllers of the same namespaces: noticed by what they do to each other's statuses."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, cast

import pytest

from controller.kube.api import KubeApi
from controller.kube.events import EventRecorder
from controller.kube.kinds import JsonObject
from controller.regents.outcome import NOT_MET
from controller.status.patch import RegentNews
from controller.status.reporter import Reporter
from controller.status.rivals import MOST_OVERWRITTEN, OVER_AFTER_SECONDS, Rivals
from shared.keys import ResourceKey
from shared.outcomes import Outcome
from tests.eventually import eventually
from tests.unit.cluster.objects import raw

ANN = ResourceKey("User", "default", "ann")
OURS = Outcome(resource=str(ANN), state="Ready", reason="Applied", message="As declared.")


class Shared:
    """One User, whose status somebody overwrites after so many of the writes of ours."""

    def __init__(self, overwrites: int) -> None:
        self.versions = itertools.count(10)
        self.left = overwrites
        self.found: JsonObject = raw("User", "ann", {"roles": ["viewer"]})
        self.reporter: Reporter | None = None

    async def patch_status(self, *about: Any) -> JsonObject:
        *_, body = about
        assert self.reporter is not None
        answer = self.seen(body["status"])
        if self.left:
            self.left -= 1
            self.seen({**body["status"], "conditions": [{"type": "Ready", "status": "False"}]})
        self.reporter.look_at(ANN)
        return answer

    def seen(self, status: JsonObject) -> JsonObject:
        metadata = {**self.found["metadata"], "resourceVersion": str(next(self.versions))}
        self.found = {**self.found, "metadata": metadata, "status": status}
        return self.found


async def written(overwrites: int) -> tuple[int, str]:
    """How often a status was written before that was left alone, and what is told."""
    shared = Shared(overwrites)
    troubled = 0

    def count() -> None:
        nonlocal troubled
        troubled += 1

    reporter = shared.reporter = Reporter(
        cast(KubeApi, shared),
        lambda _: shared.found,
        lambda _: RegentNews(trouble=NOT_MET),
        cast(EventRecorder, Ignoring()),
        count,
    )
    running = asyncio.create_task(reporter.run())

    async def is_quiet() -> bool:
        return len(reporter._queue) == 0 and not reporter._queue._worked_on

    try:
        reporter.controller_says({ANN: OURS})
        await eventually(is_quiet)
    finally:
        running.cancel()
        await asyncio.wait([running])
    assert troubled == bool(reporter.rivals.trouble)
    return reporter.writes, reporter.rivals.trouble


class Ignoring:
    def record(self, _: object) -> None:
        """Events are of no matter here."""


@pytest.mark.found("E194")
@pytest.mark.rule("29")
async def test_a_status_that_another_controller_overwrites_is_told_and_not_fought_over() -> None:
    writes, told = await written(overwrites=1000)
    assert writes == MOST_OVERWRITTEN
    assert "User/default/ann" in told
    assert "two releases of the chart" in told


@pytest.mark.found("E194")
async def test_a_status_that_a_hand_has_written_is_put_right_at_once() -> None:
    assert await written(overwrites=2) == (3, "")


@pytest.mark.found("E194")
def test_several_fights_that_are_over_are_told_no_more() -> None:
    now, versions = 0.0, itertools.count(1)
    rivals = Rivals(lambda: now)
    keys = [ResourceKey("User", "default", name) for name in ("ann", "bob")]
    ours, theirs = ({"conditions": [{"type": "Ready", "status": one}]} for one in ("True", "False"))
    for key in keys * MOST_OVERWRITTEN:
        answer = {"metadata": {"resourceVersion": str(next(versions))}}
        rivals.wrote(key, ours, answer)
        found = {"metadata": {"resourceVersion": str(next(versions))}, "status": theirs}
        rivals.seconds_to_wait(key, found, dict(ours))
    assert "User/default/ann" in rivals.trouble
    now += OVER_AFTER_SECONDS + 1
    assert rivals.trouble == ""

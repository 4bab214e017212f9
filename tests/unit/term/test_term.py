"""Nothing that a leader remembers outlives its term."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Any, cast

import pytest

from controller.kube.api import KubeApi
from controller.kube.events import News, Reference
from controller.regents.conversation import is_alone
from controller.regents.heard import Said
from controller.term.controller import ClusterController, Settings
from controller.term.term import Term
from controller.workloads.manifests import Plant
from shared.http import DetectorBody, StatusBody
from shared.keys import ResourceKey
from shared.outcomes import Outcome

pytestmark = pytest.mark.found("B20")
REGENT = ResourceKey("Regent", "default", "my-regent")
SHARED = {"_caches", "_api", "_quiet"}
"""What follows the cluster whoever leads, what writes, and the bell."""


def controller() -> ClusterController:
    """Over an API server that is never asked: nothing is known of what runs yet."""
    api = cast(KubeApi, None)
    return ClusterController(
        api, api, Settings(Plant("here", "image")), may_write=lambda: None, prove=is_alone
    )


async def lead(one: ClusterController) -> Term:
    """A term of its own, which ended."""
    leading = asyncio.create_task(one.lead())
    await asyncio.sleep(0)
    leading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await leading
    return one.term


def parts(term: Term) -> dict[str, Any]:
    """Everything that can remember something, however deep."""
    found: dict[str, Any] = {}
    waiting: list[tuple[str, Any]] = [("", term)]
    while waiting:
        place, part = waiting.pop()
        if any(part is one for one in found.values()):
            continue
        found[place] = part
        waiting += [
            (f"{place}.{name}", inner)
            for name, inner in getattr(part, "__dict__", {}).items()
            if name not in SHARED and can_remember(inner)
        ]
    return found


def can_remember(part: Any) -> bool:
    if isinstance(part, dict | list | set | deque):
        return True
    is_ours = type(part).__module__.startswith("controller.")
    parameters = getattr(type(part), "__dataclass_params__", None)
    return is_ours and not (parameters and parameters.frozen)


async def test_a_new_term_shares_nothing_with_the_one_before_but_its_counts() -> None:
    one = controller()
    first = await lead(one)
    outcome = Outcome(
        resource="Role/default/viewer", generation=1, state="Stalled", reason="a", message="b"
    )
    status = StatusBody(
        sequence=1, resources=(outcome,), detector=DetectorBody(mode="None", healthy=False)
    )
    first.telling.reporter.hear(Said(REGENT, status))
    first.recorder.record(News(Reference("v1", "Pod", "a", "b"), "Normal", "c", "d", "e"))
    first.telling.reporter.writes, first.telling.reporter.failed, first.recorder.dropped = 3, 1, 2

    second = await lead(one)

    assert len(parts(second)) > 40
    assert [name for name, part in parts(second).items() if part is parts(first)[name]] == []
    assert second.telling.reporter.outcomes() == {}
    assert second.recorder._waiting.empty()
    assert (second.telling.reporter.writes, second.telling.reporter.failed) == (3, 1)
    assert second.recorder.dropped == 2
    assert one.fleet is second.acting.fleet
    assert first.gate == "ended"


async def test_an_unexpected_failure_of_a_look_does_not_end_the_term() -> None:
    """It is said by the gate, and tried again."""
    one = controller()

    def fail() -> str:
        raise ZeroDivisionError

    one.caches.why_workloads_unknown = fail  # type: ignore[method-assign]
    leading = asyncio.create_task(one.lead())
    async with asyncio.timeout(30):
        while "ZeroDivisionError" not in one.gate:
            await asyncio.sleep(0.01)
    assert not leading.done()
    leading.cancel()
    await asyncio.wait([leading])

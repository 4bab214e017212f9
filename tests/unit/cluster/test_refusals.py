"""One refused write of a look stops nothing else; what stops everything is said by the gate."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, cast

import pytest

from controller.lifecycle.finalizers import FINALIZER
from controller.names import workload_name
from controller.pki.authorities import CONTROLLER_CA, REGENTS_CA, REPLACE_CA
from controller.process import is_synced
from shared.keys import ResourceKey
from shared.resources import UNINSTALL_ANNOTATION
from tests.unit.cluster.one_look import (
    AUTHORITIES,
    DEPARTURES,
    REFUSAL,
    WORKLOADS,
    Request,
    World,
    regent,
    user,
)

pytestmark = pytest.mark.found("E5")
HELD: dict[str, Any] = {"finalizers": [FINALIZER]}
GOING: dict[str, Any] = {**HELD, "deletionTimestamp": "2026-01-01T00:00:00Z"}
NAMESPACES = ("away", "back", "ends", "fine", "gone", "idle", "new", "off")
"""In each of them a look has something else to write."""


def world() -> World:
    one = World()
    for namespace in set(NAMESPACES) - {"idle"}:
        one.declare(regent(namespace), **HELD)
    one.serve("away", is_away=True)
    one.declare(user("away"), **GOING)
    one.declare(user("away", "here-again"), **HELD)
    one.departed(user("away", "here-again"), of=regent("away"))
    one.serve("back").is_uninstalled = True
    one.serve("ends")
    one.declare(user("ends"), **GOING)
    one.declare(user("fine"), **HELD)
    one.declare(regent("gone"), **GOING)
    one.declare(ResourceKey("Role", "idle", "role"), **HELD)
    one.declare(user("new"))
    off = one.declare(regent("off"), annotations={UNINSTALL_ANNOTATION: "true"}, **HELD)
    ready = {"type": "Ready", "status": "False", "reason": "NothingInstalled", "message": "."}
    ready["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    off["status"] |= {"observedGeneration": 1, "conditions": [ready]}
    one.unserved = {"gone", "off"}
    one.caches.running = {"back": WORKLOADS, "gone": WORKLOADS[:1], "off": WORKLOADS}
    for name, found in AUTHORITIES.items():
        metadata = {**found["metadata"], "annotations": {REPLACE_CA: "now"}}
        one.api.stored["Secret", name] = {**found, "metadata": metadata}
    return one


def subject(request: Request) -> str:
    """What may not be done when this is refused: of one namespace, or of one CA."""
    names = {workload_name(regent(one)): one for one in NAMESPACES}
    names |= {DEPARTURES: "away", CONTROLLER_CA: CONTROLLER_CA, REGENTS_CA: REGENTS_CA}
    return names.get(request.name, request.namespace)


async def test_one_refused_write_keeps_nothing_else_from_being_done() -> None:
    """Each write of a look is refused once, and the same look without it is the measure."""
    whole = world()
    await whole.look()
    assert {subject(one) for one in whole.api.writes} == {*NAMESPACES, CONTROLLER_CA, REGENTS_CA}
    assert whole.pushed >= {"fine", "ends", "new"}
    kinds = {(one.verb, one.kind) for one in whole.api.writes}
    assert {("patch", "ConfigMap"), ("patch", "Secret"), ("patch", "Role")} <= kinds
    assert {("delete", "Deployment"), ("apply", "Service"), ("patch status", "User")} <= kinds
    assert {("patch", "User"), ("patch", "Regent"), ("patch", "Deployment")} <= kinds

    suffered: dict[Request, list[str]] = {}
    for refused in sorted(set(whole.api.writes)):
        one = world()
        one.api.refuses = refused.__eq__
        try:
            await one.look()
        except Exception as error:  # noqa: BLE001 - each of them is what is looked for
            suffered[refused] = [repr(error)]
            continue
        missing = [*(Counter(whole.api.writes) - Counter(one.api.writes))]
        beside = [str(other) for other in missing if subject(other) != subject(refused)]
        beside += sorted(whole.pushed - one.pushed - {subject(refused)})
        if beside or one.term.gate:
            suffered[refused] = [*beside, one.term.gate]
    assert suffered == {}


async def word(refuses: Request, about: ResourceKey) -> tuple[str, str]:
    """What is said of a resource after two looks, as the first ends with what it could not do."""
    one = world()
    one.api.refuses = refuses.__eq__
    await one.look()
    await one.look()
    (ready,) = [c for c in one.api.statuses[about]["conditions"] if c["type"] == "Ready"]
    assert one.term.acting.retry_after() is not None
    return ready["reason"], ready["message"]


@pytest.mark.parametrize(
    ("refused", "about", "reason"),
    [
        (Request("patch", "ConfigMap", "postgregent", DEPARTURES), user("away"), "NotLetGo"),
        (Request("patch", "User", "ends", "user"), user("ends"), "NotLetGo"),
        (Request("patch", "User", "new", "user"), user("new"), "NotHeld"),
        (
            Request("delete", "Secret", "postgregent", workload_name(regent("gone"))),
            regent("gone"),
            "NotRemoved",
        ),
        (
            Request("delete", "Deployment", "postgregent", workload_name(regent("back"))),
            regent("back"),
            "NotRemoved",
        ),
        (
            Request("delete", "Deployment", "postgregent", workload_name(regent("off"))),
            regent("off"),
            "NothingInstalled",
        ),
    ],
    ids=lambda one: str(one) if isinstance(one, str) else "",
)
async def test_what_was_refused_is_said_of_its_object(
    refused: Request, about: ResourceKey, reason: str
) -> None:
    said, message = await word(refused, about)
    assert said == reason
    assert REFUSAL in message


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        (Request("patch", "ConfigMap", "postgregent", DEPARTURES), "DeparturesNotWritten"),
        (Request("patch", "Secret", "postgregent", REGENTS_CA), "AuthorityNotReplaced"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
async def test_what_is_of_no_resource_is_told_beside_the_controller(
    refused: Request, told: str
) -> None:
    one = world()
    one.api.refuses = refused.__eq__
    await one.look()
    await one.look()
    waiting = one.term.recorder._waiting
    news = [waiting.get_nowait() for _ in range(waiting.qsize())]
    (found,) = [each for each in news if each.reason == told]
    assert REFUSAL in found.note
    assert found.regarding.namespace == "postgregent"


@pytest.mark.found("E50")
async def test_a_status_that_is_refused_is_told_beside_the_controller_and_counted() -> None:
    """The right to write it was taken away: everything would stay green, with nobody told."""
    one = world()
    one.api.refuses = lambda request: request.verb == "patch status"
    await one.look()
    await one.look()
    waiting = one.term.recorder._waiting
    news = [waiting.get_nowait() for _ in range(waiting.qsize())]
    (found,) = [each for each in news if each.reason == "StatusNotWritten"]
    assert REFUSAL in found.note
    assert found.regarding.namespace == "postgregent"
    assert one.term.telling.reporter.failed > 0
    one.api.refuses = lambda _: False
    await one.look()
    assert one.term.telling.reporter.trouble == ""


@pytest.mark.parametrize(
    "refused",
    [
        Request("get", "ConfigMap", "postgregent", DEPARTURES),
        Request("get", "Secret", "postgregent", REGENTS_CA),
        Request("get", "Namespace", "", "kube-system"),
        Request("get", "CustomResourceDefinition", "", "users.putnam120.postgregent"),
    ],
    ids=lambda one: one.kind,
)
async def test_what_stops_every_look_closes_the_gate_until_it_passes(refused: Request) -> None:
    """The metric is 0 then, and the alert fires."""
    one = world()
    one.api.refuses = refused.__eq__
    term, ended = one.term, asyncio.Event()
    term._set_gate("")
    look = term._look

    async def noted(group: asyncio.TaskGroup) -> float | None:
        again = await look(group)
        ended.set()
        return again

    term._look = noted  # type: ignore[method-assign]
    looking = asyncio.create_task(term._look_for_ever(cast(asyncio.TaskGroup, None)))

    async def until_gate(*, is_closed: bool) -> None:
        one.quiet.wake()
        async with asyncio.timeout(30):
            while bool(term.gate) != is_closed:
                await asyncio.sleep(0.01)

    await until_gate(is_closed=True)
    assert REFUSAL in term.gate
    assert not is_synced(term)
    assert one.pushed == set()
    one.api.refuses = lambda _: False
    await until_gate(is_closed=False)
    assert is_synced(term)
    await ended.wait()
    looking.cancel()
    await asyncio.wait([looking])


@pytest.mark.found("E27")
@pytest.mark.rule("27")
async def test_a_finalizer_that_is_not_taken_off_is_tried_again_while_definitions_go() -> None:
    """Somebody was faster: no news of the object, so no look came before the next minute."""
    one = World()
    one.caches.trouble = "CustomResourceDefinition regents is not there."
    one.caches.going = frozenset({"User"})
    one.declare(user("ends"), **GOING)
    one.api.refuses = lambda request: request.verb == "patch"
    assert await one.term._look(cast(asyncio.TaskGroup, None)) is not None
    one.api.refuses = lambda _: False
    await asyncio.sleep(one.term.acting.patches.retries.seconds_left() or 0)
    await one.term._look(cast(asyncio.TaskGroup, None))
    assert Request("patch", "User", "ends", "user") in one.api.writes

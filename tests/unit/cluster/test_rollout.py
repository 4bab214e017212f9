"""A bad image stops one Regent, and not all."""

from __future__ import annotations

from typing import Any

import pytest

from controller.kube.kinds import DEPLOYMENT, SECRET, JsonObject, Kind
from controller.lifecycle.finalizers import FINALIZER
from controller.names import workload_name
from controller.regents.outcome import NOT_ANSWERING, NotReached
from controller.workloads.rollout import Rollout
from shared.keys import ResourceKey
from tests.unit.cluster.one_look import OWN, World, regent

pytestmark = pytest.mark.found("E144")
A, B, C = (ResourceKey("Regent", "default", name) for name in "abc")
READY = {"observedGeneration": 1, "updatedReplicas": 1, "readyReplicas": 1}
STARTS = {"observedGeneration": 1, "updatedReplicas": 1, "unavailableReplicas": 1}


def deployment(image: str, status: dict[str, Any] | None = None, generation: int = 1) -> JsonObject:
    pod = {"containers": [{"name": "regent", "image": image}]}
    return {
        "metadata": {"generation": generation},
        "spec": {"template": {"spec": pod}},
        "status": READY if status is None else status,
    }


def test_one_goes_first_and_the_others_when_it_answers() -> None:
    rollout, answering = Rollout("new"), {A, B, C}
    there = {key: deployment("old") for key in (A, B, C)}

    def waiting() -> frozenset[ResourceKey]:
        rollout.look(there, answering.__contains__)
        return rollout.waiting

    assert waiting() == {B, C}
    there[A] = deployment("new", generation=2)
    assert waiting() == {B, C}, "it is the one before that answers"
    answering -= {A}
    there[A] = deployment("new", STARTS)
    assert waiting() == {B, C}, "its image may not be there"
    assert rollout.first == A
    answering |= {A}
    assert waiting() == frozenset()


def test_nobody_waits_for_who_has_nothing_to_lose_or_is_gone() -> None:
    rollout = Rollout("new")
    rollout.look({A: deployment("old", {}), B: deployment("old", STARTS)}, lambda _: False)
    assert rollout.waiting == frozenset(), "none of them works"
    rollout.look({A: deployment("old"), B: deployment("old")}, lambda _: False)
    assert rollout.first == A
    assert rollout.waiting == {B}
    rollout.look({B: deployment("old"), C: deployment("old")}, lambda _: False)
    assert rollout.first == B
    assert rollout.waiting == {C}
    rollout.pass_over(B)
    rollout.look({B: deployment("old"), C: deployment("old")}, lambda _: False)
    assert rollout.first == C, "nobody waits for who cannot be made"
    assert rollout.waiting == frozenset()
    new = {A: deployment("new", STARTS), B: deployment("old"), C: deployment("new")}
    rollout.look(new, {C}.__contains__)
    assert rollout.waiting == frozenset(), "one that answers is enough"
    rollout.look({A: deployment("new")}, lambda _: True)
    assert rollout.waiting == frozenset()


async def test_who_waits_is_left_alone_and_says_for_whom() -> None:
    one = World()
    names = ("one", "two")
    found = {name: deployment("old") for name in names}
    for name in names:
        one.declare(regent(name), finalizers=[FINALIZER])
        one.serve(name).trouble = None

    def workloads(kind: Kind) -> dict[tuple[str, str], JsonObject]:
        if kind not in (DEPLOYMENT, SECRET):
            return {}
        return {
            (OWN, workload_name(regent(name))): {**found[name], "metadata": {"name": name}}
            for name in names
        }

    one.caches.workloads = workloads  # type: ignore[method-assign]
    await one.look()
    applied = {asked.name for asked in one.api.writes if asked.kind == "Deployment"}
    assert applied == {workload_name(regent("one"))}
    lack = one.term.acting.lack_of(regent("two"))
    assert lack is not None
    assert (lack.reason, "Regent/one/my-regent first" in lack.message) == ("NotInForce", True)
    assert one.term.acting.retry_after() is not None

    found["one"] = deployment("image", STARTS)
    one.term.acting.fleet.served[regent("one")].trouble = NotReached(NOT_ANSWERING, ".")
    await one.look()
    assert one.term.acting.lack_of(regent("two")) is not None
    one.term.acting.fleet.served[regent("one")].trouble = None
    found["one"]["metadata"] = {}
    found["one"]["status"] = {"updatedReplicas": 1}
    await one.look()
    assert one.term.acting.lack_of(regent("two")) is None
    assert workload_name(regent("two")) in {
        asked.name for asked in one.api.writes if asked.kind == "Deployment"
    }

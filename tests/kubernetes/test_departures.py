"""Deletions that a Regent could not be told of are all remembered, whoever else writes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from controller.kube.api import KubeApi
from controller.kube.events import EventRecorder
from controller.kube.kinds import CONFIG_MAP, OUR_KINDS, REGENT, USER
from controller.lifecycle.departures import Departures
from controller.lifecycle.finalizers import FINALIZER
from controller.observe.reader import Reader
from shared.keys import ResourceKey
from shared.resources import API_VERSION
from tests.kubernetes.controlled import controlled, flights_manifests
from tests.kubernetes.test_endings import KINDS, endings_of
from tests.kubernetes_harness.access import Cluster
from tests.postgres.database import Database
from tests.unit.cluster.objects import REGENT_SPEC

pytestmark = pytest.mark.found("A1")


def body(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "finalizers": [FINALIZER]}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def users(namespace: str, count: int, prefix: str = "user") -> frozenset[ResourceKey]:
    return frozenset(ResourceKey("User", namespace, f"{prefix}-{n}") for n in range(count))


async def remembered(api: KubeApi, namespace: str) -> dict[ResourceKey, frozenset[ResourceKey]]:
    """As the next leader reads it."""
    departures = Departures(api, namespace)
    await departures.load()
    return dict(departures.known)


@pytest.mark.rule("20")
@pytest.mark.rule("27")
async def test_what_is_let_go_in_one_look_is_remembered_whole(
    crds: Cluster, api: KubeApi, namespace: str
) -> None:
    """Each write of its own was computed from the same memory, and the last one won."""
    del crds
    gone = users(namespace, 24)
    regent = ResourceKey("Regent", namespace, "my-regent")
    await api.create(REGENT, namespace, body("Regent", "my-regent", REGENT_SPEC))
    for user in gone:
        await api.create(USER, namespace, body("User", user.name, {"database": "mydb"}))
        await api.delete(USER, namespace, user.name)
    found = [(kind.name, one) for kind in OUR_KINDS for one in (await api.list(kind, namespace))[0]]
    declared = Reader().read(
        (name, {"apiVersion": API_VERSION, "kind": name, **one})  # type: ignore[misc]
        for name, one in found
    )
    endings = endings_of(api, namespace, EventRecorder(api, instance="test"))

    await endings.go_on(declared, KINDS, frozenset())

    left, _ = await api.list(USER, namespace)
    assert left == []
    assert await remembered(api, namespace) == {regent: gone}


async def test_what_another_controller_wrote_meanwhile_is_kept(
    api: KubeApi, namespace: str
) -> None:
    """A leader that was frozen has read the memory before, and writes once more."""
    regent = ResourceKey("Regent", namespace, "my-regent")
    old, new = Departures(api, namespace), Departures(api, namespace)
    await old.remember({regent: users(namespace, 1, "first")})
    await new.load()
    await new.remember({regent: users(namespace, 1, "second")})
    await old.remember({regent: users(namespace, 1, "third")})
    await new.forget({regent: users(namespace, 1, "first")})
    kept = users(namespace, 1, "second") | users(namespace, 1, "third")
    assert await remembered(api, namespace) == {regent: kept}
    await asyncio.gather(
        *(new.remember({regent: users(namespace, 1, f"at-once-{n}")}) for n in range(8)),
        *(old.forget({regent: frozenset({one})}) for one in kept),
    )
    assert len((await remembered(api, namespace))[regent]) == 8


async def test_five_thousand_departures_find_room(api: KubeApi, namespace: str) -> None:
    regent = ResourceKey("Regent", namespace, "my-regent")
    many = users(namespace, 5_000, "a-user-with-quite-a-long-name-of-a-team-in-a-company")
    departures = Departures(api, namespace)
    await departures.remember({regent: many})
    assert await remembered(api, namespace) == {regent: many}
    await departures.forget({regent: many - users(namespace, 1, "none")})
    found = await api.get(CONFIG_MAP, namespace, "postgregent-departures")
    assert not found.get("data")
    assert not found.get("binaryData")


@pytest.mark.found("E5")
@pytest.mark.versions(18)
async def test_a_memory_that_cannot_be_written_keeps_nothing_from_being_pushed(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> None:
    """Somebody made its ConfigMap immutable, and what departed is there again."""
    async with controlled(crds, api, namespace, tmp_path, start=False) as one:
        departed = [f"User/{namespace}/summer-intern-2"]
        memory = {
            "metadata": {"name": "postgregent-departures"},
            "immutable": True,
            "data": {f"{namespace}_my-regent": json.dumps(departed)},
        }
        await api.create(CONFIG_MAP, namespace, memory)
        one.apply(*flights_manifests(database))
        await one.start()
        await one.ready("User", "summer-intern-2")
        await one.ready("Role", "mydb-viewer")
        assert one.controller is not None
        assert one.controller.gate == ""
        (told, *_) = await one.events("DeparturesNotWritten")
        assert "immutable" in told["note"]

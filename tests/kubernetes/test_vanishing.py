"""A finalizer that somebody removes comes back, and a deletion that nobody saw is told at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from controller.kube.api import KubeApi
from controller.kube.kinds import REGENT, USER
from controller.lifecycle.finalizers import is_held
from shared.resources import VANISHED_ANNOTATION
from tests.eventually import eventually
from tests.kubernetes.controlled import Controlled, controlled, flights_manifests, ready_reason
from tests.kubernetes.in_force import LOGINS, all_ready
from tests.kubernetes_harness.access import Cluster
from tests.postgres.database import Database

pytestmark = [
    pytest.mark.versions(18), pytest.mark.found("A6"),
    pytest.mark.rule("20"),
]  # fmt: skip
NO_FINALIZERS: dict[str, Any] = {"metadata": {"finalizers": []}}


@pytest.fixture
async def one(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    async with controlled(crds, api, namespace, tmp_path) as running:
        running.apply(*flights_manifests(database))
        await all_ready(running)
        yield running


async def test_a_finalizer_that_somebody_removes_is_put_back_and_told(one: Controlled) -> None:
    """Twice, since the first time is no other than the second."""
    for _ in range(2):
        await one.api.patch(USER, one.namespace, "summer-intern-2", NO_FINALIZERS)
        await one.until("User", "summer-intern-2", lambda found: bool(found and is_held(found)))
    (event,) = await one.events("FinalizerRemoved")
    assert event["regarding"]["name"] == "summer-intern-2"
    assert "delete the resource" in event["note"]


async def test_a_deletion_behind_the_controllers_back_is_told_and_can_be_meant(
    one: Controlled, database: Database
) -> None:
    """The access stays, the Regent says so, and a person ends it by the token that it names."""
    connection = await database.connect()
    before = await connection.fetchval(LOGINS)
    await one.stop()
    await one.api.patch(USER, one.namespace, "summer-intern-2", NO_FINALIZERS)
    await one.delete("User", "summer-intern-2")
    await one.start()

    await one.stalled("Regent", "my-regent", "Vanished")
    events = await one.events("Vanished")
    assert {event["regarding"]["kind"] for event in events} == {"Regent"}
    assert f"User/{one.namespace}/summer-intern-2" in events[0]["note"]
    assert await connection.fetchval(LOGINS) == before

    found = await one.get("Regent", "my-regent")
    assert found is not None
    (said,) = (c["message"] for c in found["status"]["conditions"] if c["type"] == "Ready")
    annotation, _, token = said.rpartition(" ")[2].partition("=")
    assert annotation == VANISHED_ANNOTATION
    for value in ("0" * 16, token):
        assert await connection.fetchval(LOGINS) == before
        patch = {"metadata": {"annotations": {annotation: value}}}
        await one.api.patch(REGENT, one.namespace, "my-regent", patch)
        await asyncio.sleep(1)
    await one.until("Regent", "my-regent", lambda found: ready_reason(found) == "Running")

    async def has_ended() -> bool:
        return bool(await connection.fetchval(LOGINS) == before - 1)

    await eventually(has_ended)

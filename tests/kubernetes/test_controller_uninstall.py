"""A Regent that is annotated is taken off the cluster, and brought back by taking that away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.kube.api import KubeApi
from controller.lifecycle.finalizers import FINALIZER
from shared.resources import UNINSTALL_ANNOTATION
from tests.kubernetes.controlled import (
    Controlled,
    controlled,
    flights_manifests,
    hasty_endings,
    ready_reason,
)
from tests.kubernetes.in_force import INSTALLED, LOGINS, RESOURCES, all_ready
from tests.kubernetes_harness.access import Cluster
from tests.postgres.database import Database

pytestmark = pytest.mark.versions(18)
WORKLOADS = "deployment,service,secret,serviceaccount,networkpolicy"


@pytest.fixture
async def one(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    """A controller, and the reference's manifests in force."""
    async with controlled(crds, api, namespace, tmp_path) as running:
        running.apply(*flights_manifests(database))
        await all_ready(running)
        yield running


async def finalizers(one: Controlled) -> set[str]:
    found = [await one.get(kind, name) for kind, name in RESOURCES]
    return {name for each in found if each for name in each["metadata"].get("finalizers", ())}


def workloads(one: Controlled) -> list[str]:
    selector = "app.kubernetes.io/component=regent"
    found = one.cluster.get(WORKLOADS, "-n", one.namespace, "-l", selector)["items"]
    return [each["metadata"]["name"] for each in found]


def annotate(one: Controlled, change: str) -> None:
    one.cluster.kubectl("annotate", "pgregent", "my-regent", "-n", one.namespace, change)


async def until_off(one: Controlled) -> None:
    async with asyncio.timeout(120):
        while await finalizers(one) or workloads(one):
            one.check()
            await asyncio.sleep(0.1)


@pytest.mark.rule("28")
async def test_an_annotated_regent_leaves_the_roles_and_comes_back_without_adopt(
    one: Controlled, database: Database
) -> None:
    assert await finalizers(one) == {FINALIZER}
    annotate(one, f"{UNINSTALL_ANNOTATION}=true")
    await one.stalled("Regent", "my-regent", "Uninstalled")
    await until_off(one)
    connection = await database.connect()
    assert await connection.fetchval(INSTALLED) == 0
    assert await connection.fetchval(LOGINS) == 2
    await one.stalled("Role", "mydb-viewer", "NoRegent")
    # Another leader finds nothing to do, and says the same.
    await one.stop()
    await one.start()
    await asyncio.sleep(2.0)
    assert ready_reason(await one.get("Regent", "my-regent")) == "Uninstalled"
    assert await finalizers(one) == set()
    assert workloads(one) == []
    annotate(one, f"{UNINSTALL_ANNOTATION}-")
    await all_ready(one)
    assert await connection.fetchval(INSTALLED) > 0
    assert await finalizers(one) == {FINALIZER}


@pytest.mark.rule("28")
async def test_a_server_that_is_gone_hangs_no_uninstall(
    one: Controlled, database: Database
) -> None:
    database.server.stop()
    try:
        annotate(one, f"{UNINSTALL_ANNOTATION}=true")
        with hasty_endings():
            await one.stalled("Regent", "my-regent", "LeftInstalled")
            await until_off(one)
    finally:
        database.server.start()


@pytest.mark.rule("28")
async def test_a_regent_that_is_wanted_back_while_it_leaves_starts_again(
    one: Controlled, database: Database
) -> None:
    """Its process was told to stop for good, so it gets another one."""
    connection = await database.connect()
    annotate(one, f"{UNINSTALL_ANNOTATION}=true")
    async with asyncio.timeout(120):
        while await connection.fetchval(INSTALLED):
            await asyncio.sleep(0.01)
    annotate(one, f"{UNINSTALL_ANNOTATION}-")
    async with asyncio.timeout(120):
        while not await connection.fetchval(INSTALLED):
            one.check()
            await asyncio.sleep(0.1)
    await all_ready(one)
    assert await finalizers(one) == {FINALIZER}

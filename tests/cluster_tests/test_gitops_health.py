"""What Flux's `wait: true` makes of our conditions, which here the test writes itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.kube.api import KubeApi
from controller.status_patch import status_of
from shared.outcomes import State
from tests.cluster.access import Cluster
from tests.cluster.programs import CONTROL_PLANE, FLUX, are_built
from tests.cluster_tests.controlled import KINDS
from tests.cluster_tests.delivered import Delivery, delivery
from tests.unit.crds.statuses import NOW, REGENT, outcome

BUILD_SECONDS = 3600
pytestmark = pytest.mark.timeout(180 if are_built(CONTROL_PLANE, FLUX) else BUILD_SECONDS)
ROLE = KINDS["Role"]


@pytest.fixture
async def delivered(
    crds: Cluster, api: KubeApi, namespace: str, tmp_path: Path
) -> AsyncIterator[Delivery]:
    async with delivery(crds, api, namespace, tmp_path) as one:
        yield one


def tree(namespace: str, work_mem: str = "5MB") -> dict[str, str | None]:
    """A ConfigMap and a Role that names no Permission."""
    kustomization = f"namespace: {namespace}\nresources: [note.yaml, role.yaml]\n"
    note = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: note}\n"
    role = (
        "apiVersion: putnam120.postgregent/v1alpha1\nkind: Role\nmetadata: {name: viewer}\n"
        f"spec: {{database: mydb, parameters: {{work_mem: {work_mem}}}}}\n"
    )
    return {"access/kustomization.yaml": kustomization, "access/note.yaml": note,
            "access/role.yaml": role}  # fmt: skip


async def seen(one: Delivery, generation: int) -> None:
    """Until Flux has applied this generation of the Role."""
    async with asyncio.timeout(60):
        while True:
            found, _ = await one.api.list(ROLE, one.namespace)
            if found and found[0]["metadata"]["generation"] == generation:
                return
            one.engine.must_run()
            await asyncio.sleep(0.05)


async def say(one: Delivery, state: State) -> None:
    """As the controller would."""
    found = await one.api.get(ROLE, one.namespace, "viewer")
    said = outcome("Role", state, found["metadata"]["generation"])
    body = {"status": status_of(found, None, {REGENT: said}, NOW)}
    await one.api.patch_status(ROLE, one.namespace, "viewer", body)


@pytest.mark.rule("29")
async def test_flux_waits_until_ready_and_gives_up_what_is_stalled(delivered: Delivery) -> None:
    """Unseen is not healthy, Ready is, a new generation is not until it is Ready again."""
    one = delivered
    first = await one.commit("A role", tree(one.namespace))
    await one.start("./access")
    await seen(one, 1)
    await one.applied(first)
    assert not await one.is_healthy()
    await say(one, "Ready")
    await one.healthy(first)

    second = await one.commit("Another setting", tree(one.namespace, "6MB"))
    await seen(one, 2)
    await one.applied(second)
    assert not await one.is_healthy()
    await say(one, "Stalled")
    ended = await one.broken(second)
    assert ended.reason == "HealthCheckFailed"
    assert f"Role/{one.namespace}/viewer status: 'Failed'" in ended.message
    await say(one, "Ready")
    await one.healthy(second)


@pytest.mark.slow
@pytest.mark.rule("29")
async def test_what_waits_for_something_to_come_is_in_progress_until_the_time_is_over(
    delivered: Delivery,
) -> None:
    """`Reconciling` is no failure; Flux stops waiting after `timeout`, 30 s at least."""
    one = delivered
    first = await one.commit("A role", tree(one.namespace))
    await one.start("./access", timeout="30s")
    await seen(one, 1)
    await say(one, "Reconciling")
    ended = await one.broken(first)
    assert "timeout waiting" in ended.message
    assert f"Role/{one.namespace}/viewer status: 'InProgress'" in ended.message

"""What Flux's `wait: true` makes of our conditions, which here the test writes itself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.kube.api import KubeApi
from controller.status.patch import status_of
from shared.outcomes import State
from shared.resources import API_VERSION
from tests.kubernetes.controlled import KINDS
from tests.kubernetes.delivered import Delivery, delivery
from tests.kubernetes_harness.access import Cluster
from tests.kubernetes_harness.programs import CONTROL_PLANE, FLUX, are_built
from tests.unit.crds.statuses import NOW, REGENT, outcome

BUILD_SECONDS = 3600
pytestmark = pytest.mark.timeout(600 if are_built(CONTROL_PLANE, FLUX) else BUILD_SECONDS)
ROLE = KINDS["Role"]


@pytest.fixture
async def delivered(
    crds: Cluster, api: KubeApi, namespace: str, tmp_path: Path
) -> AsyncIterator[Delivery]:
    async with delivery(crds, api, namespace, tmp_path) as one:
        yield one


def tree(namespace: str, *roles: str, work_mem: str = "5MB") -> dict[str, str | None]:
    """A ConfigMap, and Roles that name no Permission."""
    spec = {"database": "mydb", "parameters": {"work_mem": work_mem}}
    found: list[dict[str, object]] = [
        {"apiVersion": API_VERSION, "kind": "Role", "metadata": {"name": role}, "spec": spec}
        for role in roles
    ]
    found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "note"}})
    kustomization = {"namespace": namespace, "resources": ["all.yaml"]}
    return {
        "access/kustomization.yaml": yaml.safe_dump(kustomization),
        "access/all.yaml": yaml.safe_dump_all(found),
    }


async def seen(one: Delivery, generation: int) -> None:
    """Until Flux has applied this generation of every Role."""
    async with asyncio.timeout(120):
        while True:
            found, _ = await one.api.list(ROLE, one.namespace)
            if found and all(role["metadata"]["generation"] == generation for role in found):
                return
            one.engine.must_run()
            await asyncio.sleep(0.05)


async def say(one: Delivery, role: str, state: State) -> None:
    """As the controller would."""
    found = await one.api.get(ROLE, one.namespace, role)
    said = outcome("Role", state, found["metadata"]["generation"])
    await write(one, role, status_of(found, None, {REGENT: said}, NOW))


async def write(one: Delivery, role: str, status: Mapping[str, Any] | None) -> None:
    """The status of a Role."""
    await one.api.patch_status(ROLE, one.namespace, role, {"status": status})


@pytest.mark.rule("29")
async def test_flux_waits_until_ready_and_gives_up_at_once_what_is_stalled(
    delivered: Delivery,
) -> None:
    """Unseen is not healthy, Ready is, a new generation is not until it is Ready again."""
    one = delivered
    first = await one.commit("A role", tree(one.namespace, "viewer"))
    await one.start("./access")
    await seen(one, 1)
    await one.applied(first)
    assert not await one.is_healthy()
    await say(one, "viewer", "Ready")
    await one.healthy(first)

    second = await one.commit("Another setting", tree(one.namespace, "viewer", work_mem="6MB"))
    await seen(one, 2)
    await one.applied(second)
    assert not await one.is_healthy()
    await say(one, "viewer", "Stalled")
    ended = await one.broken(second)
    assert ended.reason == "HealthCheckFailed"
    assert "failed early" in ended.message
    assert f"Role/{one.namespace}/viewer status: 'Failed'" in ended.message
    await say(one, "viewer", "Ready")
    await one.healthy(second)


@pytest.mark.slow
@pytest.mark.rule("29")
async def test_what_may_still_come_is_in_progress_until_the_time_is_over(
    delivered: Delivery,
) -> None:
    """`Reconciling`, an old generation, no condition yet; Flux waits for `timeout`, 30 s at least.

    The last would be healthy without the example's healthCheckExprs.
    """
    one, roles = delivered, ("waiting", "old", "bare", "ready")
    first = await one.commit("Four roles", tree(one.namespace, *roles))
    await one.start("./access", timeout="30s")
    await one.applied(first)
    await say(one, "waiting", "Reconciling")
    await say(one, "old", "Ready")
    await write(one, "old", {"observedGeneration": 0})
    await write(one, "bare", {"observedGeneration": 1})
    await say(one, "ready", "Ready")
    ended = await one.broken(first)
    assert "timeout waiting" in ended.message
    listed = set(re.findall(r"Role/\S+/(\w+) status: '(\w+)'", ended.message))
    assert listed == {(role, "InProgress") for role in ("waiting", "old", "bare")}

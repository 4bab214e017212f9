"""`postgregent status --kubernetes`: what statuses in a cluster say, with the caller's rights."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.kube.api import KubeApi
from tests.command import Ended, postgregent_process
from tests.kubernetes.controlled import Controlled, controlled, flights_manifests
from tests.kubernetes.in_force import all_ready
from tests.kubernetes_harness.access import Cluster
from tests.postgres.database import Database

pytestmark = [pytest.mark.versions(18), pytest.mark.timeout(240)]


@pytest.fixture
async def one(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    """A controller, and the reference's manifests in force."""
    async with controlled(crds, api, namespace, tmp_path) as running:
        running.apply(*flights_manifests(database))
        await all_ready(running)
        yield running


async def status(one: Controlled, *arguments: str, kubeconfig: Path | None = None) -> Ended:
    access = str(kubeconfig or one.cluster.kubeconfig)
    return await postgregent_process(
        "status", "--kubernetes", "--kubeconfig", access, "-n", one.namespace, *arguments
    )


async def test_a_cluster_says_what_is_ready_and_lets_read_whom_it_lets_read(
    one: Controlled,
) -> None:
    """And what is declared wrongly is named with its reason."""
    ended = await status(one)
    assert ended.status == 0, ended.out + ended.err
    assert f"✓ Regent/{one.namespace}/my-regent Ready" in ended.out
    assert "✓ Ready: 3 Permission, 2 Role, 2 User" in ended.out
    stranger = await status(one, kubeconfig=one.cluster.kubeconfig_for("stranger", []))
    assert stranger.status == 1
    assert "The cluster does not let you" in stranger.err
    spec = '{"spec": {"permissions": ["nowhere"]}}'
    role = ("roles.putnam120.postgregent", "mydb-viewer", "-n", one.namespace)
    one.cluster.kubectl("patch", *role, "--type=merge", "-p", spec)
    await one.until("Role", "mydb-viewer", lambda found: "nowhere" in str((found or {})["status"]))
    ended = await status(one, "-o", "json")
    assert ended.status == 3, ended.out
    told = {
        said["resource"]: said["reason"]
        for said in ended.data()["conditions"]
        if said["condition"] == "Ready" and said["level"] == "Fault"
    }
    assert told[f"Role/{one.namespace}/mydb-viewer"] == "PermissionNotFound"

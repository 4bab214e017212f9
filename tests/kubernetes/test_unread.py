"""A controller that may not list our kinds, and so knows nobody of there, says so."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import httpx
import pytest

from controller.kube.api import KubeApi
from controller.kube.kinds import EVENT
from tests.eventually import eventually
from tests.kubernetes.chart_account import chart_account
from tests.kubernetes.controller_process import LEASE_NAME
from tests.kubernetes.test_lease_refused import controller
from tests.kubernetes_harness.access import Cluster
from tests.ports import own_port


@pytest.mark.found("E540")
@pytest.mark.rule("17")
async def test_a_controller_without_the_right_on_our_kinds_is_not_ready_and_says_why(
    crds: Cluster, api: KubeApi, namespace: str, tmp_path: Path
) -> None:
    """It leads, and is synced as soon as the right is there."""
    kubeconfig = chart_account(
        crds, LEASE_NAME, namespace,
        watch_namespaces=f"{{{namespace}}}", secrets_namespaces=f"{{{namespace}}}",
        rbac_kindsClusterWide="false",
    )  # fmt: skip
    (binding,) = [
        one
        for one in crds.get("rolebinding", "-n", namespace)["items"]
        if one["roleRef"]["kind"] == "ClusterRole"
        and one["roleRef"]["name"].endswith("-controller")
    ]
    name = binding["metadata"]["name"]
    again = {
        **{key: binding[key] for key in ("apiVersion", "kind", "roleRef", "subjects")},
        "metadata": {"name": name, "namespace": namespace},
    }
    crds.kubectl("delete", "rolebinding", name, "-n", namespace)

    async def told() -> bool:
        found, _ = await api.list(EVENT, namespace)
        notes = [one["note"] for one in found if one["reason"] == "KindsNotRead"]
        return any("403" in note and namespace in note for note in notes)

    port = own_port()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:

        async def answers(path: str, *words: str) -> bool:
            with contextlib.suppress(httpx.TransportError):
                answer = await client.get(path)
                return all(word in f"{answer.status_code} {answer.text}" for word in words)
            return False

        log = tmp_path / "controller.log"
        with controller(kubeconfig, namespace, port, log):
            await eventually(
                lambda: answers(
                    "/metrics",
                    "postgregent_controller_leader 1.0",
                    "postgregent_controller_synced 0.0",
                    "postgregent_controller_namespaces_unread 1.0",
                )
            )
            await eventually(lambda: answers("/readyz", "503", "403", namespace, "cannot list"))
            await eventually(told)
            await asyncio.to_thread(crds.apply, again)
            await eventually(lambda: answers("/readyz", "200"))
            await eventually(lambda: answers("/metrics", "postgregent_controller_synced 1.0"))
    assert any(
        "KindsNotRead" in line and "warning" in line for line in log.read_text().splitlines()
    )

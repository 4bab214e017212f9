"""A controller that may not have its Lease says so, though it acts on nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from controller.kube.api import KubeApi
from controller.kube.kinds import EVENT
from tests.eventually import eventually
from tests.kubernetes.chart_account import chart_account
from tests.kubernetes.controller_process import LEASE_NAME
from tests.kubernetes_harness.access import Cluster
from tests.ports import own_port

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def controller(kubeconfig: Path, namespace: str, port: int, log: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.kubernetes.controller_process"]
    arguments = [str(kubeconfig), namespace, str(port), "https://127.0.0.1:1"]
    with log.open("wb") as said:
        started = subprocess.Popen([*command, *arguments], cwd=ROOT, stdout=said, stderr=said)
    try:
        yield
        started.terminate()
        assert started.wait(60) == 0, log.read_text()[-3000:]
    finally:
        started.kill()
        started.wait()


@pytest.mark.found("E146")
async def test_a_controller_without_the_right_on_its_lease_is_not_ready_and_says_why(
    crds: Cluster, api: KubeApi, namespace: str, tmp_path: Path
) -> None:
    """All other rights are there; and it leads as soon as this one is."""
    kubeconfig = chart_account(
        crds, LEASE_NAME, namespace,
        watch_namespaces=f"{{{namespace}}}", secrets_namespaces=f"{{{namespace}}}",
    )  # fmt: skip
    role = crds.get("role", LEASE_NAME, "-n", namespace)
    rules = role["rules"]
    without = [one for one in rules if one["resources"] != ["leases"]]
    assert len(without) < len(rules)

    def grant(rules: object) -> None:
        patch = json.dumps({"rules": rules})
        crds.kubectl("patch", "role", LEASE_NAME, "-n", namespace, "--type=merge", "-p", patch)

    async def told() -> bool:
        found, _ = await api.list(EVENT, namespace)
        notes = [one["note"] for one in found if one["reason"] == "LeaseRefused"]
        return any("403" in note and "deletions wait" in note for note in notes)

    port = own_port()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:

        async def answers(path: str, *words: str) -> bool:
            with contextlib.suppress(httpx.TransportError):
                answer = await client.get(path)
                return all(word in f"{answer.status_code} {answer.text}" for word in words)
            return False

        grant(without)
        with controller(kubeconfig, namespace, port, tmp_path / "controller.log"):
            await eventually(lambda: answers("/readyz", "503", "Lease"))
            await eventually(told)
            await asyncio.to_thread(grant, rules)
            await eventually(lambda: answers("/metrics", "postgregent_controller_leader 1.0"))
            await eventually(lambda: answers("/readyz", "200"))

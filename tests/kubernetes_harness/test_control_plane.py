"""The first layer: the API and its controllers, and what a test may do to them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.kubernetes_harness.access import CallFailed, Cluster
from tests.kubernetes_harness.control_plane import ControlPlane
from tests.kubernetes_harness.manifests import deployment, pod_spec
from tests.kubernetes_harness.programs import KUBERNETES

PATIENCE_SECONDS = 120
IMAGE = "localhost/none:none"


def test_the_api_answers_with_the_version_that_was_built(control_plane: Cluster) -> None:
    versions = json.loads(control_plane.kubectl("version", "-o", "json"))
    assert versions["serverVersion"]["gitVersion"] == KUBERNETES


def test_helm_reaches_the_api(control_plane: Cluster) -> None:
    assert json.loads(control_plane.helm("list", "-n", "default", "-o", "json")) == []


def test_a_namespace_goes_when_it_is_deleted(control_plane: Cluster) -> None:
    control_plane.kubectl("create", "namespace", "short-lived")
    control_plane.kubectl("delete", "namespace", "short-lived", "--timeout=120s")
    with pytest.raises(CallFailed, match="not found"):
        control_plane.get("namespace", "short-lived")


async def test_a_deployment_makes_pods_that_stay_pending(
    control_plane: Cluster, namespace: str
) -> None:
    spec = pod_spec(IMAGE, ["true"])
    control_plane.apply(deployment("sleeper", spec, replicas=2), namespace=namespace)

    async def two_pods() -> bool:
        return len(control_plane.get("pods", "-n", namespace)["items"]) == 2

    await eventually(two_pods)
    phases = {p["status"]["phase"] for p in control_plane.get("pods", "-n", namespace)["items"]}
    assert phases == {"Pending"}


async def test_a_user_has_no_rights_but_those_that_were_given(
    control_plane: Cluster, namespace: str
) -> None:
    intern = control_plane.kubeconfig_for("intern", ["interns"])
    who = json.loads(control_plane.kubectl("auth", "whoami", "-o", "json", kubeconfig=intern))
    assert who["status"]["userInfo"]["username"] == "intern"
    assert "interns" in who["status"]["userInfo"]["groups"]
    with pytest.raises(CallFailed, match="forbidden"):
        control_plane.kubectl("get", "secrets", "-n", namespace, kubeconfig=intern)
    binding = ["create", "rolebinding", "interns-view", "--clusterrole=view", "--group=interns"]
    control_plane.kubectl(*binding, "-n", namespace)

    async def may_read() -> bool:
        """The API server hears of a new binding a moment later."""
        try:
            control_plane.kubectl("get", "configmaps", "-n", namespace, kubeconfig=intern)
        except CallFailed:
            return False
        return True

    await eventually(may_read)


def test_a_frozen_api_server_answers_nobody_and_goes_on_when_thawed(
    own_control_plane: ControlPlane,
) -> None:
    own_control_plane.api_server.freeze()
    with pytest.raises(CallFailed):
        own_control_plane.access.kubectl("get", "namespaces", "--request-timeout=1s")
    own_control_plane.api_server.thaw()
    own_control_plane.access.kubectl("get", "namespaces")


def test_a_killed_api_server_comes_back_with_everything_it_knew(
    own_control_plane: ControlPlane,
) -> None:
    own_control_plane.access.kubectl("create", "namespace", "kept")
    own_control_plane.api_server.kill()
    assert not own_control_plane.api_server.is_running
    own_control_plane.start()
    own_control_plane.access.kubectl("get", "namespace", "kept")


LAUNCH = """
import json, sys, time
from tests.kubernetes_harness.control_plane import ControlPlane
plane = ControlPlane.launch()
print(json.dumps([str(plane.settings.folder), *(c.pid for c in plane.components)]), flush=True)
time.sleep(600)
"""


def test_it_ends_with_the_process_that_started_it_even_a_killed_one() -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCH], cwd=root, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        folder, *pids = json.loads(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while remaining := [pid for pid in pids if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < deadline, remaining
        time.sleep(0.05)
    shutil.rmtree(folder)

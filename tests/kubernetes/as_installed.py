"""The controller as the chart starts it: its command line, its account's token, its rights.

The chart is installed with helm. What a kubelet would run is run here, the controller and its
Regents as processes: `python -m tests.kubernetes.as_installed ADDRESSES ARGUMENT…` is the
controller with these arguments, and talks to Regents where ADDRESSES says instead of a Service.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from controller.__main__ import read_options
from controller.kube.api import KubeApi
from controller.process import run
from shared.keys import ResourceKey
from shared.logging import configure_logging
from tests.kubernetes.controlled import Controlled
from tests.kubernetes.pods import Pods, pods
from tests.kubernetes_harness.control_plane import ControlPlane
from tests.ports import own_port

RELEASE = "postgregent"
NAMESPACE = "postgregent"
PLURALS = ("permissions", "roles", "users", "regents")
ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "postgregent"
END_SECONDS = 120


@dataclass(slots=True)
class Installed:
    """A release, its controller, and `places`: the namespaces in which people declare."""

    plane: ControlPlane
    objects: list[dict[str, Any]]
    account: str
    views_port: int
    pods: Pods
    places: Mapping[str, Controlled]

    @property
    def user(self) -> str:
        """As the API server calls the controller."""
        return f"system:serviceaccount:{NAMESPACE}:{self.account}"

    async def view(self, path: str, token: str) -> httpx.Response:
        """What the controller's own API answers."""
        headers = {"Authorization": f"Bearer {token}"}
        certificate = self.plane.settings.authority.certificate
        base = f"https://localhost:{self.views_port}"
        context = ssl.create_default_context(cafile=certificate)
        async with httpx.AsyncClient(base_url=base, verify=context, timeout=60) as client:
            return await client.get(path, headers=headers)


@contextlib.asynccontextmanager
async def installed(
    plane: ControlPlane,
    values: Mapping[str, Any],
    folder: Path,
    *,
    namespaces: Sequence[str],
    regents: Sequence[ResourceKey],
) -> AsyncIterator[Installed]:
    """It runs until the block ends."""
    cluster = plane.access
    file = folder / "values.yaml"
    file.write_text(json.dumps(values))
    for namespace in namespaces:
        cluster.kubectl("create", "namespace", namespace)
    cluster.helm(
        "install", RELEASE, str(CHART), "-n", NAMESPACE, "--create-namespace", "--values", str(file)
    )
    names = [f"crd/{plural}.putnam120.postgregent" for plural in PLURALS]
    cluster.kubectl("wait", "--for=condition=Established", *names, "--timeout=120s")
    manifest = cluster.helm("get", "manifest", RELEASE, "-n", NAMESPACE)
    objects = [one for one in yaml.safe_load_all(manifest) if one]
    (pod,) = [one["spec"]["template"]["spec"] for one in objects if one["kind"] == "Deployment"]
    account, views_port = pod["serviceAccountName"], own_port()
    async with (
        KubeApi.connect(str(plane.kubeconfig)) as api,
        pods(api, NAMESPACE, folder) as running,
    ):
        addresses = folder / "addresses.json"
        addresses.write_text(json.dumps({str(key): running.address(key) for key in regents}))
        places = {
            namespace: Controlled(cluster, api, namespace, NAMESPACE, running, api)
            for namespace in namespaces
        }
        told = [one.replace("$(POD_NAMESPACE)", NAMESPACE) for one in pod["containers"][0]["args"]]
        mounted = _mounted(plane, account, views_port)
        with _process(folder / "controller.log", str(addresses), *told, *mounted):
            yield Installed(plane, objects, account, views_port, running, places)


@contextlib.contextmanager
def _process(log: Path, *arguments: str) -> Iterator[None]:
    with log.open("wb") as said:
        command = [sys.executable, "-m", __name__, *arguments]
        started = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said)
    try:
        yield
        assert started.poll() is None, log.read_text()[-3000:]
    finally:
        started.terminate()
        try:
            started.wait(END_SECONDS)
        finally:
            started.kill()
            started.wait()


def _mounted(plane: ControlPlane, account: str, views_port: int) -> Iterator[str]:
    """A later flag wins: ports that are free here, and the files that a pod finds in its own."""
    views = plane.settings.authority.server("views", ("localhost",))
    yield f"--kubeconfig={_kubeconfig(plane, account)}"
    yield f"--metrics-port={own_port()}"
    yield f"--api-port={views_port}"
    yield f"--api-cert-file={views.certificate}"
    yield f"--api-key-file={views.key}"


def _kubeconfig(plane: ControlPlane, account: str) -> Path:
    """With a token of the service account, as it is mounted into its pod."""
    token = plane.access.kubectl("create", "token", account, "-n", NAMESPACE).strip()
    content = json.loads(plane.kubeconfig.read_text())
    content["users"] = [{"name": "user", "user": {"token": token}}]
    path = plane.settings.folder / "account.kubeconfig"
    path.touch(mode=0o600)
    path.write_text(json.dumps(content))
    return path


def main(addresses: str, *arguments: str) -> None:
    """The controller."""
    options = read_options(arguments, {})
    configure_logging(options.log_level, style="json")
    known = json.loads(Path(addresses).read_text())
    asyncio.run(run(options, address=lambda regent: str(known[str(regent)])))


if __name__ == "__main__":
    main(*sys.argv[1:])

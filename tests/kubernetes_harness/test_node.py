"""The second layer: pods run, find each other by name and reach a PostgreSQL of this machine."""

from __future__ import annotations

import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.kubernetes_harness import cgroups
from tests.kubernetes_harness.access import CallFailed
from tests.kubernetes_harness.images import base_image
from tests.kubernetes_harness.manifests import deployment, pod, pod_spec
from tests.kubernetes_harness.node import Node
from tests.kubernetes_harness.node_access import NodeCluster
from tests.kubernetes_harness.postgres import ReachableServer

PATIENCE_SECONDS = 120
ALONE = "postgregent-node-alone"
# An SSLRequest, to which a server that is willing answers S. A Service takes a moment to work.
TOUCH = """
import socket, struct, time
for remaining in reversed(range(100)):
    try:
        with socket.create_connection(({host!r}, {port}), 10) as connection:
            connection.sendall(struct.pack("!ii", 8, 80877103))
            print(connection.recv(1).decode())
        break
    except OSError:
        if not remaining: raise
        time.sleep(0.2)
"""


@pytest.fixture
def base(node_cluster: NodeCluster) -> str:
    """The name of our base image, loaded."""
    image = base_image()
    node_cluster.load_image(image)
    return image.name


def run(cluster: NodeCluster, namespace: str, name: str, image: str, program: str) -> str:
    """What a Python program prints in a pod that succeeds."""
    cluster.apply(pod(name, pod_spec(image, ["python3", "-c", program])), namespace=namespace)
    try:
        ended = "--for=jsonpath={.status.phase}=Succeeded"
        cluster.kubectl("wait", ended, f"pod/{name}", "-n", namespace, "--timeout=120s")
    except CallFailed as failed:
        said = cluster.kubectl("describe", "pod", name, "-n", namespace)
        raise AssertionError(f"{failed}\n{said}") from failed
    return cluster.kubectl("logs", name, "-n", namespace)


def test_a_pod_of_our_base_image_runs_under_the_restricted_standard(
    node_cluster: NodeCluster, node_namespace: str, base: str
) -> None:
    label = "pod-security.kubernetes.io/enforce=restricted"
    node_cluster.kubectl("label", "namespace", node_namespace, label)
    program = "import sys, os; print(sys.version_info[:2], os.getuid(), os.access('/', os.W_OK))"
    assert run(node_cluster, node_namespace, "one", base, program) == "(3, 13) 65532 False\n"


def test_names_of_the_cluster_resolve_and_no_others(
    node_cluster: NodeCluster, node_namespace: str, base: str
) -> None:
    program = """
import socket
print(socket.gethostbyname("kubernetes.default"))
try:
    socket.gethostbyname("postgresql.org")
except socket.gaierror:
    print("unknown")
"""
    said = run(node_cluster, node_namespace, "asks", base, program)
    assert said.split() == [node_cluster.network.first_service, "unknown"]


def test_a_service_is_reached_from_outside_the_node(
    node_cluster: NodeCluster, node_namespace: str, base: str
) -> None:
    command = ["python3", "-m", "http.server", "8080", "--directory", "/usr/share/base-files"]
    web = deployment("web", pod_spec(base, command))
    node_cluster.apply(web, namespace=node_namespace)
    place = ("-n", node_namespace)
    node_cluster.kubectl("expose", "deployment", "web", "--port=80", "--target-port=8080", *place)
    node_cluster.kubectl("rollout", "status", "deployment/web", "--timeout=120s", *place)
    address = node_cluster.get("service", "web", *place)["spec"]["clusterIP"]
    assert "Directory listing" in fetched(f"http://{address}/")


def test_a_pod_reaches_a_postgresql_of_this_machine_by_the_name_of_a_service(
    node_cluster: NodeCluster,
    node_namespace: str,
    base: str,
    node_postgres: ReachableServer,
) -> None:
    node_cluster.apply(*node_postgres.service("postgres"), namespace=node_namespace)
    program = TOUCH.format(host="postgres", port=5432)
    assert run(node_cluster, node_namespace, "touch", base, program) == "S\n"


def fetched(url: str) -> str:
    """What an HTTP server says; kube-proxy learns of a Service's pods some time after we do."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with direct.open(url, timeout=20) as answer:
                return str(answer.read().decode())
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def outside() -> dict[str, set[str]]:
    """What a node could leave on this machine, and what others have there all the same."""
    return {
        "processes": {p.name for p in Path("/proc").glob("[0-9]*") if ALONE.encode() in told(p)},
        "links": {p.name for p in Path("/sys/class/net").iterdir()},
        "routes": set(Path("/proc/net/route").read_text().splitlines()),
        "mounts": {line for line in Path("/proc/mounts").read_text().splitlines() if ALONE in line},
    }


def told(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def test_a_node_leaves_nothing_on_the_machine(node_cluster: NodeCluster) -> None:
    folder = Path(tempfile.gettempdir(), ALONE)
    folder.mkdir()
    before = outside()
    node = Node.launch(folder)
    network = node.network
    assert network.number != node_cluster.network.number
    during = outside()
    assert during["links"] - before["links"] == {network.outer_link}
    assert during["processes"]
    assert cgroups.remaining(network.cgroup)
    node.discard()
    assert outside() == before
    assert cgroups.remaining(network.cgroup) == []
    assert not folder.exists()

"""The fixtures that bring a Kubernetes; tests/conftest.py makes them known to all tests.

`control_plane` and `node_cluster` are shared by all processes of a run; `namespace` and
`node_namespace` are a test's own; `own_control_plane` is for tests that stop or freeze a part.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator

import pytest

from tests.kubernetes_harness.access import Cluster
from tests.kubernetes_harness.chart import InstalledChart
from tests.kubernetes_harness.control_plane import ControlPlane
from tests.kubernetes_harness.describing import from_description
from tests.kubernetes_harness.direct import delete_namespace, make_namespace
from tests.kubernetes_harness.external import external_cluster, named_kubeconfig
from tests.kubernetes_harness.images import Image, program_image
from tests.kubernetes_harness.node_access import NodeCluster
from tests.kubernetes_harness.postgres import ReachableServer, reachable_server
from tests.kubernetes_harness.programs import CONTROL_PLANE, NODE, are_built
from tests.kubernetes_harness.sharing import borrowed
from tests.kubernetes_harness.unavailable import ClusterUnavailable

# The first use on a machine builds Kubernetes; a test's own time limit is not meant for that.
BUILD_SECONDS = 3600
# A test on a cluster waits for what many processes do; on a busy machine that takes its time.
CLUSTER_SECONDS = 600
NEEDS = {
    "control_plane": (CONTROL_PLANE,),
    "own_control_plane": (CONTROL_PLANE,),
    "installed_chart": NODE,
}
WITH_CONTAINERS = {"installed_chart"}
NO_CLUSTER = "no cluster"
# asyncio never closes a TLS connection whose task is cancelled in its first moment, and these tests
# stop controllers and break connections. tests/transports.py has it told in their own name.
CANCELLED = ("unclosed transport", "unclosed <socket.socket")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the layer they use, and give them, and a first build, their time."""
    for item in items:
        used = NEEDS.keys() & set(getattr(item, "fixturenames", ()))
        if not used:
            continue
        item.add_marker("node" if used & WITH_CONTAINERS else "cluster")
        for left in CANCELLED:
            item.add_marker(pytest.mark.filterwarnings(f"ignore:{left}:ResourceWarning"))
        if not all(are_built(*NEEDS[name]) for name in used):
            item.add_marker(pytest.mark.timeout(BUILD_SECONDS), append=False)
        elif item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(CLUSTER_SECONDS))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly how much was not shown."""
    skipped = terminalreporter.stats.get("skipped", [])
    lacking = [report for report in skipped if NO_CLUSTER in str(report.longrepr)]
    if lacking:
        line = f"{len(lacking)} tests were SKIPPED: {NO_CLUSTER} on this machine (reasons above)"
        terminalreporter.section(line, sep="!", red=True, bold=True)


@pytest.fixture(scope="session")
def control_plane(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """A Kubernetes API with its controllers, shared; nothing in it runs containers."""
    if (kubeconfig := named_kubeconfig()) is not None:
        yield external_cluster(kubeconfig, tmp_path_factory.mktemp("cluster"))
        return
    with _shared("control-plane", request.config) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def installed_chart(request: pytest.FixtureRequest) -> Iterator[InstalledChart]:
    """The chart of the working tree on a whole Kubernetes with one node, shared."""
    with _shared("installed-chart", request.config) as cluster:
        assert isinstance(cluster, NodeCluster)
        yield InstalledChart(cluster)


@pytest.fixture(scope="session")
def node_cluster(installed_chart: InstalledChart) -> NodeCluster:
    """That Kubernetes, which runs containers: a run has no second one."""
    return installed_chart.cluster


@pytest.fixture
def own_control_plane() -> Iterator[ControlPlane]:
    """A control plane for one test, whose parts it may stop, kill and freeze."""
    try:
        plane = ControlPlane.launch()
    except ClusterUnavailable as reason:
        pytest.skip(f"{NO_CLUSTER}: {reason}")
    yield plane
    plane.discard()


@pytest.fixture
def namespace(control_plane: Cluster) -> Iterator[str]:
    """A namespace of the shared control plane, for one test."""
    yield from _namespace(control_plane)


@pytest.fixture
def other_namespace(control_plane: Cluster) -> Iterator[str]:
    """A second one, for the same test."""
    yield from _namespace(control_plane)


@pytest.fixture(scope="module")
def module_namespace(control_plane: Cluster) -> Iterator[str]:
    """A namespace of the shared control plane, for the tests of one module."""
    yield from _namespace(control_plane)


@pytest.fixture
def node_namespace(node_cluster: NodeCluster) -> Iterator[str]:
    """A namespace of the shared node, for one test."""
    yield from _namespace(node_cluster)


@pytest.fixture(scope="session")
def controller_image(node_cluster: NodeCluster) -> Image:
    """The controller's image, of the working tree, loaded into the node."""
    return _loaded(node_cluster, "controller")


@pytest.fixture(scope="session")
def regent_image(node_cluster: NodeCluster) -> Image:
    """The Regent's."""
    return _loaded(node_cluster, "regent")


def _loaded(cluster: NodeCluster, target: str) -> Image:
    image = program_image(target)
    cluster.load_image(image)
    return image


@pytest.fixture
def node_postgres(node_cluster: NodeCluster) -> Iterator[ReachableServer]:
    """A PostgreSQL 17 with TLS for one test that pods of the node reach."""
    with reachable_server(node_cluster.network, 17) as server:
        yield server


def _namespace(cluster: Cluster) -> Iterator[str]:
    name = f"test-{secrets.token_hex(4)}"
    make_namespace(cluster, name)
    yield name
    delete_namespace(cluster, name)


@contextlib.contextmanager
def _shared(kind: str, config: pytest.Config) -> Iterator[Cluster]:
    try:
        lent = contextlib.ExitStack()
        description = lent.enter_context(borrowed(kind, _run_of(config)))
    except ClusterUnavailable as reason:
        pytest.skip(f"{NO_CLUSTER}: {reason}")
    with lent:
        yield from_description(description)


def _run_of(config: pytest.Config) -> str:
    """The same for all workers of one run, and for no other run."""
    worker = getattr(config, "workerinput", None)
    return str(worker["testrunuid"]) if worker else str(os.getpid())

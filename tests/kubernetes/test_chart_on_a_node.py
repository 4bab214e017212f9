"""The chart as a user has it: our own images, pods that run, `helm test`."""

from __future__ import annotations

import pytest

from tests.kubernetes_harness.access import CallFailed
from tests.kubernetes_harness.chart import CHART, NAMESPACE, RELEASE, InstalledChart
from tests.kubernetes_harness.node_access import NodeCluster

# It waits for those who use the installation meanwhile.
pytestmark = pytest.mark.timeout(900)


def test_it_is_tested_and_upgraded(installed_chart: InstalledChart) -> None:
    """Under the restricted standard, with two controllers of which one leads."""
    cluster = installed_chart.cluster
    with installed_chart.used(alone=True):
        assert "Phase:          Succeeded" in helm_test(cluster)
        upgrade = ("upgrade", RELEASE, str(CHART), "-n", NAMESPACE, "--reuse-values", "--wait")
        cluster.helm(*upgrade, "--set", "replicas=2", "--timeout", "3m")
        try:
            helm_test(cluster)
            lease = cluster.get("lease", "-n", NAMESPACE, RELEASE)
            assert lease["spec"]["holderIdentity"]
            # The rights of the chart are those that the controller asks for.
            said = logs(cluster)
            assert said
            assert "orbidden" not in said
        finally:
            cluster.helm(*upgrade, "--set", "replicas=1", "--timeout", "3m")


def helm_test(cluster: NodeCluster) -> str:
    """What `helm test` says; with the pods' words where it fails."""
    try:
        return cluster.helm("test", RELEASE, "-n", NAMESPACE, "--timeout", "2m")
    except CallFailed as failed:
        raise AssertionError(f"{failed}\n{logs(cluster)}") from failed


def logs(cluster: NodeCluster) -> str:
    """What all pods of the release have said."""
    pods = ("-n", NAMESPACE, "--all-containers", "--prefix", "--tail=200", "-l")
    return cluster.kubectl("logs", *pods, f"app.kubernetes.io/instance={RELEASE}")

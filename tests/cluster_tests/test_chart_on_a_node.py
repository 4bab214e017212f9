"""The chart as a user has it: our own images, pods that run, `helm test`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cluster.access import CallFailed
from tests.cluster.images import Image, program_image
from tests.cluster.node_access import NodeCluster

CHART = Path(__file__).parents[2] / "charts" / "postgregent"
RELEASE = ("postgregent", str(CHART), "-n", "postgregent", "--wait", "--timeout", "3m")
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


def of(image: Image) -> dict[str, str]:
    """An image as the chart's values name it."""
    repository, _, tag = image.name.rpartition(":")
    return {"repository": repository, "tag": tag, "pullPolicy": "Never"}


@pytest.fixture
def values(node_cluster: NodeCluster, tmp_path: Path) -> str:
    """A file with the values for our images, which are loaded."""
    controller, regent = program_image("controller"), program_image("regent")
    node_cluster.load_image(controller)
    node_cluster.load_image(regent)
    file = tmp_path / "values.yaml"
    file.write_text(json.dumps({"image": of(controller), "regent": {"image": of(regent)}}))
    return str(file)


def test_it_is_installed_tested_upgraded_and_taken_away(
    node_cluster: NodeCluster, values: str
) -> None:
    """Under the restricted standard, with two controllers of which one leads."""
    cluster = node_cluster
    cluster.kubectl("create", "namespace", "postgregent")
    cluster.kubectl("label", "namespace", "postgregent", RESTRICTED)
    try:
        cluster.helm("install", *RELEASE, "--values", values)
        assert "Phase:          Succeeded" in helm_test(cluster)
        cluster.helm("upgrade", *RELEASE, "--values", values, "--set", "replicas=2")
        helm_test(cluster)
        lease = cluster.get("lease", "-n", "postgregent", "postgregent")
        assert lease["spec"]["holderIdentity"]
        # The rights of the chart are those that the controller asks for.
        said = logs(cluster)
        assert said
        assert "orbidden" not in said
        cluster.helm("uninstall", "postgregent", "-n", "postgregent", "--wait")
        assert cluster.get("deployments", "-n", "postgregent")["items"] == []
    finally:
        cluster.kubectl("delete", "namespace", "postgregent", "--timeout=60s")


def helm_test(cluster: NodeCluster) -> str:
    """What `helm test` says; with the pods' words where it fails."""
    try:
        return cluster.helm("test", "postgregent", "-n", "postgregent", "--timeout", "2m")
    except CallFailed as failed:
        raise AssertionError(f"{failed}\n{logs(cluster)}") from failed


def logs(cluster: NodeCluster) -> str:
    """What all pods of the release have said."""
    pods = ("-n", "postgregent", "--all-containers", "--prefix", "--tail=200", "-l")
    return cluster.kubectl("logs", *pods, "app.kubernetes.io/instance=postgregent")

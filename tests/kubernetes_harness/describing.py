"""A cluster as a JSON object, so that one process can tell another where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.kubernetes_harness.access import Cluster
from tests.kubernetes_harness.certificates import Authority
from tests.kubernetes_harness.network import NodeNetwork
from tests.kubernetes_harness.node_access import NodeCluster


def described(cluster: Cluster) -> dict[str, Any]:
    """Addresses and paths; keys stay in their files."""
    description: dict[str, Any] = {
        "server": cluster.server,
        "ca_pem": cluster.ca_pem,
        "kubeconfig": str(cluster.kubeconfig),
        "folder": str(cluster.folder),
        "authority": str(cluster.authority.folder) if cluster.authority else None,
    }
    if isinstance(cluster, NodeCluster):
        description |= {"network": cluster.network.number, "ctr": str(cluster.ctr)}
    return description


def from_description(description: dict[str, Any]) -> Cluster:
    """The cluster that `described` spoke of."""
    place = description["authority"]
    base = (
        description["server"],
        description["ca_pem"],
        Path(description["kubeconfig"]),
        Path(description["folder"]),
        Authority(Path(place)) if place else None,
    )
    if "network" not in description:
        return Cluster(*base)
    network = NodeNetwork(description["network"])
    return NodeCluster(*base, network=network, ctr=Path(description["ctr"]))

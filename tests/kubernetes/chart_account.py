"""The account of a controller as the chart makes it, with its rights and no more."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.kubernetes_harness.access import Cluster

CHART = Path(__file__).parents[2] / "charts/postgregent"
RIGHTS = {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}


def chart_account(cluster: Cluster, release: str, own_namespace: str, **values: str) -> Path:
    """Its kubeconfig, once the chart's RBAC for these values (`secrets_clusterWide`) is there."""
    chosen = [f"--set={name.replace('_', '.')}={value}" for name, value in values.items()]
    rendered = cluster.helm("template", release, str(CHART), "-n", own_namespace, *chosen)
    found = [one for one in yaml.safe_load_all(rendered) if one and one.get("kind") in RIGHTS]
    cluster.apply(*(one for one in found if "-view" not in one["metadata"]["name"]))
    user = f"system:serviceaccount:{own_namespace}:{release}"
    return cluster.kubeconfig_for(user, ("system:serviceaccounts", "system:authenticated"))

"""The chart as helm renders it, for every kind of installation that values.yaml offers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubernetes_harness.tools import tools
from tests.kubernetes_harness.unavailable import ClusterUnavailable

ROOT = Path(__file__).parents[3]
CHART = ROOT / "charts" / "postgregent"
NAMESPACE = "postgregent"
DIGEST = f"sha256:{'a' * 64}"
EVERYTHING_MONITORED = {
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "podMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "dashboard": {"enabled": True, "annotations": {"folder": "Databases"}},
}
INSTALLATIONS: Mapping[str, Mapping[str, Any]] = {
    "as it comes": {},
    "some namespaces only": {
        "watch": {"namespaces": ["team-a", "team-b"]},
        "secrets": {"namespaces": ["team-a", "postgregent"]},
    },
    "some namespaces only, and no right beyond them": {
        "watch": {"namespaces": ["postgregent", "team-a"]},
        "rbac": {"kindsClusterWide": False},
    },
    "secrets of every namespace": {"secrets": {"clusterWide": True}},
    "passwords that are made": {
        "secrets": {"namespaces": ["team-a"], "clusterWide": True},
        "credentials": {"enabled": True},
    },
    "leases": {
        "secrets": {"namespaces": ["team-a"]},
        "credentials": {"enabled": True},
        "leases": {"enabled": True},
        "api": {"enabled": True, "tlsSecretName": "certificate"},
        "admissionPolicies": {"writers": {"groups": ["dba"]}},
    },
    "two replicas": {"replicas": 2},
    "two replicas that may all be away": {
        "replicas": 2,
        "podDisruptionBudget": {"enabled": False},
    },
    "everything monitored": {"metrics": EVERYTHING_MONITORED},
    "every policy": {
        "admissionPolicies": {
            "secretReaders": True,
            "writers": {"users": ["system:serviceaccount:flux:kustomize"], "groups": ["dba"]},
        }
    },
    "no policy": {"admissionPolicies": {"controllerFinalizersOnly": False}},
    "the API": {
        "api": {"enabled": True, "tlsSecretName": "certificate"},
        "service": {"annotations": {"a": "b"}},
    },
    "without CRDs": {"crds": {"enabled": False}},
    "CRDs that go with it": {"crds": {"keep": False}},
    "without rights": {"rbac": {"create": False}, "serviceAccount": {"create": False}},
    "rights of one's own": {"rbac": {"aggregate": False}, "serviceAccount": {"name": "mine"}},
    "other names": {"fullnameOverride": "regents", "nameOverride": "x"},
    "a closed network": {
        "networkPolicy": {
            "ingressFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
            "apiServerPorts": [6443],
        }
    },
    "an open network": {"networkPolicy": {"enabled": False}, "tests": {"enabled": False}},
    "images by digest from a mirror": {
        "image": {
            "registry": "mirror.example.org",
            "digest": DIGEST,
            "pullSecrets": [{"name": "p"}],
        },
        "regent": {"image": {"digest": DIGEST}},
    },
    "everything extra": {
        "extraArgs": ["--log-level=debug"],
        "extraEnv": [{"name": "A", "value": "b"}],
        "extraVolumes": [{"name": "v", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "v", "mountPath": "/v"}],
        "extraObjects": [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "{{ .Release.Name }}-a"},
            },
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-b\n",
        ],
        "podAnnotations": {"a": "b"},
        "podLabels": {"c": "d"},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
            }
        ],
        "priorityClassName": "system-cluster-critical",
        "serviceAccount": {"annotations": {"e": "f"}},
        "allowedHosts": ["*.example.org"],
    },
}
EVERY_INSTALLATION = pytest.mark.parametrize("installation", INSTALLATIONS)


def helm(*arguments: str, values: Mapping[str, Any] | None = None) -> str:
    """What helm prints. Raises AssertionError with what it complains about."""
    try:
        program = tools() / "helm"
    except ClusterUnavailable as reason:
        pytest.skip(f"no cluster: helm is not here: {reason}")
    given = ("--values", "-") if values is not None else ()
    answer = subprocess.run(
        [str(program), *arguments, *given],
        input=json.dumps(values or {}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@cache
def objects(installation: str) -> list[dict[str, Any]]:
    """Everything that this installation puts into a cluster; read once, so do not change it."""
    values = INSTALLATIONS[installation]
    rendered = helm("template", "postgregent", str(CHART), "-n", NAMESPACE, values=values)
    return [found for found in yaml.safe_load_all(rendered) if found]


def of_kind(installation: str, *kinds: str) -> list[dict[str, Any]]:
    """The objects of these kinds."""
    return [found for found in objects(installation) if found["kind"] in kinds]


def the(installation: str, kind: str) -> dict[str, Any]:
    """The only object of this kind."""
    (found,) = of_kind(installation, kind)
    return found


def names(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """`namespace/name`, or the name of what has no namespace."""
    parts = [(one["metadata"].get("namespace", ""), one["metadata"]["name"]) for one in found]
    return ["/".join(filter(None, pair)) for pair in parts]

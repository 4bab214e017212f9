"""The few Kubernetes objects that tests of the cluster itself make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def pod_spec(image: str, command: Sequence[str], uid: int = 65532) -> dict[str, Any]:
    """One container under the `restricted` pod security standard."""
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": uid,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "main",
                "image": image,
                "imagePullPolicy": "Never",
                "command": list(command),
                "securityContext": RESTRICTED,
            }
        ],
    }


def pod(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A bare pod."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def deployment(name: str, spec: dict[str, Any], replicas: int = 1) -> dict[str, Any]:
    """A Deployment of such pods."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {**spec, "restartPolicy": "Always"},
            },
        },
    }

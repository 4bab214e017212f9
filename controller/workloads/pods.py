"""The parts of a pod that every one of ours has: restricted security, probes. Pure."""

from __future__ import annotations

from controller.kube.kinds import JsonObject

RESTRICTED_POD: JsonObject = {
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""Without a uid: the image has one, and OpenShift chooses its own."""

RESTRICTED_CONTAINER: JsonObject = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def probe(path: str, port: int, *, period: int, failures: int) -> JsonObject:
    """An HTTP probe in the clear."""
    return {
        "httpGet": {"path": path, "port": port, "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }

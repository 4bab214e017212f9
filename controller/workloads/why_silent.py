"""Why the process of a Regent does not answer, as far as its Deployment knows. Pure.

Pods are not read: no right is asked for that. So it is said where to look.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.kube.kinds import JsonObject
from controller.names import workload_name
from shared.keys import ResourceKey


def why_silent(regent: ResourceKey, namespace: str, deployment: JsonObject | None) -> str:
    """The message, with the commands that show the rest; `namespace` is where Regents run."""
    name = workload_name(regent)
    look = f"kubectl get pods -n {namespace} -l app.kubernetes.io/instance={name}"
    status: Mapping[str, Any] = (deployment or {}).get("status") or {}
    if refused := _refused(status):
        return f"Its pod cannot be made: {refused.rstrip('.')}."
    if status.get("unavailableReplicas") and not status.get("readyReplicas"):
        return (
            "No pod of it is ready, so nobody answers. If it goes on, its image may not be there or"
            f" its process may not start: `{look}` shows which (ImagePullBackOff,"
            " CrashLoopBackOff), and `kubectl describe` of that pod why."
        )
    return (
        f"Its process does not answer. If it goes on, `{look}` shows whether it runs, and"
        " `kubectl logs` of that pod what it says."
    )


def _refused(status: Mapping[str, Any]) -> str:
    """In the API server's words, such as of a quota or of an admission policy."""
    for one in status.get("conditions") or ():
        if one.get("type") == "ReplicaFailure" and one.get("status") == "True":
            return str(one.get("message") or one.get("reason") or "")
    return ""

"""The kinds that the controller reads and writes, and where each lives in the API. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

from shared.resources.base import GROUP

JsonObject: TypeAlias = dict[str, Any]
"""An object as the API server sends it, decoded and nothing more."""

Key: TypeAlias = tuple[str, str]
"""Namespace and name; the namespace is empty for what lives in none."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object: `plural` stands in paths, `name` in manifests."""

    group: str
    version: str
    plural: str
    name: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As in a manifest: `v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """As RBAC and error messages say it: `secrets`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(
        self, namespace: str | None = None, name: str | None = None, subresource: str | None = None
    ) -> str:
        """The path of an object, or, without a name, of all objects in a namespace or everywhere.

        ValueError where the three do not go together: a wrong path would reach other objects.
        """
        if namespace and not self.namespaced:
            raise ValueError(f"{self.qualified} live in no namespace, not in {namespace!r}")
        if name is not None and (not name or (self.namespaced and not namespace)):
            raise ValueError(f"{self.qualified} {name!r} needs a namespace and a name")
        if subresource and name is None:
            raise ValueError(f"the subresource {subresource!r} of {self.qualified} needs a name")
        steps = [f"apis/{self.group}" if self.group else "api", self.version]
        steps += ["namespaces", quote(namespace, safe="")] if namespace else []
        steps += [self.plural]
        steps += [quote(step, safe="") for step in (name, subresource) if step]
        return "/" + "/".join(steps)


def uid_of(found: JsonObject) -> str:
    """Of this very object; another one of its name has another."""
    return str(found["metadata"]["uid"])


def is_deleting(found: JsonObject) -> bool:
    """Its deletion has begun; finalizers still hold it."""
    return "deletionTimestamp" in found["metadata"]


def key_of(found: JsonObject) -> Key:
    """Namespace and name of an object."""
    metadata = found["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


PERMISSION = Kind(GROUP, "v1alpha1", "permissions", "Permission")
ROLE = Kind(GROUP, "v1alpha1", "roles", "Role")
USER = Kind(GROUP, "v1alpha1", "users", "User")
REGENT = Kind(GROUP, "v1alpha1", "regents", "Regent")
OUR_KINDS = (PERMISSION, ROLE, USER, REGENT)
KIND_OF = {kind.name: kind for kind in OUR_KINDS}

NAMESPACE = Kind("", "v1", "namespaces", "Namespace", namespaced=False)
SECRET = Kind("", "v1", "secrets", "Secret")
CONFIG_MAP = Kind("", "v1", "configmaps", "ConfigMap")
SERVICE = Kind("", "v1", "services", "Service")
SERVICE_ACCOUNT = Kind("", "v1", "serviceaccounts", "ServiceAccount")
DEPLOYMENT = Kind("apps", "v1", "deployments", "Deployment")
NETWORK_POLICY = Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
LEASE = Kind("coordination.k8s.io", "v1", "leases", "Lease")
EVENT = Kind("events.k8s.io", "v1", "events", "Event")
CUSTOM_RESOURCE_DEFINITION = Kind(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    namespaced=False,
)


WORKLOAD_KINDS = (SECRET, SERVICE_ACCOUNT, SERVICE, NETWORK_POLICY, DEPLOYMENT)
"""In the order in which they are made; they are removed in the other.

The Secret comes first and goes last: by its key it proves that the others of its name are ours.
"""


def generation_of(found: JsonObject) -> int:
    """It grows with each change of the spec."""
    return int(found["metadata"].get("generation") or 0)

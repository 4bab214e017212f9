"""What of the controller's own there is, beside which things are told that have no resource."""

from __future__ import annotations

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.events import Reference
from controller.kube.kinds import DEPLOYMENT, LEASE


def own_lease(namespace: str, name: str) -> Reference:
    """The controller's Lease, which has the name of its Deployment."""
    return Reference(LEASE.api_version, LEASE.name, namespace, name)


async def find_own(api: KubeApi, namespace: str, name: str) -> Reference:
    """The Deployment, else the Lease. Raises ApiError where neither can be read."""
    for kind in (DEPLOYMENT, LEASE):
        try:
            found = await api.get(kind, namespace, name)
        except ApiError as error:
            if not error.is_not_found:
                raise
        else:
            return Reference.to({**found, "apiVersion": kind.api_version, "kind": kind.name})
    return own_lease(namespace, name)

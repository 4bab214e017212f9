"""What was heard of the Regents' trust and certificates, for controller/pki/rotation.py."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from controller.kube.kinds import DEPLOYMENT, SECRET
from controller.names import workload_name
from controller.observe.caches import Caches
from controller.pki.authorities import CONTROLLER_CA, REGENTS_CA
from controller.pki.rotation import Standing
from controller.regents.fleet import Fleet


def standing_of(caches: Caches, fleet: Fleet) -> Standing:
    """Of everything that runs in our namespace, whether we talk to it or not."""
    statuses = {
        workload_name(key): served.status
        for key, served in fleet.served.items()
        if served.status is not None
    }
    return Standing(
        running=frozenset(name for _, name in caches.workloads(DEPLOYMENT)),
        trusts={name: frozenset(status.trusts) for name, status in statuses.items()},
        shows={name: status.shows for name, status in statuses.items()},
        given=dict(_given(caches)),
        connected_with=frozenset(served.passport for served in fleet.served.values()),
    )


def versions_of_authorities(caches: Caches) -> dict[str, str]:
    """The resource versions of the CAs' Secrets that were heard of last."""
    return {
        name: found["metadata"]["resourceVersion"]
        for (_, name), found in caches.workloads(SECRET).items()
        if name in (CONTROLLER_CA, REGENTS_CA)
    }


def _given(caches: Caches) -> Iterator[tuple[str, bytes]]:
    for (_, name), found in caches.workloads(SECRET).items():
        encoded = (found.get("data") or {}).get("tls.crt")
        if encoded is not None:
            try:
                yield name, base64.b64decode(encoded)
            except binascii.Error:
                continue

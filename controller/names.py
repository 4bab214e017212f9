"""What the objects that run a Regent are called and labelled with. Pure."""

from __future__ import annotations

import hashlib

from shared.keys import ResourceKey
from shared.resources import GROUP

MANAGED_BY = "app.kubernetes.io/managed-by"


MANAGER = "postgregent"


REGENT_NAMESPACE = f"{GROUP}/regent-namespace"


REGENT_NAME = f"{GROUP}/regent-name"


LONGEST_LABEL = 63


def workload_name(key: ResourceKey) -> str:
    """One name for all objects of a Regent: readable, its own, and good as a DNS label."""
    digest = hashlib.sha256(f"{key.namespace}/{key.name}".encode()).hexdigest()[:10]
    readable = key.name.replace(".", "-")[:40].strip("-")
    return f"regent-{readable}-{digest}"

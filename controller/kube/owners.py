"""Which Users an object belongs to, by its ownerReferences: it goes with them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from controller.kube.kinds import JsonObject
from shared.resources.base import API_VERSION, GROUP


def owning_users(metadata: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The ownerReferences to Users, each with name and uid."""
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("kind") == "User" and str(owner.get("apiVersion")).startswith(f"{GROUP}/"):
            yield owner


def owned_by(name: str, uid: str) -> JsonObject:
    """The ownerReference to this very User."""
    return {"apiVersion": API_VERSION, "kind": "User", "name": name, "uid": uid}

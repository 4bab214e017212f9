"""Short ways to write objects of a cluster in tests."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from controller.observe.reader import Reader
from shared.keys import ResourceKey
from shared.resources import API_VERSION, Regent

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
REGENT_SPEC: dict[str, Any] = {
    "adminUser": "my-admin",
    "adminPasswordSecretRef": {"name": "mydb-passwords", "key": "admin"},
    "databaseHost": "db.example.org",
    "databaseName": "mydb",
}


def raw(kind: str, name: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """As the API server shows it."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {
            "name": name, "namespace": "default", "uid": f"uid-{name}", "resourceVersion": "7",
            "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z", **metadata,
        },
        "spec": spec,
        "status": {"observedGeneration": -1},
    }  # fmt: skip


def regent(name: str = "my-regent", **spec: Any) -> Regent:
    """A Regent resource."""
    found = Reader().read([("Regent", raw("Regent", name, {**REGENT_SPEC, **spec}))])
    resource = found.resources[ResourceKey("Regent", "default", name)].resource
    assert isinstance(resource, Regent), found.resources
    return resource


def secret(name: str, labels: dict[str, str] | None = None, **values: str) -> dict[str, Any]:
    """A Secret as the API server shows it."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    return {
        "metadata": {"name": name, "namespace": "default", "labels": labels or {}},
        "data": data,
    }

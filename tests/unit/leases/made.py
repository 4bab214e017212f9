"""A Dynamic User and leases of it, as the API server has them, in short words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from controller.kube.kinds import JsonObject
from controller.leases.lease import Template, new_lease, template_of
from controller.observe.doubts import Doubts
from controller.observe.reader import Declared, Reader
from shared.keys import ResourceKey
from shared.utc import utc
from tests.unit.cluster.objects import raw

NOW = datetime(2026, 11, 28, 7, 0, tzinfo=UTC)
ASKER = "system:serviceaccount:default:api"
KEY = ResourceKey("User", "default", "orders")
LEASE = ResourceKey("User", "default", "orders-aaaaaaaa")
CREATED = utc(NOW)


def user(*, credentials: dict[str, Any] | None = None, **more: Any) -> JsonObject:
    """What leases are made of; `metadata` is its own."""
    metadata = more.pop("metadata", {})
    made = {
        "secretName": "login", "mode": "Dynamic", "serviceAccounts": ["api"], **(credentials or {}),
    }  # fmt: skip
    spec = {"roles": ["viewer"], "credentials": made, **more}
    return raw("User", "orders", spec, creationTimestamp=CREATED, **metadata)


def template(found: JsonObject | None = None) -> Template:
    """The same, read."""
    of = found or user()
    resource = Reader().read([("User", of)]).resources[KEY].resource
    made = template_of(resource)
    assert made is not None
    return made


def lease(
    of: JsonObject | None = None,
    *,
    hours: float = 1,
    spec: dict[str, Any] | None = None,
    **metadata: Any,
) -> JsonObject:
    """One that ends in so many hours; `spec` is what it says besides, None takes a field out."""
    body = new_lease(template(of), "aaaaaaaa", ASKER, NOW + timedelta(hours=hours))
    about = {
        **body["metadata"], "namespace": "default", "uid": "uid-lease", "resourceVersion": "9",
        "generation": 1, "creationTimestamp": CREATED, **metadata,
    }  # fmt: skip
    said = {**body["spec"], **(spec or {})}
    said = {name: value for name, value in said.items() if value is not None}
    return {**body, "metadata": about, "spec": said}


def declared(*users: JsonObject, doubts: str = "") -> Declared:
    """All of them at one moment, and why that is not all there is."""
    return Reader().read([("User", one) for one in users], Doubts({"": doubts}))

"""The views over all Regents: Kubernetes says who somebody is, and what he may see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from controller.gateway.authorization import Gatekeeper
from controller.gateway.http import create_health_app, create_views_app
from controller.gateway.views import Views
from controller.kube.api import KubeApi
from tests.kubernetes.controlled import Controlled, controlled, flights_manifests
from tests.kubernetes_harness.access import Cluster
from tests.postgres.database import Database

pytestmark = pytest.mark.versions(18)


@pytest.fixture
async def one(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    async with controlled(crds, api, namespace, tmp_path) as running:
        running.apply(*flights_manifests(database))
        await running.ready("Regent", "my-regent")
        yield running


def token_of(one: Controlled, name: str, *, may_read: bool) -> dict[str, str]:
    """The header of a service account."""
    place = ("-n", one.namespace)
    one.cluster.kubectl("create", "serviceaccount", name, *place)
    if may_read:
        one.cluster.kubectl(
            "create", "role", name, "--verb=get", "--resource=regents.putnam120.postgregent", *place
        )
        subject = f"--serviceaccount={one.namespace}:{name}"
        one.cluster.kubectl("create", "rolebinding", name, f"--role={name}", subject, *place)
    token = one.cluster.kubectl("create", "token", name, *place).strip()
    return {"Authorization": f"Bearer {token}"}


async def test_only_who_may_get_a_regent_sees_it(one: Controlled) -> None:
    controller = one.controller
    assert controller is not None
    app = create_views_app(Views(lambda: controller.fleet), Gatekeeper(one.api))
    reader, stranger = (
        token_of(one, "reader", may_read=True),
        token_of(one, "stranger", may_read=False),
    )
    base = f"/v1/regents/{one.namespace}/my-regent"
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://views") as client:

        async def asked(path: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
            answer = await client.get(path, headers=headers)
            return answer.status_code, answer.json()

        status, listed = await asked("/v1/regents", reader)
        assert status == 200
        assert [line["name"] for line in listed["items"]] == ["my-regent"]
        status, found = await asked(base, reader)
        assert status == 200
        assert found["status"]["detector"]["mode"]
        for path in ("/drift", "/history"):
            status, page = await asked(base + path, reader)
            assert status == 200
            assert "items" in page
        assert (await asked("/v1/regents", stranger))[1] == {"items": []}
        for path in ("", "/drift", "/history"):
            assert (await asked(base + path, stranger))[0] == 403
            assert (await asked(base + path, {}))[0] == 401
            assert (await asked(base + path, {"Authorization": "Bearer forged"}))[0] == 401


async def test_health_and_metrics_say_nothing_of_roles() -> None:
    trouble = ["secrets: not listed yet"]
    app = create_health_app(lambda: trouble[0], lambda: b"postgregent_controller_leader 1.0\n")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://health") as client:
        assert (await client.get("/livez")).status_code == 200
        refused = await client.get("/readyz")
        assert (refused.status_code, refused.json()["reason"]) == (503, "NotReady")
        trouble[0] = ""
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.get("/metrics")).text.startswith("postgregent_controller")
        assert (await client.get("/v1/regents")).status_code == 404

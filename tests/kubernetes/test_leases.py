"""Leases on a real API server and a real PostgreSQL: asked for, given, ended, and gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from controller.kube.api import KubeApi
from controller.kube.kinds import SECRET
from tests.eventually import eventually
from tests.kubernetes.controlled import Controlled, controlled
from tests.kubernetes.leasing import (
    USER,
    asking,
    is_cut_off,
    leases_of,
    manifests,
    nothing_left,
    session_of,
    template,
)
from tests.kubernetes_harness.access import Cluster
from tests.postgres.canary import Canary
from tests.postgres.database import Database

pytestmark = pytest.mark.versions(18)
READS = "SELECT count(*) FROM schema1.flights"


@pytest.fixture
async def one(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    """A controller, and what is declared."""
    async with controlled(crds, api, namespace, tmp_path) as running:
        running.apply(*manifests(database))
        await running.ready("User", USER)
        yield running


async def names(one: Controlled) -> set[str]:
    """Of the leases that there are."""
    found = one.cluster.get("pguser", "-n", one.namespace)["items"]
    return {user["metadata"]["name"] for user in found if "ownerReferences" in user["metadata"]}


async def test_a_lease_logs_in_until_it_is_revoked_and_nothing_of_it_is_left(
    one: Controlled, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    said = str(await one.get("User", USER))
    assert "leases log in, it does not" in said
    async with asking(one) as asker:
        answer = await asker.lease(ttl="2h")
        assert answer.status_code == 201, answer.text
        assert answer.headers["cache-control"] == "no-store"
        lease = answer.json()
        session = await session_of(database, lease)
        assert await session.fetchval(READS) >= 0
        renewed = await asker.renew(lease["name"], ttl="3h")
        assert renewed.status_code == 200, renewed.text
        assert lease["expiresAt"] < renewed.json()["expiresAt"] < lease["renewableUntil"]
        with pytest.raises(asyncpg.PostgresError):
            await database.connect(USER, lease["password"])
        assert (await asker.revoke(lease["name"])).status_code == 202

        async def is_over() -> bool:
            return await is_cut_off(session)

        await eventually(is_over)
        await nothing_left(one, database, lease)
        assert (await asker.renew(lease["name"])).status_code == 403
    objects = one.cluster.kubectl(
        "get", "pguser,pgrole,pgregent,event,configmap,deployment", "-o", "json",
        "-n", one.namespace,
    )  # fmt: skip
    log = "".join(capfd.readouterr())
    told = {"objects": objects, "log": log, "regents": one.pods.logs()}
    Canary(lease["password"]).assert_nowhere(told)

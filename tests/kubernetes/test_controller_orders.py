"""Every order of applying ends the same, and what nobody saw deleted is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from controller.kube.api import KubeApi
from controller.lifecycle.finalizers import FINALIZER
from tests.kubernetes.controlled import (
    Controlled,
    condition,
    controlled,
    flights_manifests,
)
from tests.kubernetes_harness.access import Cluster
from tests.postgres.database import Database

pytestmark = pytest.mark.versions(18)
ORDERS = (
    ("User", "Role", "Permission", "Secret", "Regent"),
    ("Regent", "User", "Secret", "Permission", "Role"),
)


@pytest.fixture
async def empty(
    crds: Cluster, api: KubeApi, namespace: str, tmp_path: Path
) -> AsyncIterator[Controlled]:
    """A controller over an empty namespace."""
    async with controlled(crds, api, namespace, tmp_path) as running:
        yield running


async def all_ready(one: Controlled, manifests: list[dict[str, Any]]) -> None:
    for manifest in manifests:
        if manifest["kind"] != "Secret":
            await one.ready(manifest["kind"], manifest["metadata"]["name"])


@pytest.mark.rule("18")
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
async def test_in_every_order_the_manifests_end_ready(
    empty: Controlled, database: Database, order: tuple[str, ...]
) -> None:
    manifests = flights_manifests(database)
    for kind in order:
        empty.apply(*(one for one in manifests if one["kind"] == kind))
        await asyncio.sleep(1.0)
    await all_ready(empty, manifests)
    intern = await database.connect("summer-intern-2", "demo-only-intern-2-password")
    await intern.fetch("SELECT * FROM schema1.airports")


@pytest.mark.rule("29")
async def test_a_role_before_its_regent_waits_for_it_as_soon_as_it_is_there(
    empty: Controlled, database: Database
) -> None:
    """A Regent takes its time to start; meanwhile nothing of what belongs to it is Stalled."""
    manifests = flights_manifests(database)
    roles = [one for one in manifests if one["kind"] == "Role"]
    empty.apply(*roles)
    for role in roles:
        await empty.stalled("Role", role["metadata"]["name"], "NoRegent")
    await empty.pods.pause()
    empty.apply(*(one for one in manifests if one["kind"] != "Role"))
    for role in roles:
        waiting = await empty.stalled("Role", role["metadata"]["name"], "Progressing")
        assert condition(waiting, "Reconciling") == "True"
        assert condition(waiting, "Stalled") == ""
    empty.pods.is_paused = False
    await all_ready(empty, manifests)


@pytest.mark.rule("20")
async def test_what_nobody_saw_deleted_goes_on(empty: Controlled, database: Database) -> None:
    """Its finalizer was never taken off by us: a restore, not a wish."""
    manifests = flights_manifests(database)
    empty.apply(*manifests)
    await all_ready(empty, manifests)
    await empty.stop()
    user = await empty.get("User", "summer-intern-2")
    assert user is not None
    assert user["metadata"]["finalizers"] == [FINALIZER]
    empty.cluster.kubectl(
        "patch", "pguser", "summer-intern-2", "-n", empty.namespace, "--type=merge",
        "-p", '{"metadata": {"finalizers": []}}',
    )  # fmt: skip
    await empty.delete("User", "summer-intern-2")
    await empty.gone("User", "summer-intern-2")
    await empty.start()
    await empty.until(
        "Regent", "my-regent", lambda one: bool(one and "held" in one.get("status", {}))
    )
    role = next(one for one in manifests if one["metadata"]["name"] == "mydb-viewer")
    role["spec"]["permissions"] = ["connect-to-mydb"]
    empty.apply(role)
    await empty.ready("Role", "mydb-viewer")
    connection = await database.connect()
    can_log_in = "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'summer-intern-2'"
    assert await connection.fetchval(can_log_in) is True
    empty.apply(*(one for one in manifests if one["metadata"]["name"] == "summer-intern-2"))
    await empty.ready("User", "summer-intern-2")

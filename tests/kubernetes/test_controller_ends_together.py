"""Regent, Roles and Users are deleted together: it ends soon, and what is left is told."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from controller.kube.api import KubeApi
from controller.kube.kinds import EVENT
from tests.kubernetes.chart_account import chart_account
from tests.kubernetes.controlled import (
    Controlled,
    controlled,
    flights_manifests,
    hasty_endings,
)
from tests.kubernetes.in_force import INSTALLED, LOGINS, all_ready
from tests.kubernetes_harness.access import CallFailed, Cluster
from tests.postgres.database import Database

pytestmark = [pytest.mark.versions(18)]
EVENTS = {"reachable": "BrakePulled", "gone": "LeftInstalled"}


@pytest.fixture
async def one(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    """A controller with the chart's rights in a namespace that stays, over one that will end."""
    ending = f"{namespace}-{secrets.token_hex(2)}"
    crds.kubectl("create", "namespace", ending)
    release = f"postgregent-{namespace}"
    kubeconfig = chart_account(crds, release, namespace, secrets_clusterWide="true")
    async with (
        KubeApi.connect(str(kubeconfig)) as acting,
        controlled(
            crds,
            api,
            ending,
            tmp_path,
            own_namespace=namespace,
            acting=acting,
            lease_name=release,
        ) as running,
    ):
        running.apply(*flights_manifests(database))
        await all_ready(running)
        yield running
    crds.kubectl("delete", "clusterrole,clusterrolebinding", "-l",
                 f"app.kubernetes.io/instance={release}")  # fmt: skip


async def told_beside(one: Controlled, reason: str) -> dict[str, Any]:
    """The Event with this reason in the controller's namespace."""
    async with asyncio.timeout(120):
        while True:
            found, _ = await one.api.list(EVENT, one.own_namespace)
            if named := [event for event in found if event["reason"] == reason]:
                assert len(named) == 1
                return named[0]
            await asyncio.sleep(0.1)


async def end_namespace(one: Controlled) -> None:
    def ask() -> None:
        one.cluster.kubectl("delete", "namespace", one.namespace, "--timeout=120s")

    try:
        await asyncio.to_thread(ask)
    except CallFailed as failed:
        raise AssertionError(f"{failed}\n{one.pods.logs()[-3000:]}") from failed


@pytest.mark.rule("27")
@pytest.mark.rule("28")
@pytest.mark.parametrize("found", EVENTS)
async def test_a_namespace_that_is_deleted_ends_and_says_what_is_left_and_how_to_end_it(
    one: Controlled, database: Database, found: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Read by a person, in the controller's namespace; and what it says works."""
    if found == "gone":
        database.server.stop()
        with hasty_endings():
            await end_namespace(one)
        database.server.start()
    else:
        await end_namespace(one)
    event = await told_beside(one, EVENTS[found])
    assert event["related"]["name"] == "my-regent"
    assert event["related"]["namespace"] == one.namespace
    assert event["regarding"]["uid"]
    for word in ("3 roles stay as they are", "LOGIN", "brake.mode Disabled", "by hand"):
        assert word in event["note"]
    assert "orbidden" not in "".join(capfd.readouterr())
    connection = await database.connect()
    assert await connection.fetchval(LOGINS) == 2
    assert bool(await connection.fetchval(INSTALLED)) == (found == "gone")

    one.cluster.kubectl("create", "namespace", one.namespace)
    one.apply(*flights_manifests(database, brake={"mode": "Disabled"}))
    await all_ready(one)
    await asyncio.to_thread(
        one.cluster.kubectl, "delete", "pguser,pgrole", "--all", "-n", one.namespace
    )
    await one.delete("Regent", "my-regent")
    await one.gone("Regent", "my-regent")
    assert await connection.fetchval(LOGINS) == 0
    assert await connection.fetchval(INSTALLED) == 0


@pytest.mark.rule("20")
async def test_where_the_regent_stays_the_event_says_that_it_can_be_released(
    one: Controlled, database: Database
) -> None:
    one.cluster.kubectl("delete", "pguser,pgrole", "--all", "-n", one.namespace, "--wait=false")
    events = await one.events("BrakePulled")
    about = {event["regarding"]["kind"] for event in events}
    notes = {event["note"] for event in events if event["regarding"]["kind"] in {"User", "Role"}}
    while not {"User", "Role"} <= about:
        await asyncio.sleep(0.5)
        events = await one.events("BrakePulled")
        about = {event["regarding"]["kind"] for event in events}
        notes = {e["note"] for e in events if e["regarding"]["kind"] in {"User", "Role"}}
    assert all("release it on the Regent" in note for note in notes)
    connection = await database.connect()
    assert await connection.fetchval(LOGINS) == 2

"""What is not synced is not believed: rights taken away, definitions older or going away."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.kube.api import KubeApi
from controller.kube.kinds import EVENT
from tests.command import postgregent_process
from tests.kubernetes.chart_account import chart_account
from tests.kubernetes.controlled import Controlled, controlled, flights_manifests
from tests.kubernetes.definitions import define_our_kinds
from tests.kubernetes.in_force import INSTALLED, LOGINS
from tests.kubernetes_harness.access import Cluster
from tests.kubernetes_harness.control_plane import ControlPlane
from tests.postgres.database import Database

pytestmark = pytest.mark.versions(18)
LAST_WORDS = ("BrakePulled", "LeftInstalled", "RolesLeft")
OURS = ("regents", "users", "roles", "permissions")


@pytest.fixture
def own_namespace(control_plane: Cluster) -> Iterator[str]:
    name = f"postgregent-{secrets.token_hex(4)}"
    control_plane.kubectl("create", "namespace", name)
    enforce = "pod-security.kubernetes.io/enforce=restricted"
    control_plane.kubectl("label", "namespace", name, enforce)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def has_more() -> bool:
    """Whether its right on our kinds is for the whole cluster, as the chart comes."""
    return True


@pytest.fixture
async def limited(
    crds: Cluster, api: KubeApi, namespace: str, own_namespace: str, database: Database,
    tmp_path: Path, has_more: bool,
) -> AsyncIterator[Controlled]:  # fmt: skip
    """A controller with the chart's rights and no more, in a namespace of its own."""
    release = own_namespace
    kubeconfig = chart_account(
        crds, release, own_namespace,
        watch_namespaces=f"{{{namespace}}}", secrets_namespaces=f"{{{namespace}}}",
        rbac_kindsClusterWide=json.dumps(has_more),
    )  # fmt: skip
    async with (
        KubeApi.connect(str(kubeconfig)) as acting,
        controlled(
            crds,
            api,
            namespace,
            tmp_path,
            own_namespace=own_namespace,
            acting=acting,
            lease_name=release,
        ) as running,
    ):
        running.apply(*flights_manifests(database))
        await running.ready("User", "summer-intern-2")
        await running.ready("Regent", "my-regent")
        yield running


@pytest.mark.rule("19")
async def test_secrets_out_of_reach_leave_passwords_as_they_are(
    limited: Controlled, database: Database
) -> None:
    """With the chart's rights all is Ready; without those on Secrets the rest goes on."""
    place = ("-n", limited.namespace)
    (binding,) = [
        one["metadata"]["name"]
        for one in limited.cluster.get("rolebinding", *place)["items"]
        if one["roleRef"]["name"].endswith("-secrets")
    ]
    limited.cluster.kubectl("delete", "rolebinding", binding, *place)
    await limited.stop()
    await limited.start()
    user = await limited.until(
        "User", "summer-intern-2", lambda one: "cannot be read" in json.dumps(one and one["status"])
    )
    assert user is not None
    intern = await database.connect("summer-intern-2", "demo-only-intern-2-password")
    await intern.fetch("SELECT * FROM schema1.airports")
    await database.execute('REVOKE USAGE ON SCHEMA schema1 FROM "mydb-viewer"')
    await limited.events("DriftCorrected")


async def test_restricted_pod_security_lets_regents_run(limited: Controlled) -> None:
    """The admission of restricted namespaces makes no objection."""
    async with asyncio.timeout(120):
        while not (found := limited.cluster.get("pod", "-n", limited.own_namespace)["items"]):
            await asyncio.sleep(0.2)
    assert found[0]["spec"]["automountServiceAccountToken"] is False
    assert [volume["name"] for volume in found[0]["spec"]["volumes"]] == ["settings", "tmp"]


ONLY_THERE = pytest.mark.parametrize("has_more", [False], ids=["no right beyond its namespace"])


@ONLY_THERE
@pytest.mark.rule("17")
async def test_rights_taken_away_take_nothing_away(limited: Controlled, database: Database) -> None:
    """403 on our kinds is not an empty namespace."""
    place = ("-n", limited.namespace)
    for one in limited.cluster.get("rolebinding", *place)["items"]:
        if one["roleRef"]["name"].endswith("-controller"):
            limited.cluster.kubectl("delete", "rolebinding", one["metadata"]["name"], *place)
    await limited.stop()
    await limited.start()
    async with asyncio.timeout(120):
        while not (
            limited.controller and limited.controller.caches.why_not_synced(limited.namespace)
        ):
            await asyncio.sleep(0.05)
    await asyncio.sleep(2.0)
    connection = await database.connect()
    assert await connection.fetchval(LOGINS) == 2


async def takes_rights_along(limited: Controlled) -> None:
    """A RoleBinding has no finalizer: it goes before what the controller has still to let go."""
    limited.cluster.kubectl("delete", "namespace", limited.namespace, "--wait=false")
    async with asyncio.timeout(120):
        while limited.cluster.get("rolebinding", "-n", limited.namespace)["items"]:
            await asyncio.sleep(0.2)


async def ends(limited: Controlled) -> None:
    """In under a minute (issues call for it of every deleted namespace)."""
    place = ("namespace", limited.namespace)
    await asyncio.to_thread(
        limited.cluster.kubectl, "wait", "--for=delete", *place, "--timeout=120s"
    )


@pytest.mark.rule("28")
@pytest.mark.parametrize("restarts", [False, True], ids=["as it runs", "restarted meanwhile"])
async def test_a_watched_namespace_ends_though_its_rolebindings_went_first(
    limited: Controlled, database: Database, restarts: bool
) -> None:
    """What is left is told in the controller's own namespace, which takes the Event."""
    if restarts:
        await limited.stop()
    await takes_rights_along(limited)
    if restarts:
        await limited.start()
    await ends(limited)
    told: list[dict[str, Any]] = []
    async with asyncio.timeout(120):
        while not told:
            found, _ = await limited.api.list(EVENT, limited.own_namespace)
            told = [event for event in found if event["reason"] in LAST_WORDS]
            await asyncio.sleep(0.1)
    assert [event["related"]["namespace"] for event in told] == [limited.namespace]
    assert "3 roles stay as they are" in told[0]["note"]
    connection = await database.connect()
    assert await connection.fetchval(LOGINS) == 2


@ONLY_THERE
@pytest.mark.rule("28")
async def test_a_namespace_that_took_the_controllers_rights_along_is_freed_by_the_command(
    limited: Controlled,
) -> None:
    await takes_rights_along(limited)
    ended = await postgregent_process(
        "uninstall", "--kubernetes", "--kubeconfig", str(limited.cluster.kubeconfig),
        "-n", limited.namespace, "--yes", "--patience", "3",
    )  # fmt: skip
    assert ended.status == 3, ended.err
    await ends(limited)


@pytest.fixture
async def alone(
    own_control_plane: ControlPlane, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    """A control plane of the test's own: its definitions may be changed."""
    cluster = own_control_plane.access
    define_our_kinds(cluster)
    async with (
        KubeApi.connect(str(cluster.kubeconfig)) as api,
        controlled(cluster, api, "default", tmp_path) as running,
    ):
        running.apply(*flights_manifests(database))
        await running.ready("User", "summer-intern-2")
        await running.ready("Regent", "my-regent")
        yield running


def definitions(one: Controlled) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = one.cluster.get("crd")["items"]
    return found


@pytest.mark.rule("17")
async def test_older_definitions_stop_pushes_and_deleted_ones_delete_nothing(
    alone: Controlled, database: Database
) -> None:
    """SchemaOutdated first; then all four definitions go, and every object with them."""
    crd = "crd/roles.putnam120.postgregent"
    annotation = "putnam120.postgregent/schema-revision"
    alone.cluster.kubectl("annotate", crd, f"{annotation}=0", "--overwrite")
    await alone.stalled("Regent", "my-regent", "SchemaOutdated")
    alone.cluster.kubectl(
        "patch", "pgrole", "mydb-viewer", "--type=merge", "-p", '{"spec": {"permissions": []}}'
    )
    await asyncio.sleep(2.0)
    connection = await database.connect()
    holds = "SELECT has_table_privilege('mydb-viewer', 'schema1.airports', 'SELECT')"
    assert await connection.fetchval(holds) is True
    names = [f"{plural}.putnam120.postgregent" for plural in OURS]
    alone.cluster.kubectl("delete", "crd", *names, "--wait=false")
    async with asyncio.timeout(120):
        while any("putnam120" in crd["metadata"]["name"] for crd in definitions(alone)):
            alone.check()
            await asyncio.sleep(0.1)
    await asyncio.sleep(1.0)
    assert await connection.fetchval(holds) is True
    assert await connection.fetchval(LOGINS) == 2
    assert alone.cluster.get("deployment")["items"]
    assert await connection.fetchval(INSTALLED) > 0

"""Whom a Regent obeys, in a cluster: a person accepts by an annotation (rule 28a)."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from controller.kube.api import KubeApi
from regent.one_shot import apply_once
from shared.resources import TAKEOVER_ANNOTATION
from shared.state import DesiredState
from tests.declared import REFERENCE, state
from tests.eventually import eventually as until
from tests.kubernetes.controlled import (
    Controlled,
    controlled,
    flights_manifests,
    ready_reason,
)
from tests.kubernetes.definitions import define_our_kinds
from tests.kubernetes_harness.access import Cluster
from tests.kubernetes_harness.control_plane import ControlPlane
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = [pytest.mark.versions(18), pytest.mark.rule("28a")]
READS = "SELECT has_table_privilege('mydb-viewer', 'schema1.airports', 'SELECT')"
TAKE = 'REVOKE SELECT ON schema1.airports FROM "mydb-viewer"'
INTERN = ("summer-intern-2", "demo-only-intern-2-password")


@pytest.fixture
async def waiting(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    """A namespace whose controller is still to be started."""
    async with controlled(crds, api, namespace, tmp_path, start=False) as running:
        yield running


async def in_force(one: Controlled) -> None:
    """Everything is Ready, and no Regent would do anything."""
    await one.ready("User", "summer-intern-2")
    await one.ready("Role", "mydb-viewer")
    regent = await one.ready("Regent", "my-regent")
    assert regent["status"]["takeover"] == {"needed": False, "message": "", "token": ""}
    assert one.controller is not None
    served = [*one.controller.fleet.served.values()]

    async def plans_nothing() -> bool:
        """A part of what was applied may have come in a later push than what is Ready."""
        return all([(await each.client.plan()).changes == () for each in served])

    await until(plans_nothing)


def _is_told(found: dict[str, Any] | None) -> bool:
    status = (found or {}).get("status") or {}
    token = (status.get("takeover") or {}).get("token")  # a refused push is told before it
    return ready_reason(found) == "TakeoverNeeded" and bool(token)


async def needed(one: Controlled) -> dict[str, Any]:
    """The Regent's status, once it waits for a person; there is one Event of it."""
    regent = await one.until("Regent", "my-regent", _is_told)
    assert regent is not None
    status: dict[str, Any] = regent["status"]
    token = status["takeover"]["token"]
    ready = next(c for c in status["conditions"] if c["type"] == "Ready")
    assert f"{TAKEOVER_ANNOTATION}: {token}" in ready["message"]
    assert any(c["type"] == "Stalled" and c["status"] == "True" for c in status["conditions"])
    async with asyncio.timeout(120):
        while not (told := [e for e in await one.events("TakeoverNeeded") if _is_regents(e)]):
            await asyncio.sleep(0.1)
    assert len(told) == 1
    return status


def _is_regents(event: dict[str, Any]) -> bool:
    return bool(event["regarding"]["name"] == "my-regent")


def accept(one: Controlled, token: str) -> None:
    one.cluster.kubectl(
        "annotate", "--overwrite", "pgregent", "my-regent", f"{TAKEOVER_ANNOTATION}={token}",
        "-n", one.namespace,
    )  # fmt: skip


async def eventually(database: Database, query: str, expected: object) -> None:
    connection = await database.connect()
    async with asyncio.timeout(120):
        while await connection.fetchval(query) != expected:
            await asyncio.sleep(0.05)


async def on_server(database: Database, statement: str, name: str = "postgres") -> None:
    connection = await database.server.connect(name)
    await connection.execute(statement)
    await connection.close()


@pytest.mark.rule("10")
async def test_a_home_database_that_is_gone_is_noticed_by_a_new_controller(
    waiting: Controlled, database: Database
) -> None:
    """The status remembers; then another server, with the old annotation still there."""
    await waiting.start()
    waiting.apply(*flights_manifests(database))
    await in_force(waiting)
    await waiting.stop()
    await on_server(database, "DROP DATABASE postgregent WITH (FORCE)")
    await database.execute(TAKE)
    await waiting.start()
    status = await needed(waiting)
    look = await database.connect()
    assert await look.fetchval(READS) is False
    accept(waiting, "0" * 16)
    await asyncio.sleep(1.0)
    assert await look.fetchval(READS) is False
    accept(waiting, status["takeover"]["token"])
    await in_force(waiting)
    assert await look.fetchval(READS) is True


async def test_another_server_is_accepted_by_an_annotation(
    waiting: Controlled, database: Database
) -> None:
    """As after pg_upgrade: the home database came along."""
    await waiting.start()
    waiting.apply(*flights_manifests(database))
    await in_force(waiting)
    await waiting.pods.pause()
    for pod in waiting.pods.running.values():
        await asyncio.to_thread(pod.stop)
    await on_server(
        database, "UPDATE postgregent.regents SET system_identifier = '1'", "postgregent"
    )
    await database.execute(TAKE)
    waiting.pods.is_paused = False
    status = await needed(waiting)
    assert status["serverIdentifier"] != "", "it is remembered on the controller's side"
    assert await (await database.connect()).fetchval(READS) is False
    accept(waiting, status["takeover"]["token"])
    await in_force(waiting)
    assert await (await database.connect()).fetchval(READS) is True


def of(namespace: str) -> DesiredState:
    """The reference as `apply` would have declared it from a directory."""
    text = state(REFERENCE).model_dump_json(by_alias=True, exclude_none=True)
    text = text.replace("/default/", f"/{namespace}/")
    return DesiredState.model_validate_json(
        text.replace('"namespace":"default"', f'"namespace":"{namespace}"')
    )


async def test_a_cluster_takes_over_from_a_directory_when_a_person_says_so(
    waiting: Controlled, database: Database
) -> None:
    """Everything is as the cluster declares it afterwards, the passwords too."""
    settings = settings_for(database).model_copy(update={"namespace": waiting.namespace})
    await apply_once(settings, of(waiting.namespace))
    await database.execute(TAKE)
    await waiting.start()
    waiting.apply(*flights_manifests(database))
    status = await needed(waiting)
    assert "came from a directory" in status["takeover"]["message"]
    await waiting.stalled("User", "summer-intern-2", "TakeoverNeeded")
    assert await (await database.connect()).fetchval(READS) is False
    accept(waiting, status["takeover"]["token"])
    await in_force(waiting)
    intern = await database.connect(*INTERN)
    await intern.fetch("SELECT * FROM schema1.airports")


@pytest.fixture
async def alone(
    own_control_plane: ControlPlane, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    """A control plane of the test's own: its etcd may be restored."""
    cluster = own_control_plane.access
    define_our_kinds(cluster)
    async with (
        KubeApi.connect(str(cluster.kubeconfig)) as api,
        controlled(cluster, api, "default", tmp_path) as running,
    ):
        running.apply(*flights_manifests(database))
        await in_force(running)
        yield running


@pytest.mark.parametrize("is_restarted", [True, False], ids=["new-controller", "same-controller"])
async def test_a_restored_etcd_brings_no_leaver_back(
    alone: Controlled,
    own_control_plane: ControlPlane,
    database: Database,
    tmp_path: Path,
    is_restarted: bool,
) -> None:
    """The leaver proves the restore, and what the API server shows waits for a person."""
    plane, data = own_control_plane, own_control_plane.settings.folder / "etcd"
    await alone.stop()
    plane.stop()
    shutil.copytree(data, tmp_path / "copy")
    plane.start()
    await alone.start()
    await in_force(alone)
    await alone.delete("User", "summer-intern-2")
    await alone.gone("User", "summer-intern-2")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await database.connect(*INTERN)
    if is_restarted:
        await alone.stop()
    plane.stop()
    shutil.rmtree(data)
    shutil.copytree(tmp_path / "copy", data)
    plane.start()
    if is_restarted:
        await alone.start()
    status = await needed(alone)
    assert "User/default/summer-intern-2 was deleted by" in status["takeover"]["message"]
    await alone.stalled("User", "summer-intern-2", "TakeoverNeeded")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await database.connect(*INTERN)
    accept(alone, status["takeover"]["token"])
    await in_force(alone)
    intern = await database.connect(*INTERN)
    await intern.fetch("SELECT * FROM schema1.airports")


@pytest.mark.found("E141")
@pytest.mark.found("E191")
async def test_a_restored_etcd_puts_no_old_password_back_in_force(
    alone: Controlled, own_control_plane: ControlPlane, database: Database, tmp_path: Path
) -> None:
    """A Secret has no generation: that the resource versions went back is the proof."""
    plane, data = own_control_plane, own_control_plane.settings.folder / "etcd"
    plane.stop()
    shutil.copytree(data, tmp_path / "copy")
    plane.start()
    await in_force(alone)
    rotated = "a-password-of-after-the-copy"
    await alone.set_secret("mydb-intern-passwords", "intern-2", rotated)

    async def the_old_one_is_refused() -> bool:
        try:
            await database.connect(*INTERN)
        except asyncpg.InvalidPasswordError:
            return True
        return False

    await until(the_old_one_is_refused)
    plane.stop()
    shutil.rmtree(data)
    shutil.copytree(tmp_path / "copy", data)
    plane.start()
    status = await needed(alone)
    assert "the API server was seen to go back" in status["takeover"]["message"]
    assert await the_old_one_is_refused()
    await database.connect(INTERN[0], rotated)
    accept(alone, status["takeover"]["token"])
    await in_force(alone)

    async def the_old_one_is_good() -> bool:
        return not await the_old_one_is_refused()

    await until(the_old_one_is_good)

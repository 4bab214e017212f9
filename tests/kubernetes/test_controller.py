"""The controller on a real API server and a real PostgreSQL; Regents run as processes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from controller.kube.api import KubeApi
from tests.eventually import settled
from tests.kubernetes.controlled import (
    Controlled,
    condition,
    controlled,
    flights_manifests,
    hasty_endings,
)
from tests.kubernetes.in_force import INSTALLED
from tests.kubernetes_harness.access import Cluster
from tests.postgres.canary import Canary
from tests.postgres.database import Database

pytestmark = pytest.mark.versions(18)
ROLES = ("mydb-viewer", "flights-admin")
USERS = ("summer-intern-2", "flights-admin")
INTERN = "demo-only-intern-2-password"


@pytest.fixture
async def one(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    """A controller, and the reference's manifests in force."""
    async with controlled(crds, api, namespace, tmp_path) as running:
        running.apply(*flights_manifests(database))
        for role in ROLES:
            await running.ready("Role", role)
        for user in USERS:
            await running.ready("User", user)
        await running.ready("Regent", "my-regent")
        yield running


async def eventually(database: Database, query: str, expected: object) -> None:
    connection = await database.connect()
    async with asyncio.timeout(120):
        while await connection.fetchval(query) != expected:
            await asyncio.sleep(0.05)


async def test_the_references_manifests_are_in_force_and_drift_becomes_an_event(
    one: Controlled, database: Database
) -> None:
    """Applied with kubectl: all Ready, the intern reads, an intruder's GRANT is gone and told."""
    await one.ready("Permission", "read-schemas-1-and-2")
    intern = await database.connect("summer-intern-2", INTERN)
    await intern.fetch("SELECT * FROM schema1.airports")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await intern.execute("DELETE FROM schema1.airports")
    await database.execute('GRANT INSERT ON schema1.airports TO "mydb-viewer"')
    events = await one.events("DriftCorrected", about="Regent")
    assert "INSERT" in events[0]["note"]
    assert "my-admin" in events[0]["note"]
    assert events[0]["regarding"]["name"] == "my-regent"
    role = await one.events("DriftCorrected", about="Role")
    assert role[0]["regarding"]["name"] == "mydb-viewer"
    holds = "SELECT has_table_privilege('mydb-viewer', 'schema1.airports', 'INSERT')"
    await eventually(database, holds, expected=False)
    regent = await one.ready("Regent", "my-regent")
    assert condition(regent, "DetectorHealthy") == "True"
    assert condition(regent, "Drifted") == "False"
    assert regent["status"]["managedRoles"] == 3
    assert one.cluster.kubectl(
        "wait", "--for=condition=Ready", "pguser,pgrole,pgperm,pgregent", "--all",
        "-n", one.namespace, "--timeout=120s",
    )  # fmt: skip


async def written(one: Controlled) -> int:
    """How many statuses its controller has."""
    assert one.controller is not None
    return one.controller.term.telling.reporter.writes


@pytest.mark.rule("29")
async def test_a_status_that_somebody_overwrites_is_written_again_and_no_other(
    one: Controlled,
) -> None:
    """Also when it is our own from a moment ago, of which the cache had not heard yet."""
    writes = await settled(lambda: written(one))
    unready = {
        "type": "Ready", "status": "False", "reason": "X", "message": "of somebody else",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    wrong = json.dumps({"status": {"conditions": [unready]}})
    for kind, name in (("pguser", "summer-intern-2"), ("pgregent", "my-regent")):
        one.cluster.kubectl(
            "patch", kind, name, "-n", one.namespace, "--subresource=status", "--type=merge",
            "-p", wrong,
        )  # fmt: skip
    await one.ready("User", "summer-intern-2")
    await one.ready("Regent", "my-regent")
    await asyncio.sleep(1.0)
    assert await written(one) == writes + 2


async def test_a_changed_secret_and_a_changed_resource_reach_the_database(
    one: Controlled, database: Database, canary: Canary, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without a restart, and without a word of the password anywhere."""
    await one.set_secret("mydb-intern-passwords", "intern-2", canary.password)

    async def logs_in() -> bool:
        try:
            connection = await database.connect("summer-intern-2", canary.password)
        except asyncpg.InvalidPasswordError:
            return False
        await connection.close()
        return True

    async with asyncio.timeout(120):
        while not await logs_in():
            await asyncio.sleep(0.05)
    role = await one.ready("Role", "mydb-viewer")
    permissions = [*role["spec"]["permissions"], "read-write-flights"]
    one.cluster.kubectl(
        "patch", "pgrole", "mydb-viewer", "-n", one.namespace, "--type=merge",
        "-p", f'{{"spec": {{"permissions": {str(permissions).replace(chr(39), chr(34))}}}}}',
    )  # fmt: skip
    await one.ready("Role", "mydb-viewer")
    holds = "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'INSERT')"
    await eventually(database, holds, expected=True)
    objects = one.cluster.kubectl(
        "get", "pguser,pgrole,pgperm,pgregent,event,configmap,deployment", "-o", "json",
        "-n", one.namespace,
    )  # fmt: skip
    said = "".join(capfd.readouterr())
    canary.assert_nowhere({"objects": objects, "log": said, "regents": one.pods.logs()})


async def test_deleted_resources_end_before_they_go(one: Controlled, database: Database) -> None:
    """The finalizer goes when access has ended, and the role is dropped."""
    await one.delete("User", "summer-intern-2")
    await one.gone("User", "summer-intern-2")
    exists = (
        "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'summer-intern-2' AND rolcanlogin)"
    )
    connection = await database.connect()
    assert await connection.fetchval(exists) is False
    await one.delete("Permission", "read-schemas-1-and-2")
    await one.gone("Permission", "read-schemas-1-and-2")
    holds = "SELECT has_table_privilege('mydb-viewer', 'schema1.airports', 'SELECT')"
    await eventually(database, holds, expected=False)


async def test_a_deleted_regent_leaves_the_roles_and_takes_what_it_installed(
    one: Controlled, database: Database
) -> None:
    """Triggers and schema are gone, Deployment and all are gone, roles go on."""
    connection = await database.connect()
    assert await connection.fetchval(INSTALLED) > 0
    await one.delete("Regent", "my-regent")
    await one.gone("Regent", "my-regent")
    assert await connection.fetchval(INSTALLED) == 0
    assert await connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = 'mydb-viewer'")
    selector = "app.kubernetes.io/component=regent"
    kinds = "deployment,service,secret,serviceaccount,networkpolicy"
    async with asyncio.timeout(120):
        while one.cluster.get(kinds, "-n", one.namespace, "-l", selector)["items"]:
            await asyncio.sleep(0.1)
    assert "3 roles stay as they are" in (await one.events("RolesLeft"))[0]["note"]
    await one.stalled("Role", "mydb-viewer", "NoRegent")
    await one.delete("Role", "mydb-viewer")
    await one.gone("Role", "mydb-viewer")


@pytest.mark.rule("28")
async def test_a_user_that_is_deleted_with_its_regent_ends_first(
    one: Controlled, database: Database
) -> None:
    """Also where the controller that acts on it has just started, and knows no Regent yet."""
    await one.stop()
    await one.delete("Regent", "my-regent")
    await one.delete("User", "summer-intern-2")
    await one.start()
    await one.gone("Regent", "my-regent")
    await one.gone("User", "summer-intern-2")
    connection = await database.connect()
    roles = await connection.fetch("SELECT rolname FROM pg_roles WHERE rolname = ANY($1)", USERS)
    assert [role["rolname"] for role in roles] == ["flights-admin"]
    assert "2 roles stay as they are" in (await one.events("RolesLeft"))[0]["note"]


@pytest.mark.rule("28")
async def test_a_deleted_regent_of_which_nothing_runs_says_what_it_has_left(
    one: Controlled, database: Database
) -> None:
    """Its Deployment was deleted while there was no controller: nobody can take anything off."""
    await one.stop()
    one.cluster.kubectl("delete", "deployment", "--all", "-n", one.namespace)
    await one.delete("Regent", "my-regent")
    await one.start()
    await one.gone("Regent", "my-regent")
    (event,) = await one.events("LeftInstalled")
    assert "postgregent uninstall --dsn" in event["note"]
    assert "3 roles stay as they are" in event["note"]


@pytest.mark.rule("28")
async def test_a_namespace_ends_with_everything_in_it(one: Controlled, database: Database) -> None:
    """All deleted at once, in whatever order: nothing hangs."""
    kinds = "pgregent,pgrole,pguser,pgperm,secret"
    one.cluster.kubectl("delete", kinds, "--all", "-n", one.namespace, "--wait=false")
    for kind, names in (("User", USERS), ("Role", ROLES), ("Regent", ("my-regent",))):
        for name in names:
            await one.gone(kind, name)


@pytest.mark.rule("27")
async def test_a_namespace_ends_with_the_database_gone(one: Controlled, database: Database) -> None:
    """What cannot be carried out is let go after a while, and said."""
    database.server.stop()
    try:
        one.cluster.kubectl(
            "delete", "pgregent,pgrole,pguser,pgperm", "--all", "-n", one.namespace, "--wait=false"
        )
        with hasty_endings():
            for kind, names in (("User", USERS), ("Role", ROLES), ("Regent", ("my-regent",))):
                for name in names:
                    await one.gone(kind, name)
        assert "uninstall" in (await one.events("LeftInstalled"))[0]["note"]
    finally:
        database.server.start()


def leftovers(regent: dict[str, Any] | None) -> list[str]:
    return [left["role"] for left in ((regent or {}).get("status") or {}).get("leftovers", ())]


@pytest.mark.rule("27")
@pytest.mark.found("E145")
async def test_a_user_let_go_while_the_regent_was_away_ends_when_it_is_back(
    one: Controlled, database: Database
) -> None:
    """The finalizer does not wait for ever, and the deletion is not forgotten: its Regent names it.

    Also when the Event of it is gone.
    """
    await one.pods.pause()
    for pod in one.pods.running.values():
        await asyncio.to_thread(pod.stop, kill=True)
    await one.delete("User", "summer-intern-2")
    with hasty_endings():
        await one.gone("User", "summer-intern-2")
    connection = await database.connect()
    exists = "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'summer-intern-2'"
    assert await connection.fetchval(exists) is True
    await one.until("Regent", "my-regent", lambda it: leftovers(it) == ["summer-intern-2"])
    assert f"User/{one.namespace}/summer-intern-2" in json.dumps(
        ((await one.get("Regent", "my-regent")) or {})["status"]["conditions"]
    )
    await one.stop()
    one.pods.is_paused = False
    await one.start()
    async with asyncio.timeout(120):
        while await connection.fetchval(exists):
            await asyncio.sleep(0.05)
    await one.until("Regent", "my-regent", lambda it: leftovers(it) == [])


async def test_what_runs_a_regent_is_repaired(one: Controlled) -> None:
    """Somebody deletes the Service and changes the Deployment: both are as they were."""
    name = next(iter(one.pods.running))
    place = ("-n", one.namespace)
    one.cluster.kubectl("delete", "service", name, *place)
    one.cluster.kubectl("scale", "deployment", name, "--replicas=3", *place)
    one.cluster.kubectl("label", "secret", name, "app.kubernetes.io/component=other",
                        "--overwrite", *place)  # fmt: skip
    async with asyncio.timeout(120):
        while one.cluster.get("deployment", name, *place)["spec"]["replicas"] != 1:
            await asyncio.sleep(0.1)
        while name not in one.cluster.kubectl("get", "service", *place):
            await asyncio.sleep(0.1)
        labels = {"app.kubernetes.io/component": "regent"}
        while (
            not labels.items()
            <= one.cluster.get("secret", name, *place)["metadata"]["labels"].items()
        ):
            await asyncio.sleep(0.1)


@pytest.mark.rule("29")
async def test_nothing_is_written_while_nothing_happens(one: Controlled) -> None:
    """A pass, a reconnect and another look are no news."""
    for kind, name in (("User", "flights-admin"), ("Permission", "connect-to-mydb")):
        await one.ready(kind, name)

    async def versions() -> dict[str, str]:
        return {n: (await one.get("User", n) or {})["metadata"]["resourceVersion"] for n in USERS}

    before = await settled(versions)
    assert one.controller is not None
    for served in one.controller.fleet.served.values():
        await served.client.reconcile()
    await one.stop()
    await one.start()
    async with asyncio.timeout(120):
        while not any(s.link.is_pushed for s in one.controller.fleet.served.values()):
            await asyncio.sleep(0.05)
    await asyncio.sleep(1.0)
    assert await versions() == before

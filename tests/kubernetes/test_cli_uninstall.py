"""`postgregent uninstall --kubernetes` as a person calls it, with a controller and without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.kube.api import KubeApi
from controller.kube.kinds import ROLE
from controller.lifecycle.finalizers import FINALIZER
from shared.resources import API_VERSION, UNINSTALL_ANNOTATION
from tests.command import Ended, postgregent, postgregent_process
from tests.kubernetes.controlled import Controlled, controlled, flights_manifests
from tests.kubernetes.in_force import INSTALLED, LOGINS, RESOURCES, all_ready
from tests.kubernetes_harness.access import Cluster
from tests.kubernetes_harness.control_plane import ControlPlane
from tests.postgres.database import Database

pytestmark = [pytest.mark.versions(18)]


@pytest.fixture
async def one(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    """A controller, and the reference's manifests in force."""
    async with controlled(crds, api, namespace, tmp_path) as running:
        running.apply(*flights_manifests(database))
        await all_ready(running)
        yield running


async def uninstall(one: Controlled, *arguments: str, kubeconfig: Path | None = None) -> Ended:
    """Of this namespace alone: the cluster is shared."""
    access = str(kubeconfig or one.cluster.kubeconfig)
    return await postgregent_process(
        "uninstall", "--kubernetes", "--kubeconfig", access, "-n", one.namespace, *arguments
    )


async def finalizers(one: Controlled) -> list[str]:
    found = [await one.get(kind, name) for kind, name in RESOURCES]
    return [name for each in found if each for name in each["metadata"].get("finalizers", ())]


def deployments(one: Controlled) -> list[str]:
    """Of Regents."""
    found = one.cluster.get("deployment", "-n", one.namespace)["items"]
    return [each["metadata"]["name"] for each in found]


@pytest.mark.rule("28")
async def test_with_a_controller_all_is_off_and_comes_back_without_adopt(
    one: Controlled, database: Database
) -> None:
    """0; a second call has nothing to do; without the annotation everything is Ready again."""
    asked = await uninstall(one)
    assert asked.status == 1
    assert "Say --yes" in asked.err
    ended = await uninstall(one, "--yes", "-o", "json")
    assert ended.status == 0, ended.err
    said = ended.data()
    assert said["by"] == "controller"
    assert [regent["became"] for regent in said["regents"]] == ["Uninstalled"]
    names = [f"{kind}/{one.namespace}/{name}" for kind, name in RESOURCES]
    assert said["finalizersOff"] == names
    assert f"{names[0]}: Uninstalled" in ended.err
    assert await finalizers(one) == []
    assert deployments(one) == []
    connection = await database.connect()
    assert await connection.fetchval(INSTALLED) == 0
    assert await connection.fetchval(LOGINS) == 2
    again = await uninstall(one)
    assert again.status == 0, again.err
    place = f"{database.server.host}:{database.server.port}"
    first, *regents = again.out.splitlines()
    assert first.startswith("Nothing to do")
    assert regents == [f"Regent/{one.namespace}/my-regent on {place}: Uninstalled"]
    one.cluster.kubectl(
        "annotate", "pgregent", "my-regent", "-n", one.namespace, f"{UNINSTALL_ANNOTATION}-"
    )
    await all_ready(one)
    assert await connection.fetchval(INSTALLED) > 0


@pytest.mark.rule("28")
async def test_without_a_controller_finalizers_go_and_the_servers_are_named(
    one: Controlled, database: Database
) -> None:
    """3, and the command that is printed does the rest; then the resources can be deleted."""
    await one.stop()
    ended = await uninstall(one, "--yes", "-o", "json", "--patience", "2")
    assert ended.status == 3, ended.err
    said = ended.data()
    assert said["by"] == "command"
    assert await finalizers(one) == []
    assert deployments(one) == []
    kinds = "service,serviceaccount,networkpolicy,secret"
    label = ("-l", "app.kubernetes.io/component=regent")
    assert one.cluster.get(kinds, "-n", one.namespace, *label)["items"] == []
    server = database.server
    (command,) = said["commands"]
    place = f"{server.host}:{server.port}/{database.name}"
    assert command == f"postgregent uninstall --dsn postgresql://{server.superuser}@{place}"
    connection = await database.connect()
    assert await connection.fetchval(INSTALLED) > 0
    async with asyncio.timeout(120):  # its process ends, as a pod would
        while one.pods.running:
            await asyncio.sleep(0.1)
    by_hand = await postgregent(
        *command.split()[1:], "--yes",
        environment={"PGPASSWORD": server.password.get_secret_value()},
    )  # fmt: skip
    assert by_hand.status == 0, by_hand.err
    assert await connection.fetchval(INSTALLED) == 0
    assert await connection.fetchval(LOGINS) == 2
    place_of = ("-n", one.namespace, "--timeout=120s")
    await asyncio.to_thread(
        one.cluster.kubectl, "delete", "pgregent,pgrole,pguser", "--all", *place_of
    )


async def test_a_right_that_is_lacking_is_named(one: Controlled) -> None:
    """Nothing is changed by who may only look."""
    cluster = one.cluster
    account = f"looks-{one.namespace}"
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "look"},
        "rules": [{
            "apiGroups": ["putnam120.postgregent"], "resources": ["*"], "verbs": ["list", "get"],
        }],
    }  # fmt: skip
    one.apply(role)
    cluster.kubectl(
        "create", "rolebinding", "look", "--role=look", f"--user={account}", "-n", one.namespace
    )
    ended = await uninstall(one, "--yes", kubeconfig=cluster.kubeconfig_for(account))
    assert ended.status == 1
    assert 'cannot patch resource "regents"' in ended.err
    assert len(await finalizers(one)) == len(RESOURCES)


async def test_finalizers_that_somebody_puts_on_again_are_no_success(
    crds: Cluster, api: KubeApi, namespace: str
) -> None:
    """As a controller would that is too old to know of the annotation."""
    role = {
        "apiVersion": API_VERSION, "kind": "Role", "metadata": {"name": "held"},
        "spec": {"database": "mydb", "permissions": []},
    }  # fmt: skip

    async def hold() -> None:
        await api.patch(ROLE, namespace, "held", {"metadata": {"finalizers": [FINALIZER]}})

    async def hold_again() -> None:
        """Each time that it is off: what is on again at once, the command takes off once more."""
        while True:
            await asyncio.sleep(0.2)
            if not (await api.get(ROLE, namespace, "held"))["metadata"].get("finalizers"):
                await hold()

    crds.apply(role, namespace=namespace)
    await hold()
    again = asyncio.create_task(hold_again())
    ended = await postgregent_process(
        "uninstall", "--kubernetes", "--kubeconfig", str(crds.kubeconfig), "-n", namespace,
        "--yes", "--patience", "0",
    )  # fmt: skip
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)
    await api.patch(ROLE, namespace, "held", {"metadata": {"finalizers": []}})
    assert ended.status == 1
    assert f"There again: the finalizer of Role/{namespace}/held" in ended.err
    assert "helm uninstall" in ended.err


async def test_a_cluster_that_does_not_know_us_has_nothing_to_be_taken_off(
    own_control_plane: ControlPlane,
) -> None:
    kubeconfig = str(own_control_plane.access.kubeconfig)
    ended = await postgregent_process("uninstall", "--kubernetes", "--kubeconfig", kubeconfig)
    assert (ended.status, ended.err) == (0, "")
    assert "Nothing to do" in ended.out

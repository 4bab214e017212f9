"""Passwords that the controller makes, on a real API server and a real PostgreSQL."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from controller.credentials.due import MADE_AT
from controller.kube.api import KubeApi
from controller.kube.kinds import SECRET
from shared.resources import ROTATE_ANNOTATION
from tests.kubernetes.chart_account import chart_account
from tests.kubernetes.controlled import Controlled, controlled, flights_manifests
from tests.kubernetes_harness.access import Cluster
from tests.postgres.canary import Canary
from tests.postgres.database import Database

pytestmark = pytest.mark.versions(18)
USER, LOGIN = "summer-intern-2", "intern-login"
PLANTED = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {
        "name": "planted",
        "labels": {"app.kubernetes.io/managed-by": "postgregent-credentials",
                   "key1": "value1", "key2": "value2"},
    },
    "stringData": {"username": USER, "password": "demo-only-planted"},
}  # fmt: skip


def manifests(database: Database) -> list[dict[str, Any]]:
    """The reference's, with a password that is made for the intern.

    Its Secret has none of the labels that the Regent asks for: it needs none.
    """
    found = flights_manifests(database)
    (intern,) = (one for one in found if one["metadata"]["name"] == USER)
    del intern["spec"]["passwordSecretRef"]
    intern["spec"]["credentials"] = {"secretName": LOGIN}
    return found


@pytest.fixture
async def one(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    """A controller, and what is declared."""
    async with controlled(crds, api, namespace, tmp_path) as running:
        running.apply(*manifests(database))
        yield running


async def kept(one: Controlled, *, other_than: str = "") -> Mapping[str, str]:
    """What the Secret says, once it says another password."""
    async with asyncio.timeout(120):
        while True:
            one.check()
            found: dict[str, Any] = await one.find(SECRET, LOGIN) or {}
            data = found.get("data") or {}
            said = {key: base64.b64decode(value).decode() for key, value in data.items()}
            if said.get("password", other_than) != other_than:
                return said
            await asyncio.sleep(0.05)


async def logs_in(database: Database, password: str, *, expected: bool = True) -> None:
    """Until it does, or does not any more."""
    async with asyncio.timeout(120):
        while await may_log_in(database, password) is not expected:
            await asyncio.sleep(0.05)


async def may_log_in(database: Database, password: str) -> bool:
    try:
        connection = await database.server.connect(database.name, USER, password)
    except asyncpg.InvalidPasswordError:
        return False
    await connection.close()
    return True


async def test_a_password_is_made_logs_in_is_rotated_made_anew_and_goes_with_its_user(
    one: Controlled, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    """And nobody says a word of any of them."""
    first = await kept(one)
    server = database.server
    assert {**first, "password": ""} == {
        "username": USER, "host": server.host, "port": str(server.port),
        "dbname": database.name, "password": "",
    }  # fmt: skip
    await one.ready("User", USER)
    await logs_in(database, first["password"])
    annotate = ("annotate", "--overwrite", "pguser", USER, "-n", one.namespace)
    one.cluster.kubectl(*annotate, f"{ROTATE_ANNOTATION}=it-leaked")
    second = await kept(one, other_than=first["password"])
    await logs_in(database, second["password"])
    await logs_in(database, first["password"], expected=False)
    await one.ready("User", USER)
    await one.api.delete(SECRET, one.namespace, LOGIN)
    third = await kept(one, other_than=second["password"])
    await logs_in(database, third["password"])
    await logs_in(database, second["password"], expected=False)
    assert (await one.ready("User", USER))["metadata"]["annotations"][
        ROTATE_ANNOTATION
    ] == "it-leaked"
    events = await one.events("PasswordMade", about="User")
    objects = one.cluster.kubectl(
        "get", "pguser,pgrole,pgregent,event,configmap,deployment", "-o", "json",
        "-n", one.namespace,
    )  # fmt: skip
    said = "".join(capfd.readouterr())
    for password in (first["password"], second["password"], third["password"]):
        Canary(password).assert_nowhere(
            {"objects": objects, "log": said, "regents": one.pods.logs(), "events": str(events)}
        )
    await one.delete("User", USER)
    await one.gone("User", USER)
    async with asyncio.timeout(120):
        while await one.find(SECRET, LOGIN) is not None:
            await asyncio.sleep(0.1)


async def test_without_the_right_it_is_said_and_what_somebody_else_made_is_not_believed(
    crds: Cluster,
    api: KubeApi,
    namespace: str,
    other_namespace: str,
    database: Database,
    tmp_path: Path,
) -> None:
    """The planted Secret has our label and the Regent's; it does not belong to the User."""
    values = {"watch_namespaces": f"{{{namespace}}}", "secrets_namespaces": f"{{{namespace}}}"}
    release = f"postgregent-{other_namespace}"
    kubeconfig = chart_account(crds, release, other_namespace, **values)
    async with (
        KubeApi.connect(str(kubeconfig)) as acting,
        controlled(
            crds, api, namespace, tmp_path,
            own_namespace=other_namespace, acting=acting, lease_name=release,
        ) as one,
    ):  # fmt: skip
        one.apply(*manifests(database), PLANTED)
        found = await one.stalled("User", USER, "SecretNotWritable")
        assert "set credentials.enabled of the chart" in str(found["status"])
        values["credentials_enabled"] = "true"
        chart_account(crds, release, other_namespace, **values)
        password = (await kept(one))["password"]
        await one.ready("User", USER)
        patch = ("patch", "pguser", USER, "-n", namespace, "--type=merge", "-p")
        crds.kubectl(*patch, '{"spec": {"credentials": {"secretName": "planted"}}}')
        found = await one.stalled("User", USER, "SecretTaken")
        assert f"Secret {namespace}/planted exists" in str(found["status"])
        assert await may_log_in(database, password)
        assert not await may_log_in(database, "demo-only-planted")
        planted = await api.get(SECRET, namespace, "planted")
        assert planted["metadata"].get("annotations", {}).get(MADE_AT) is None
        assert base64.b64decode(planted["data"]["password"]) == b"demo-only-planted"

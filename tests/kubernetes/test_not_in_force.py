"""What is declared of a Regent and is not in force is said, on a real API server and PostgreSQL."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from controller.kube.api import KubeApi
from controller.kube.kinds import DEPLOYMENT, SECRET
from controller.process import counted
from controller.status import absences
from tests.eventually import eventually
from tests.kubernetes.controlled import (
    KINDS,
    Controlled,
    condition,
    controlled,
    flights_manifests,
    ready_reason,
)
from tests.kubernetes_harness.access import Cluster
from tests.postgres.database import Database

pytestmark = pytest.mark.versions(18)
REGENT = "my-regent"


@pytest.fixture
async def one(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    """A controller, and the reference's manifests in force."""
    async with controlled(crds, api, namespace, tmp_path) as running:
        running.apply(*flights_manifests(database))
        await running.ready("User", "summer-intern-2")
        await running.ready("Regent", REGENT)
        yield running


async def change(one: Controlled, **spec: Any) -> None:
    await one.api.patch(KINDS["Regent"], one.namespace, REGENT, {"spec": spec})


async def message(one: Controlled) -> str:
    found = await one.get("Regent", REGENT) or {}
    said = found["status"]["conditions"]
    return str(next(c["message"] for c in said if c["type"] == "Ready"))


def settings(one: Controlled) -> dict[str, Any]:
    """What its process is started with the next time."""
    (name,) = one.pods.running
    found = one.cluster.get("secret", name, "-n", one.namespace)["data"]["regent.json"]
    read: dict[str, Any] = json.loads(base64.b64decode(found))
    return read


def not_as_declared(one: Controlled) -> int:
    assert one.controller is not None
    return counted(one.controller.term, is_leader=True).regents_not_as_declared


@pytest.mark.found("E140")
@pytest.mark.found("E147")
async def test_what_the_api_server_refuses_of_a_running_regent_is_its_word(
    one: Controlled,
) -> None:
    """Its Secret is immutable, so that another database cannot reach it; then the Secret goes."""
    (name,) = one.pods.running
    await one.api.patch(SECRET, one.namespace, name, {"immutable": True})
    await change(one, additionalDatabases=["postgres"])
    found = await one.stalled("Regent", REGENT, "Api")
    assert condition(found, "Ready") == "False"
    assert condition(found, "Reconciling") == "True"
    event = (await one.events("Api", about="Regent"))[0]
    assert event["type"] == "Warning"
    assert "goes on as it was" in event["note"]
    assert not_as_declared(one) == 1

    await one.api.delete(SECRET, one.namespace, name)
    await one.ready("Regent", REGENT)
    assert "additionalDatabases" not in await message(one)

    async def nothing_is_counted() -> bool:
        return not_as_declared(one) == 0

    await eventually(nothing_is_counted)


@pytest.mark.found("E140")
async def test_a_process_that_runs_with_what_was_declared_before_is_not_ready(
    one: Controlled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one that was given an old Secret: here it is not started anew at all."""
    monkeypatch.setattr(absences, "PATIENCE_SECONDS", 0.5)
    await one.pods.pause()
    await change(one, additionalDatabases=["postgres"])
    found = await one.stalled("Regent", REGENT, "NotInForce")
    assert condition(found, "Ready") == "False"
    await one.events("NotInForce", about="Regent")
    assert "kubectl rollout restart deployment/" in await message(one)
    one.pods.is_paused = False
    await one.ready("Regent", REGENT)


@pytest.mark.found("E143")
async def test_a_regent_whose_admins_secret_is_gone_says_so_and_stays_who_it_is(
    one: Controlled, database: Database
) -> None:
    """It goes on with the password it had, and as nobody else with it."""
    await one.api.delete(SECRET, one.namespace, "mydb-passwords")
    await one.stalled("Regent", REGENT, "AdminSecretMissing")
    event = (await one.events("AdminSecretMissing", about="Regent"))[0]
    assert event["type"] == "Warning"
    assert "mydb-passwords" in event["note"]
    assert not_as_declared(one) == 1
    await database.execute('REVOKE USAGE ON SCHEMA schema1 FROM "mydb-viewer"')
    await one.events("DriftCorrected", about="Regent")

    before = settings(one)
    await change(one, adminUser="adm2", additionalDatabases=["postgres"])
    await one.until(
        "Regent",
        REGENT,
        lambda it: (condition(it, "Ready"), ready_reason(it)) == ("False", "AdminSecretMissing"),
    )
    assert settings(one) == before, "nobody is shown another one's password"

    await change(one, adminUser=before["server"]["adminUser"])
    await one.stalled("Regent", REGENT, "AdminSecretMissing")
    password = database.server.password.get_secret_value()
    labels = {"key1": "value1", "key2": "value2"}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "mydb-passwords", "labels": labels},
        "stringData": {"admin": password},
    }
    one.apply(secret)
    await one.ready("Regent", REGENT)
    assert settings(one)["databases"] == ["mydb", "postgres"]


@pytest.mark.found("E144")
async def test_a_regent_without_a_process_is_told_of_and_says_where_to_look(
    one: Controlled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(absences, "PATIENCE_SECONDS", 0.5)
    await one.pods.pause()
    (name,) = one.pods.running
    one.pods.running[name].stop(kill=True)
    await one.stalled("Regent", REGENT, "NotAnswering")
    event = (await one.events("NotAnswering", about="Regent"))[0]
    assert event["type"] == "Warning"
    assert f"kubectl get pods -n {one.own_namespace}" in event["note"]

    async def says(word: str) -> bool:
        return word in await message(one)

    unavailable: dict[str, Any] = {"replicas": 1, "unavailableReplicas": 1}
    await one.api.patch_status(DEPLOYMENT, one.namespace, name, {"status": unavailable})
    await eventually(lambda: says("ImagePullBackOff"))
    one.pods.is_paused = False
    await one.ready("Regent", REGENT)


@pytest.mark.found("E147")
async def test_a_name_that_is_free_again_is_heard_of_though_nobody_tells(
    one: Controlled,
) -> None:
    """What somebody else made is not watched: it has no label of ours."""
    await one.stop()
    (name,) = one.pods.running
    place = ("-n", one.namespace)
    one.cluster.kubectl("delete", "service,secret", name, *place)
    one.cluster.kubectl("create", "service", "clusterip", name, "--tcp=80", *place)
    await one.start()
    await one.stalled("Regent", REGENT, "NameTaken")
    one.cluster.kubectl("delete", "service", name, *place)
    await one.ready("Regent", REGENT)

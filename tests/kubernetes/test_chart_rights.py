"""The chart's rights are what the controller asks for, compared both ways (tests/rights.py).

The API server itself writes down what was asked of it, while the controller does everything that it
can do: in two namespaces, and in a third one whose Secrets it may not read.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from controller.credentials.due import ROTATED_FOR
from controller.kube.kinds import CONFIG_MAP, SECRET
from controller.lifecycle.departures import NAME as DEPARTURES
from controller.pki.authorities import CONTROLLER_CA, REPLACE_CA
from shared.keys import ResourceKey
from shared.resources import ROTATE_ANNOTATION
from tests.kubernetes.as_installed import NAMESPACE, Installed, installed
from tests.kubernetes.controlled import Controlled, flights_manifests
from tests.kubernetes_harness.control_plane import ControlPlane
from tests.postgres.database import Database
from tests.rights import Asked, given, uncovered, unused

pytestmark = [pytest.mark.versions(18)]
PAGE = Path(__file__).parents[2] / "docs" / "kubernetes.md"
FLIGHTS, OTHER, UNLISTED = NAMESPACES = ("flights", "other", "unlisted")
API = "putnam120.postgregent/v1alpha1"
VALUES: dict[str, Any] = {
    "secrets": {"namespaces": [FLIGHTS, OTHER]},
    "credentials": {"enabled": True},
    "leases": {"enabled": True},
    "api": {"enabled": True, "tlsSecretName": "views"},
}
REFUSED = {Asked("", "secrets", "list", UNLISTED)}


def resource(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}


def other_manifests(database: Database) -> list[dict[str, Any]]:
    """Another Regent on the same server, for the database that is always there."""
    password = database.server.password.get_secret_value()
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "passwords"},
            "stringData": {"admin": password},
        },
        resource("Permission", "connect", database="postgres", actions=["CONNECT"]),
        resource("Role", "reporting", database="postgres", permissions=["connect"]),
        resource(
            "User",
            "reporter",
            roles=["reporting"],
            credentials={"secretName": "reporter-login"},
        ),
        resource(
            "User",
            "orders",
            roles=["reporting"],
            credentials={
                "secretName": "orders-lease",
                "mode": "Dynamic",
                "serviceAccounts": ["orders-api"],
            },
        ),
        resource(
            "Regent",
            "other-regent",
            adminUser=database.server.superuser,
            adminPasswordSecretRef={"name": "passwords", "key": "admin"},
            databaseHost=database.server.host,
            port=database.server.port,
            databaseName="postgres",
            allowedNamespaces=[{"selector": {"matchLabels": {"nobody": "here"}}, "allow": {}}],
        ),
    ]


async def lives_through(one: Installed, database: Database) -> None:
    """Everything, from the first declaration to the last finalizer."""
    flights, other, unlisted = (one.places[name] for name in NAMESPACES)
    flights.apply(*flights_manifests(database))
    other.apply(*other_manifests(database))
    unlisted.apply(*other_manifests(database))
    await flights.ready("User", "summer-intern-2")
    await flights.ready("Permission", "read-schemas-1-and-2")
    await other.ready("User", "reporter")
    await unlisted.stalled("Regent", "other-regent", "AdminSecretUnreadable")
    await password_is_rotated(other)
    await views_are_asked_for(one)
    await a_pod_asks_for_a_lease(one, other)
    await same_news_twice(flights, "mydb-viewer")
    await same_news_twice(other, "reporting")
    await ca_is_replaced(one)
    await workloads_are_repaired(one)
    await deletion_is_remembered(one, flights, "summer-intern-2")
    kinds = "pguser,pgrole,pgperm,pgregent"
    for place in (flights, other, unlisted):
        one.plane.access.kubectl("delete", kinds, "--all", "-n", place.namespace, "--timeout=120s")


async def views_are_asked_for(one: Installed) -> None:
    token = one.plane.access.kubectl("create", "token", "default", "-n", OTHER).strip()
    answer = await one.view("/v1/regents", token)
    assert (answer.status_code, answer.json()) == (200, {"items": []})


async def a_pod_asks_for_a_lease(one: Installed, place: Controlled) -> None:
    """With the lines that docs/kubernetes.md shows, over TLS; nothing of it is left."""
    await place.ready("User", "orders")
    account = ("orders-api", "-n", place.namespace)
    place.cluster.kubectl("create", "serviceaccount", *account)
    token = place.cluster.kubectl("create", "token", "--audience=postgregent", *account)
    folder = one.plane.settings.folder / "pod"
    folder.mkdir()
    (folder / "token").write_text(token.strip())
    certificate = one.plane.settings.authority.certificate
    (folder / "ca.crt").write_bytes(certificate.read_bytes())
    (block,) = re.findall(r"(?ms)^```sh\n(ask\(\) .*?)^```", PAGE.read_text("utf-8"))
    script = (
        block.replace("/var/run/secrets/postgregent", str(folder))
        .replace("postgregent.postgregent.svc:8444", f"localhost:{one.views_port}")
        .replace('"namespace": "orders"', f'"namespace": "{place.namespace}"')
        .replace('"/orders/$NAME"', f'"/{place.namespace}/$NAME"')
    )
    said = {"name", "username", "password", "host", "port", "dbname", "expiresAt"}
    for _ in range(2):  # each lease has a name of its own
        done = await asyncio.to_thread(
            subprocess.run,
            ["/bin/sh", "-e", "-c", script],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, (done.stdout, done.stderr)
        lease = json.loads((folder / "lease.json").read_text())
        assert said <= lease.keys()
        await place.gone("User", lease["name"])


async def same_news_twice(place: Controlled, role: str) -> None:
    """Its Event is counted, not made again."""
    patch = ("patch", "pgrole", role, "-n", place.namespace, "--type=merge", "-p")
    for asked, reason in (('{"superuser": true}', "NotAllowed"), ("null", "Applied")) * 2:
        place.cluster.kubectl(*patch, f'{{"spec": {{"attributes": {asked}}}}}')
        await place.stalled("Role", role, reason)
    async with asyncio.timeout(120):
        while not any("series" in event for event in await place.events("NotAllowed")):
            await asyncio.sleep(0.1)


async def ca_is_replaced(one: Installed) -> None:
    place = ("secret", CONTROLLER_CA, "-n", NAMESPACE)
    before = one.plane.access.get(*place)["data"]["ca.crt"]
    one.plane.access.kubectl("annotate", *place, f"{REPLACE_CA}=now")
    async with asyncio.timeout(120):
        while before in (one.plane.access.get(*place)["data"].values()):
            await asyncio.sleep(0.2)


async def password_is_rotated(place: Controlled) -> None:
    """That of the reporter, which was made."""
    user = ("pguser", "reporter", "-n", place.namespace)
    place.cluster.kubectl("annotate", *user, f"{ROTATE_ANNOTATION}=now")
    async with asyncio.timeout(120):
        while True:
            secret = await place.api.get(SECRET, place.namespace, "reporter-login")
            if secret["metadata"]["annotations"][ROTATED_FOR] == "now":
                return
            await asyncio.sleep(0.1)


async def workloads_are_repaired(one: Installed) -> None:
    cluster, place = one.plane.access, ("-n", NAMESPACE)
    for name in one.pods.running:
        cluster.kubectl("delete", "service", name, *place)
        async with asyncio.timeout(120):
            while name not in cluster.kubectl("get", "service", "-o", "name", *place):
                await asyncio.sleep(0.2)


async def deletion_is_remembered(one: Installed, place: Controlled, user: str) -> None:
    """The Regent is away, the finalizer goes all the same, and it is told when it is back."""
    await one.pods.pause()
    for pod in one.pods.running.values():
        await asyncio.to_thread(pod.stop, kill=True)
    await place.delete("User", user)
    await place.gone("User", user)
    one.pods.is_paused = False
    async with asyncio.timeout(120):
        while (await place.api.get(CONFIG_MAP, NAMESPACE, DEPARTURES)).get("data"):
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    "watched",
    [
        pytest.param((), id="everything"),
        pytest.param(NAMESPACES, id="some namespaces", marks=pytest.mark.slow),
    ],
)
async def test_the_controller_asks_for_all_of_its_rights_and_for_nothing_else(
    own_control_plane: ControlPlane, database: Database, tmp_path: Path, watched: tuple[str, ...]
) -> None:
    values = {**VALUES, "watch": {"namespaces": list(watched)}}
    regents = (
        ResourceKey("Regent", FLIGHTS, "my-regent"),
        ResourceKey("Regent", OTHER, "other-regent"),
    )
    async with installed(
        own_control_plane, values, tmp_path, namespaces=NAMESPACES, regents=regents
    ) as one:
        await lives_through(one, database)
    rights = given(one.objects, NAMESPACE, one.account)
    asked = own_control_plane.audit_log.asked_by(one.user)
    assert {what for what, statuses in asked.items() if 403 in statuses} == REFUSED
    assert uncovered(rights, asked) == REFUSED
    assert unused(rights, asked) == {}

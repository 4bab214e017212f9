"""A platform team's Regent, and an app team's namespace that it lets in by its label (rule 3)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from controller.kube.api import KubeApi
from tests.eventually import eventually
from tests.kubernetes.controlled import Controlled, controlled
from tests.kubernetes_harness.access import Cluster
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer

pytestmark = [pytest.mark.versions(18)]
API = "putnam120.postgregent/v1alpha1"
SELECTED = {"example.org/database": "shop"}


def resource(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}


def secret(name: str, value: str) -> dict[str, Any]:
    metadata = {"name": name}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"k": value}}


def platform(database: Database) -> list[dict[str, Any]]:
    """Who lets namespaces of the label in, with CONNECT and SELECT in one schema."""
    server = database.server
    allow = {
        "databases": ["mydb"],
        "schemas": ["app"],
        "names": ["app-*"],
        "actions": ["CONNECT", "USAGE", "SELECT"],
    }
    return [
        secret("admin", server.password.get_secret_value()),
        resource("Role", "platform-own", database="mydb"),
        resource(
            "Regent",
            "shop",
            adminUser=server.superuser,
            adminPasswordSecretRef={"name": "admin", "key": "k"},
            databaseHost=server.host,
            port=server.port,
            databaseName="mydb",
            allowedNamespaces=[{"selector": {"matchLabels": SELECTED}, "allow": allow}],
        ),
    ]


def app() -> list[dict[str, Any]]:
    """What a team declares, and what it may not."""
    read = {"schemas": ["app"], "tables": ["*"], "actions": ["SELECT"]}
    return [
        secret("password", "demo-only-app-password"),
        resource("Permission", "read", database="mydb", **read),
        resource("Permission", "beyond", database="mydb", **{**read, "schemas": ["*"]}),
        resource("Role", "app-reader", database="mydb", permissions=["read", "beyond"]),
        *(
            resource(
                "User", f"app-{n}", roles=["app-reader"],
                passwordSecretRef={"name": "password", "key": "k"},
            )
            for n in range(3)
        ),
        resource("User", "taker", database="mydb", userName="platform-own"),
        resource("Role", "app-admin", database="mydb", memberOf=[{"role": "platform-own"}]),
    ]  # fmt: skip


def label(cluster: Cluster, namespace: str, *labels: str) -> None:
    cluster.kubectl("label", "namespace", namespace, "--overwrite", *labels)


async def roles_of(look: asyncpg.Connection) -> list[str]:
    query = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'app-%' ORDER BY 1"
    return [row[0] for row in await look.fetch(query)]


async def has_no_roles(look: asyncpg.Connection) -> bool:
    return not await roles_of(look)


async def team_is_served(one: Controlled, team: Controlled, database: Database) -> None:
    """All that the entry lists, and nothing else."""
    await database.execute("CREATE SCHEMA app; CREATE TABLE app.t ()")
    label(one.cluster, team.namespace, "example.org/database=shop")
    one.apply(*platform(database))
    team.apply(*app())
    await one.ready("Regent", "shop")
    for n in range(3):
        await team.ready("User", f"app-{n}")
    await team.stalled("Permission", "beyond", "NotAllowed")
    await team.stalled("User", "taker", "NotAllowed")
    await team.stalled("Role", "app-admin", "NotAllowed")
    assert await team.events("NotAllowed", about="Permission")


@pytest.mark.rule("3", "20")
async def test_a_namespace_is_served_within_its_bounds_until_it_loses_its_label(
    crds: Cluster,
    api: KubeApi,
    namespace: str,
    other_namespace: str,
    database: Database,
    tmp_path: Path,
) -> None:
    """Three logins and a role end without a person's word, and their finalizers go."""
    others = (other_namespace,)
    async with controlled(crds, api, namespace, tmp_path, others=others) as one:
        team = one.of(other_namespace)
        await team_is_served(one, team, database)
        look = await database.connect()
        assert await roles_of(look) == ["app-0", "app-1", "app-2", "app-admin", "app-reader"]
        assert await look.fetchval("SELECT has_table_privilege('app-1', 'app.t', 'SELECT')")
        label(crds, other_namespace, "example.org/database-")
        for n in range(3):
            await team.stalled("User", f"app-{n}", "NoRegent")
        await one.ready("Regent", "shop")
        await eventually(lambda: has_no_roles(look))
        await team.until("User", "app-0", lambda found: not _finalizers(found))
        label(crds, other_namespace, "example.org/database=shop")
        await team.ready("User", "app-0")


@pytest.mark.rule("3", "20", "27")
async def test_a_namespace_that_is_deleted_hangs_on_nothing_and_is_counted_as_a_deletion(
    crds: Cluster,
    api: KubeApi,
    namespace: str,
    other_namespace: str,
    database: Database,
    tmp_path: Path,
) -> None:
    """Its roles wait for a person, as those of any namespace that is deleted do."""
    others = (other_namespace,)
    async with controlled(crds, api, namespace, tmp_path, others=others) as one:
        await team_is_served(one, one.of(other_namespace), database)
        ask = ("delete", "namespace", other_namespace, "--timeout=120s")
        await asyncio.to_thread(crds.kubectl, *ask)
        await one.stalled("Regent", "shop", "BrakePulled")
        look = await database.connect()
        logins = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'app-%' AND rolcanlogin"
        assert await look.fetchval(logins) >= 1, "two deletions may go before the rest is seen"


@pytest.mark.rule("1")
@pytest.mark.found("E219")
@pytest.mark.slow
async def test_a_regent_that_is_made_anew_loses_nothing_to_a_foreign_one(
    crds: Cluster,
    api: KubeApi,
    namespace: str,
    other_namespace: str,
    database: Database,
    launch_server: Callable[..., PostgresServer],
    tmp_path: Path,
) -> None:
    """The team's roles stay on its own server, and never come on that of the platform."""
    server = launch_server()
    shared = await server.connect()
    await shared.execute("CREATE DATABASE mydb")
    others = (other_namespace,)
    async with controlled(crds, api, namespace, tmp_path, others=others) as one:
        team = one.of(other_namespace)
        label(crds, other_namespace, "example.org/database=shop")
        one.apply(*platform(Database(server, "mydb")))
        await one.ready("Regent", "shop")
        own = {**platform(database)[-1], "metadata": {"name": "own"}}
        team.apply(platform(database)[0], own, resource("Role", "app-reader", database="mydb"))
        team.apply(resource("User", "app-0", roles=["app-reader"]))
        await team.ready("User", "app-0")
        await team.delete("Regent", "own")
        await team.until("Regent", "own", lambda found: found is None)
        await team.until("User", "app-0", lambda found: _reason(found) == "RegentGone")
        await team.until("Role", "app-reader", lambda found: _reason(found) == "RegentGone")
        await one.ready("Regent", "shop")
        team.apply(own)
        await team.ready("User", "app-0")
        assert await roles_of(await database.connect()) == ["app-0", "app-reader"]
        assert await roles_of(shared) == []
    await shared.close()


def _reason(found: dict[str, Any] | None) -> str:
    conditions = (found or {}).get("status", {}).get("conditions") or ()
    return str(next((c["reason"] for c in conditions if c["type"] == "Ready"), ""))


def _finalizers(found: dict[str, Any] | None) -> list[str]:
    return list((found or {}).get("metadata", {}).get("finalizers") or ())

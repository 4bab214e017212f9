"""How long a changed resource takes from the API server's answer to the catalog.

Everything is real: a node with the chart, the Regent in a pod, a PostgreSQL 17 that it reaches, and
2,000 Users. Each repetition adds an action to a Permission that did not have it before. The quiet
window, in which the controller waits for more, is told apart.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Iterable
from time import perf_counter
from typing import Any

import asyncpg

from benchmarks.drift import report, until
from controller.kube.api import KubeApi
from controller.kube.kinds import PERMISSION, REGENT, ROLE, SECRET, USER, JsonObject, Kind
from controller.observe.debounce import CHANGES
from tests.kubernetes_harness.chart import InstalledChart, install_chart
from tests.kubernetes_harness.node import Node
from tests.kubernetes_harness.postgres import ReachableServer, reachable_server
from tests.kubernetes_harness.unavailable import ClusterUnavailable

USERS, ROLES = 2_000, 20
ACTIONS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
NAMESPACE, DATABASE = "bench", "bench"
AT_ONCE = 16
PATIENCE_SECONDS = 600.0
PAUSE_SECONDS = 1.0


def declared(server: ReachableServer) -> list[tuple[Kind, JsonObject]]:
    """20 Roles with one Permission each, 2,000 Users with one Role each."""
    regent = {
        "adminUser": server.server.superuser,
        "adminPasswordSecretRef": {"name": "admin", "key": "password"},
        "databaseHost": server.host,
        "port": server.port,
        "databaseName": DATABASE,
    }
    objects: list[tuple[Kind, str, dict[str, Any]]] = [(REGENT, "regent", {"spec": regent})]
    for n in range(ROLES):
        spec = {"database": DATABASE, "schemas": [f"s{n}"], "tables": ["*"], "actions": ["SELECT"]}
        objects.append((PERMISSION, f"p{n}", {"spec": spec}))
        objects.append((ROLE, f"r{n}", {"spec": {"database": DATABASE, "permissions": [f"p{n}"]}}))
    objects += [(USER, f"u{n}", {"spec": {"roles": [f"r{n % ROLES}"]}}) for n in range(USERS)]
    secret = {"stringData": {"password": server.server.password.get_secret_value()}}
    objects.append((SECRET, "admin", secret))
    return [(kind, _object(kind, name, content)) for kind, name, content in objects]


def _object(kind: Kind, name: str, content: dict[str, Any]) -> JsonObject:
    head = {"apiVersion": kind.api_version, "kind": kind.name}
    return {**head, "metadata": {"name": name, "namespace": NAMESPACE}, **content}


async def fill(server: ReachableServer) -> None:
    """A schema for each Role, with ten tables."""
    first = await server.server.connect()
    await first.execute(f"CREATE DATABASE {DATABASE}")
    await first.close()
    connection = await server.server.connect(DATABASE)
    for n in range(ROLES):
        tables = "; ".join(f"CREATE TABLE s{n}.t{i} (id int)" for i in range(10))
        await connection.execute(f"CREATE SCHEMA s{n}; {tables}")
    await connection.close()


async def at_once(tasks: Iterable[Awaitable[Any]]) -> None:
    """All of them, some at a time."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(task: Awaitable[Any]) -> None:
        async with limit:
            await task

    await asyncio.gather(*(one(task) for task in tasks))


async def until_all_ready(api: KubeApi) -> None:
    """Every User says so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            users, _ = await api.list(USER, NAMESPACE)
            if all(_is_ready(user) for user in users):
                return
            await asyncio.sleep(1.0)


def _is_ready(found: JsonObject) -> bool:
    conditions = (found.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


async def measure(chart: InstalledChart, server: ReachableServer, count: int) -> None:
    """All lines."""
    await fill(server)
    chart.cluster.kubectl("create", "namespace", NAMESPACE)
    chart.allow_secrets(NAMESPACE)
    async with KubeApi.connect(str(chart.cluster.kubeconfig)) as api:
        began = perf_counter()
        await at_once(api.create(kind, NAMESPACE, manifest) for kind, manifest in declared(server))
        created = perf_counter()
        await until_all_ready(api)
        ready = perf_counter()
        print(
            f"{USERS} users: made in {created - began:.1f} s, Ready {ready - created:.1f} s later"
        )
        onlooker = await server.server.connect(DATABASE)
        seconds = []
        for n in range(min(count, ROLES * (len(ACTIONS) - 1))):
            await asyncio.sleep(PAUSE_SECONDS)
            seconds.append(await _change(api, onlooker, n))
        await onlooker.close()
    report("a changed Permission, all", seconds)
    report("a changed Permission, after the quiet window", [s - CHANGES.quiet for s in seconds])


async def _change(api: KubeApi, onlooker: asyncpg.Connection, n: int) -> float:
    role, given = n % ROLES, n // ROLES + 2
    patch = {"spec": {"actions": list(ACTIONS[:given])}}
    await api.patch(PERMISSION, NAMESPACE, f"p{role}", patch)
    action = ACTIONS[given - 1]
    look = f"SELECT has_table_privilege('r{role}', 's{role}.t9', '{action}')"
    return await until(onlooker, look, expected=True)


def main(count: int = 60) -> None:
    """On a node of its own."""
    try:
        node = Node.launch()
    except ClusterUnavailable as reason:
        sys.exit(f"kubernetes: {reason}")
    try:
        chart = install_chart(node.access)
        with reachable_server(node.network, 17, log_statement="none") as server:
            asyncio.run(measure(chart, server, count))
    finally:
        node.discard()


if __name__ == "__main__":
    main()

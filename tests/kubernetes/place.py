"""One user's place in a cluster: a namespace with manifests in it, and a PostgreSQL to be served.

Everything is done as a person does it, with kubectl and a PostgreSQL client.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import yaml

from shared.resources import GROUP
from tests.kubernetes_harness.access import CallFailed
from tests.kubernetes_harness.chart import NAMESPACE, InstalledChart
from tests.kubernetes_harness.postgres import ReachableServer, reachable_server
from tests.postgres.database import Database, flights

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"
KINDS = "pgregent,pgperm,pgrole,pguser"
ACCESS = Path(__file__).with_name("access_in_force.sql").read_text("utf-8")
# What mydb-viewer gets more with the permission read-write-flights.
MAY_WRITE_FLIGHTS = frozenset(
    {
        *(f'{a} on schema1.flights to "mydb-viewer"' for a in ("INSERT", "UPDATE", "DELETE")),
        'USAGE on schema1.flights_flight_id_seq to "mydb-viewer"',
    }
)
PATIENCE_SECONDS = 120.0
POLL_SECONDS = 0.2
MINUTE = "--timeout=120s"

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """`host` is the name by which pods reach `database`'s server, at port 5432."""

    chart: InstalledChart
    namespace: str
    database: Database
    host: str

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """In this namespace."""
        return self.chart.cluster.kubectl("-n", self.namespace, *arguments, stdin=stdin)

    def manifests(self, **regent: Any) -> list[Manifest]:
        """The reference's, as printed; the Regent's host is ours, and what `regent` says."""
        found: list[Manifest] = []
        for path in sorted(FLIGHTS.glob("*.yaml")):
            found += [one for one in yaml.safe_load_all(path.read_text("utf-8")) if one]
        for one in found:
            if one["kind"] == "Regent":
                one["spec"] |= {"databaseHost": self.host, **regent}
            if one["kind"] == "Secret" and "admin" in one["stringData"]:
                one["stringData"]["admin"] = self.database.server.password.get_secret_value()
        return found

    def with_more_permissions(self, role: str, *permissions: str) -> Manifest:
        """The reference's Role with these as well."""
        for one in self.manifests():
            if (one["kind"], one["metadata"]["name"]) == ("Role", role):
                one["spec"]["permissions"] += permissions
                return one
        raise LookupError(role)

    def apply(self, *manifests: Manifest) -> None:
        """All at once."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(listed))

    def delete(self, *manifests: Manifest) -> None:
        """One after the other, each asked for and not waited for."""
        names = [f"{one['kind']}.{GROUP}/{one['metadata']['name']}" for one in manifests]
        self.kubectl("delete", "--wait=false", *names)

    def wait_until_gone(self) -> None:
        """Until no object of ours is left."""
        try:
            self.kubectl("wait", "--for=delete", KINDS, "--all", MINUTE)
        except CallFailed as failed:
            raise AssertionError(f"{failed}\n{self.told()}") from failed

    def wait_until_ready(self) -> None:
        """`kubectl wait` for all of our kinds; what they and the controller say, if it fails."""
        try:
            self.kubectl("wait", "--for=condition=Ready", KINDS, "--all", "--timeout=120s")
        except CallFailed as failed:
            raise AssertionError(f"{failed}\n{self.told()}") from failed

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return as soon as it is so; what is to be known, if it never is."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not await asyncio.to_thread(holds):
            assert time.monotonic() < deadline, self.told()
            await asyncio.sleep(POLL_SECONDS)

    async def until_in_force(self, access: Iterable[str]) -> None:
        """Until access is this and nothing else."""
        expected = sorted(access)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := await self.access()) != expected:
            differences = sorted({*found} ^ {*expected})
            assert time.monotonic() < deadline, f"{differences}\n{self.told()}"
            await asyncio.sleep(POLL_SECONDS)

    async def access(self) -> list[str]:
        """Who may what now; see access_in_force.sql."""
        connection = await self.database.server.connect(self.database.name)
        try:
            return sorted(row["thing"] for row in await connection.fetch(ACCESS))
        finally:
            await connection.close()

    async def may_log_in(self, user: str, password: str) -> bool:
        """Whether the server lets this user in."""
        try:
            connection = await self.database.server.connect(self.database.name, user, password)
        except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError):
            return False
        await connection.close()
        return True

    def regent_pods(self) -> list[str]:
        """The pods that serve this namespace's Regents."""
        label = f"putnam120.postgregent/regent-namespace={self.namespace}"
        asked = ("get", "pod", "-n", NAMESPACE, "-l", label, "-o", "name")
        return self.chart.cluster.kubectl(*asked).split()

    def told(self) -> str:
        """For who looks at a failure: our objects, the pods, the controller's words."""
        asked: Sequence[Callable[[], str]] = (
            lambda: self.kubectl("describe", KINDS)[-6000:],
            lambda: self.chart.cluster.kubectl("get", "pods", "-A"),
            lambda: "\n".join(map(self._log, self.regent_pods())),
            self.chart.said,
        )
        lines = []
        for ask in asked:
            with contextlib.suppress(CallFailed):
                lines.append(ask())
        return "\n".join(lines)

    def _log(self, pod: str) -> str:
        return self.chart.cluster.kubectl("logs", "-n", NAMESPACE, pod, "--tail=30")


@contextlib.asynccontextmanager
async def new_place(chart: InstalledChart, *, alone: bool = False) -> AsyncIterator[Place]:
    """A namespace and a PostgreSQL 17 with the flights database; both end with the block.

    With `alone` no other test uses the installation meanwhile.
    """
    name = f"test-{secrets.token_hex(4)}"
    with (
        chart.used(alone=alone),
        reachable_server(chart.cluster.network, 17) as server,
    ):
        async with flights(server.server) as database:
            host = _named(chart, server, f"database-of-{name}")
            chart.cluster.kubectl("create", "namespace", name)
            chart.allow_secrets(name)
            place = Place(chart, name, database, host)
            yield place
            server.server.start()
            # A namespace goes on ending for a while after the last of our objects has gone.
            place.kubectl("delete", KINDS, "--all", MINUTE)
            chart.cluster.kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")


def _named(chart: InstalledChart, server: ReachableServer, name: str) -> str:
    """In a namespace that stays when the user's goes."""
    chart.cluster.apply(*server.service(name), namespace="default")
    return f"{name}.default.svc"

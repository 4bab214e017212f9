"""A commit in a Git repository becomes a privilege in the database, by a real GitOps engine.

The tree is that of examples/gitops, with an overlay for the server of the tests. When Flux says
that a commit is healthy, the database is asked once, without waiting: `wait: true` means in force.

Flux looks every 5 s whether what it waits for is healthy, so the tests share one repository, one
Flux and one database, and each begins with the tree of the first commit. The rename is the last:
going back from it in one commit looks like an end and a beginning, which the brake withholds.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from controller.kube.api import KubeApi
from controller.kube.kinds import DEPLOYMENT, EVENT, OUR_KINDS
from shared.resources import API_VERSION
from tests.eventually import eventually
from tests.kubernetes.controlled import Controlled, controlled
from tests.kubernetes.delivered import Delivery, delivery
from tests.kubernetes.in_force import INSTALLED
from tests.kubernetes_harness.access import Cluster
from tests.kubernetes_harness.programs import CONTROL_PLANE, FLUX, are_built
from tests.postgres.clusters import cluster
from tests.postgres.database import Database, flights
from tests.postgres.server import PostgresServer

BUILD_SECONDS = 3600
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(600 if are_built(CONTROL_PLANE, FLUX) else BUILD_SECONDS),
]
BASE = Path(__file__).parents[2] / "examples/gitops/base"
ACCESS = "cluster/access/kustomization.yaml"
CLUSTER = "cluster/kustomization.yaml"
PATH = "./cluster"
CLERK = "cluster/access/clerk.yaml"
INTERN, PASSWORD = "summer-intern-2", "password-of-the-intern-2"
UPDATES = "SELECT has_table_privilege('viewer', 'schema1.flights', 'UPDATE')"
LEFT = "What its brake withheld will not happen any more. Access has not ended of "
STAY = "3 roles stay as they are"
OIDS = "SELECT oid FROM pg_roles WHERE rolname = $1"


@dataclass(slots=True)
class GitOps:
    """A team's repository, and everything between it and the database."""

    running: Controlled
    delivery: Delivery
    database: Database
    first: str = ""
    _told: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def tree(self) -> Path:
        """Where the repository is worked on."""
        return self.delivery.source.tree

    def edited(self, name: str, before: str, after: str) -> dict[str, str | None]:
        """A file of the tree with something else in it."""
        text = (self.tree / name).read_text("utf-8")
        assert before in text
        return {name: text.replace(before, after)}

    async def begin(self) -> None:
        """The tree of the first commit is in force, whatever an earlier test has done."""
        artifact = await self.delivery.restore(self.first)
        if await self.delivery.state() is None:
            await self.delivery.start(PATH)
        await self.delivery.healthy(artifact)
        self._told = frozenset(await self._alarms())

    async def may_update(self) -> bool:
        """Whether the role `viewer` may change flights, now."""
        connection = await self.database.connect()
        return bool(await connection.fetchval(UPDATES))

    async def alarms(self) -> list[str]:
        """What Flux has called unhealthy since the test began, if only for a moment."""
        return [note for name, note in (await self._alarms()).items() if name not in self._told]

    async def _alarms(self) -> dict[str, str]:
        found, _ = await self.running.api.list(EVENT, self.running.namespace)
        failed = [event for event in found if event["reason"] == "HealthCheckFailed"]
        return {event["metadata"]["name"]: event["note"] for event in failed}

    async def oid(self, role: str) -> int | None:
        """Which role has this name in the database, now."""
        connection = await self.database.connect()
        found: int | None = await connection.fetchval(OIDS, role)
        return found


def overlay(namespace: str, database: Database) -> dict[str, str | None]:
    """What the team adds to the example: a namespace, a server, and something besides access."""
    server = database.server
    values: dict[str, object] = {
        "databaseHost": server.host,
        "adminUser": server.superuser,
        "port": server.port,
    }
    changes = [
        {"op": "add", "path": f"/spec/{name}", "value": value} for name, value in values.items()
    ]
    access = {
        "namespace": namespace,
        "resources": ["../../base", "clerk.yaml"],
        "patches": [{"target": {"kind": "Regent"}, "patch": json.dumps(changes)}],
    }
    clerk = {
        "apiVersion": API_VERSION,
        "kind": "User",
        "metadata": {"name": "clerk"},
        "spec": {"roles": ["viewer"]},
    }
    note = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "note"}}
    # JSON is YAML.
    return {
        ACCESS: json.dumps(access),
        CLUSTER: json.dumps({"namespace": namespace, "resources": ["note.yaml", "access"]}),
        CLERK: json.dumps(clerk),
        "cluster/note.yaml": json.dumps(note),
    }


def secrets(database: Database) -> list[dict[str, object]]:
    """Secrets do not belong into Git."""
    values = {
        "admin-password": {"password": database.server.password.get_secret_value()},
        "intern-passwords": {"intern-2": PASSWORD},
    }
    return [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
        for name, data in values.items()
    ]


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """A server that no other test uses."""
    server = PostgresServer.launch(cluster(18))
    yield server
    server.discard()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def repository(
    crds: Cluster,
    module_namespace: str,
    own_server: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[GitOps]:
    """A first commit, in force."""
    folder, namespace = tmp_path_factory.mktemp("gitops"), module_namespace
    pods = folder / "pods"
    pods.mkdir()
    async with (
        flights(own_server) as database,
        KubeApi.connect(str(crds.kubeconfig)) as api,
        controlled(crds, api, namespace, pods) as running,
        delivery(crds, api, namespace, folder) as delivered,
    ):
        one = GitOps(running, delivered, database)
        running.apply(*secrets(database))
        shutil.copytree(BASE, one.tree / "base")
        first = await delivered.commit("Interns read flights", overlay(namespace, database))
        one.first = first.commit
        await delivered.start(PATH)
        await delivered.healthy(first)
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def gitops(repository: GitOps) -> GitOps:
    """The repository, as its first commit has it."""
    await repository.begin()
    return repository


@pytest.mark.rule("29")
async def test_a_first_commit_another_and_its_revert_are_in_force_when_flux_says_so(
    gitops: GitOps,
) -> None:
    """The intern reads flights and nothing else; UPDATE comes with a commit, goes with a revert."""
    one = gitops
    intern = await one.database.connect(INTERN, PASSWORD)
    assert await intern.fetch("SELECT * FROM schema1.flights")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await intern.execute("DELETE FROM schema1.flights")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await intern.fetch("SELECT * FROM schema1.airports")
    assert not await one.may_update()

    change = one.edited("base/permissions.yaml", "[SELECT]", "[SELECT, UPDATE]")
    second = await one.delivery.commit("Interns change flights", change)
    await one.delivery.healthy(second)
    assert await one.may_update()

    third = await one.delivery.revert(second.commit)
    await one.delivery.healthy(third)
    assert not await one.may_update()
    assert await intern.fetch("SELECT * FROM schema1.flights")
    assert await one.alarms() == []


@pytest.mark.rule("27")
async def test_what_a_commit_takes_away_is_pruned_with_its_access(gitops: GitOps) -> None:
    """The User's file goes; Flux prunes, the finalizer waits for the end of the session."""
    one = gitops
    intern = await one.database.connect(INTERN, PASSWORD)
    kustomization = one.edited("base/kustomization.yaml", "  - users.yaml\n", "")
    second = await one.delivery.commit("The summer is over", {
        **kustomization, "base/users.yaml": None,
    })  # fmt: skip
    await one.delivery.healthy(second)
    await one.running.gone("User", INTERN)
    assert await one.oid(INTERN) is None
    assert await one.oid("viewer") is not None
    assert await one.oid("clerk") is not None
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await intern.fetch("SELECT 1")


@pytest.mark.rule("18")
async def test_a_broken_commit_does_not_become_healthy_and_takes_nothing_away(
    gitops: GitOps,
) -> None:
    """Refused by Flux, by the API, by the Regent, then mended: the intern reads all the time.

    Flux gives it up at once, long before its timeout, because the Role says that it is Stalled.
    """
    one = gitops
    intern = await one.database.connect(INTERN, PASSWORD)
    reading = asyncio.create_task(_read_on(intern))

    shutil.move(one.tree / "cluster", one.tree / "elsewhere")
    moved = await one.delivery.commit("Moved, and Flux was not told", {})
    ended = await one.delivery.broken(moved)
    assert "path" in ended.message

    shutil.move(one.tree / "elsewhere", one.tree / "cluster")
    wrong = one.edited("base/permissions.yaml", "[SELECT]", "[SELECT, FLY]")
    ended = await one.delivery.broken(await one.delivery.commit("Refused by the API", wrong))
    assert "FLY" in ended.message

    owner = one.database.owner
    mended = one.edited("base/permissions.yaml", "[SELECT, FLY]", "[SELECT]")
    stolen = one.edited("base/roles.yaml", "roleName: viewer", f"roleName: {owner}")
    ended = await one.delivery.broken(
        await one.delivery.commit("Refused by the Regent", mended | stolen)
    )
    assert ended.reason == "HealthCheckFailed"
    assert "failed early" in ended.message
    assert "Role/" in ended.message
    await one.running.stalled("Role", "viewer", "ExistsUnmanaged")

    change = one.edited("base/roles.yaml", f"roleName: {owner}", "roleName: viewer")
    third = await one.delivery.commit("Mended", change)
    await one.delivery.healthy(third)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


@pytest.mark.rule("20", "27", "28")
async def test_a_directory_with_everything_in_it_is_deleted_at_once(gitops: GitOps) -> None:
    """Regent, Role, Users and Permissions go together: nothing hangs, nothing stays installed.

    Nobody said which of them was meant, so the brake keeps the access; the roles stay as they are,
    and are taken back when the commit is reverted. The Kustomization's own deletion ends as well.
    """
    one = gitops
    intern = await one.database.connect(INTERN, PASSWORD)
    rest = {"namespace": one.running.namespace, "resources": ["note.yaml"]}
    shutil.rmtree((one.tree / ACCESS).parent)
    second = await one.delivery.commit("No more access", {CLUSTER: json.dumps(rest)})
    await one.delivery.healthy(second)
    await all_gone(one.running)
    connection = await one.database.connect()
    assert await connection.fetchval(INSTALLED) == 0

    async def runs_nothing() -> bool:
        found, _ = await one.running.api.list(DEPLOYMENT, one.running.namespace)
        return not found

    await eventually(runs_nothing)
    assert await intern.fetch("SELECT * FROM schema1.flights")

    async def is_told() -> bool:
        return any(
            event["note"].startswith(LEFT) and STAY in event["note"]
            for event in await one.running.events("BrakePulled")
            if event["regarding"]["name"] == "main"
        )

    await eventually(is_told)

    oid = await one.oid("viewer")
    third = await one.delivery.revert(second.commit)
    await one.delivery.healthy(third)
    assert await one.oid("viewer") == oid
    assert await connection.fetchval(INSTALLED) > 0
    assert await intern.fetch("SELECT * FROM schema1.flights")

    await one.delivery.delete()
    await one.delivery.gone()
    await all_gone(one.running)
    assert await intern.fetch("SELECT * FROM schema1.flights")


@pytest.mark.rule("7", "16")
async def test_a_commit_that_renames_takes_nothing_away_meanwhile(gitops: GitOps) -> None:
    """The resources get other names, then the role in PostgreSQL does; the intern reads on."""
    one = gitops
    oid = await one.oid("viewer")
    intern = await one.database.connect(INTERN, PASSWORD)
    reading = asyncio.create_task(_read_on(intern))
    await one.delivery.commit("A name is changed in two places", {
        **one.edited("base/permissions.yaml", "name: read-flights", "name: see-flights"),
        **one.edited("base/roles.yaml", "read-flights", "see-flights"),
    })  # fmt: skip
    second = await one.delivery.commit("And one in three", {
        **one.edited("base/roles.yaml", "\n  name: viewer", "\n  name: spectator"),
        **one.edited("base/users.yaml", "roles: [viewer]", "roles: [spectator]"),
        **one.edited(CLERK, '"viewer"', '"spectator"'),
    })  # fmt: skip
    await one.delivery.healthy(second)
    await one.running.gone("Role", "viewer")
    await one.running.gone("Permission", "read-flights")
    assert await one.oid("viewer") == oid

    change = one.edited("base/roles.yaml", "roleName: viewer", "roleName: spectator")
    third = await one.delivery.commit("Another name in PostgreSQL", change)
    await one.delivery.healthy(third)
    assert await one.oid("spectator") == oid
    assert await one.oid("viewer") is None
    assert await one.alarms() == []
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def _read_on(intern: asyncpg.Connection) -> None:
    while True:
        await intern.fetch("SELECT * FROM schema1.flights")
        await asyncio.sleep(0.02)


async def all_gone(running: Controlled) -> None:
    """None of our objects is left in the namespace; a TimeoutError names one that is."""
    for kind in OUR_KINDS:
        found, _ = await running.api.list(kind, running.namespace)
        for one in found:
            await running.gone(kind.name, one["metadata"]["name"])

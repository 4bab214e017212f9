"""What one changed Permission costs among 2,000 Users with passwords, step by step.

Each step is the code that a change passes, in its order, from the objects of a cluster to what is
said of all of them. First in one process, each step by itself; then through a real Regent process,
as a whole. An embedded PostgreSQL 18, no Kubernetes: what the API server, TLS and the network add
is for `python -m benchmarks kubernetes` to say.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import asyncpg
from pydantic import SecretStr

from benchmarks.drift import report, until
from cli.embedded import EmbeddedServer
from controller.core.compile import Push, compile_states
from controller.core.passwords import PasswordBook
from controller.kube.kinds import JsonObject
from controller.observe.reader import Reader, read_secrets, secret_names
from controller.regents.client import Accepted, RegentClient
from regent.accept.merge import accept
from regent.foundation import Foundation, founded
from regent.settings import RegentSettings, ServerSettings, connector_of
from shared.garbage import look_for_cycles_rarely
from shared.http import StatusBody
from shared.keys import Kind, ResourceKey
from shared.state import DesiredState, WrittenState, etag
from tests.daemons import TOKEN, running

USERS, ROLES, TABLES = 2_000, 20, 10
ACTIONS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
ADMIN = "my-admin"
PASSWORD = "only-for-this-run"  # noqa: S105 - of a server that lives for a minute
NAMESPACE, DATABASE = "default", "bench"
REGENT = ResourceKey("Regent", NAMESPACE, "my-regent")


class Cluster:
    """The objects that the controller's caches would hold."""

    def __init__(self) -> None:
        regent = {
            "adminUser": ADMIN,
            "adminPasswordSecretRef": {"name": "admin", "key": "password"},
            "databaseHost": "localhost",
            "databaseName": DATABASE,
        }
        self.objects: dict[tuple[Kind, str], JsonObject] = {}
        self.secrets: dict[tuple[str, str], JsonObject] = {}
        self.put("Regent", REGENT.name, regent)
        for n in range(ROLES):
            self.put("Permission", f"p{n}", permission(n, 1))
            self.put("Role", f"r{n}", {"database": DATABASE, "permissions": [f"p{n}"]})
        for n in range(USERS):
            name = f"u{n}"
            reference = {"name": name, "key": "password"}
            self.put("User", name, {"roles": [f"r{n % ROLES}"], "passwordSecretRef": reference})
            data = {"password": base64.b64encode(f"the password of {name}".encode()).decode()}
            self.secrets[NAMESPACE, name] = {"metadata": {"name": name}, "data": data}

    def put(self, kind: Kind, name: str, spec: dict[str, Any]) -> None:
        """As after a write: another object, of the next generation."""
        before = self.objects.get((kind, name))
        metadata = {
            "namespace": NAMESPACE,
            "name": name,
            "uid": f"uid-of-{kind}-{name}",
            "generation": before["metadata"]["generation"] + 1 if before else 1,
        }
        api_version = "putnam120.postgregent/v1alpha1"
        found = {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
        self.objects[kind, name] = found


def permission(n: int, actions: int) -> dict[str, Any]:
    """The first so many actions on all tables of one schema."""
    given = list(ACTIONS[:actions])
    return {"database": DATABASE, "schemas": [f"s{n}"], "tables": ["*"], "actions": given}


@dataclass(slots=True)
class Watch:
    """Seconds of each step, and the processor's in this process: others' load is not in these."""

    spent: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what is inside."""
        began, used = perf_counter(), process_time()
        yield
        spent = perf_counter() - began, process_time() - used
        self.spent.setdefault(name, []).append(spent)

    def report(self) -> None:
        """A line each."""
        for name, spent in self.spent.items():
            wall, used = zip(*spent, strict=True)
            report(f"{name} ({median(used) * 1000:.1f} ms used)", wall)


@dataclass(slots=True)
class Controller:
    """What a look does, less what it asks the API server."""

    cluster: Cluster
    watch: Watch = field(default_factory=Watch)
    reader: Reader = field(default_factory=Reader)
    book: PasswordBook = field(default_factory=PasswordBook)
    bound: frozenset[ResourceKey] = frozenset()
    before: Mapping[ResourceKey, DesiredState] = field(default_factory=dict)
    revision: int = 0

    def compile(self) -> WrittenState:
        """From the objects to the Regent's state."""
        step = self.watch.step
        with step("controller: read the objects"):
            objects = ((kind, found) for (kind, _), found in self.cluster.objects.items())
            declared = self.reader.read(objects)
        with step("controller: read the Secrets"):
            secrets = read_secrets(secret_names(declared), self.cluster.secrets)
        self.revision += 1
        with step("controller: compile"):
            compiled = compile_states(
                declared.resources,
                bound={REGENT: self.bound},
                passwords=self.book.reading(secrets, {}),
                push=Push("directory", self.revision, "Vanished"),
                before=self.before,
            )
        self.before = compiled.states
        state = compiled.states[REGENT]
        self.bound = frozenset(map(ResourceKey.parse, state.resources))
        with step("controller: write"):
            return WrittenState.of(state)


def sent(written: WrittenState, watch: Watch) -> bytes:
    """What goes over the wire."""
    with watch.step("controller: gzip"):
        return gzip.compress(written.body, compresslevel=1)


async def one_push(stand: Foundation, body: bytes, watch: Watch) -> StatusBody:
    """What a Regent does with a push, and what it says afterwards."""
    passes, home = stand.passes, stand.home
    with watch.step("regent: read the push"):
        state = DesiredState.model_validate_json(gzip.decompress(body))
    with watch.step("regent: accept"):
        accepted = accept(passes.memory.accepted, state, etag(state), datetime.now(UTC))
    with watch.step("regent: store"):
        await home.store_accepted(accepted)
        await home.forget_unmanageable()
        passes.memory.accepted = accepted
    with watch.step("regent: pass"):
        one = await passes.full()
    if one.remaining or any(not outcome.is_ready for outcome in one.outcomes.values()):
        raise RuntimeError("the pass left something to do")
    return StatusBody(
        sequence=state.revision,
        accepted_revision=state.revision,
        applied_revision=state.revision,
        resources=tuple(one.outcomes.values()),
        detector={"mode": "Triggers", "healthy": True},
    )


def tell(status: StatusBody, watch: Watch) -> None:
    """From the Regent's outcomes to what the controller knows."""
    with watch.step("then: status written"):
        text = status.model_dump_json(by_alias=True, exclude_none=True)
    with watch.step("then: status read"):
        StatusBody.model_validate_json(text)


async def fill(server: EmbeddedServer) -> None:
    """A schema for each Role, with tables."""
    connection = await server.connect(DATABASE)
    for n in range(ROLES):
        tables = "; ".join(f"CREATE TABLE s{n}.t{i} (id int)" for i in range(TABLES))
        await connection.execute(f"CREATE SCHEMA s{n}; {tables}")
    await connection.close()


async def step_by_step(settings: RegentSettings, controller: Controller, count: int) -> None:
    """In this process. The first push, of everything, is told apart."""
    async with founded(settings, connector_of(settings.server)) as stand:
        first = controller.compile()
        began = perf_counter()
        await one_push(stand, sent(first, Watch()), Watch())
        report(f"first apply of {USERS} Users", [perf_counter() - began])
        controller.watch = watch = Watch()
        for n in range(count):
            controller.cluster.put("Permission", f"p{n % ROLES}", permission(n % ROLES, at(n)))
            tell(await one_push(stand, sent(controller.compile(), watch), watch), watch)
        watch.report()


async def as_a_whole(
    settings: RegentSettings, controller: Controller, server: EmbeddedServer, count: int
) -> None:
    """Through a Regent process: compiled, pushed, in force, and told."""
    onlooker = await server.connect(DATABASE)
    with tempfile.TemporaryDirectory() as folder:
        async with running(settings, Path(folder)) as regent:
            address = f"http://127.0.0.1:{regent.listening.getsockname()[1]}"
            async with RegentClient(address, TOKEN) as client:
                await measure_pushes(client, controller, onlooker, count)
    await onlooker.close()


async def measure_pushes(
    client: RegentClient, controller: Controller, onlooker: asyncpg.Connection, count: int
) -> None:
    """Each after the one before was told."""
    compiling, answered, in_force, told = [], [], [], []
    accepted = await client.state()
    known = accepted.etag if accepted else None
    for n in range(count, 2 * count):
        role, given = n % ROLES, at(n)
        controller.cluster.put("Permission", f"p{role}", permission(role, given))
        began = perf_counter()
        written = controller.compile()
        compiling.append(perf_counter() - began)
        answer = await client.put_state(written, if_match=known)
        answered.append(perf_counter() - began)
        if not isinstance(answer, Accepted):
            raise TypeError(f"not accepted: {answer}")
        known = answer.etag
        look = f"SELECT has_table_privilege('r{role}', 's{role}.t9', '{ACTIONS[given - 1]}')"
        await until(onlooker, look, expected=True)
        in_force.append(perf_counter() - began)
        status = await client.status()
        while status is None or status.applied_revision != written.state.revision:
            status = await client.status(after=status.sequence if status else 0, wait_seconds=5)
        told.append(perf_counter() - began)
        await asyncio.sleep(0.2)
    report("whole: compiled", compiling)
    report("whole: answered", answered)
    report("whole: in force", in_force)
    report("whole: told", told)


def at(n: int) -> int:
    """How many actions the n-th change gives; each adds one that was not there."""
    return n // ROLES + 2


async def measure(count: int) -> None:
    """Everything, on a server of its own."""
    async with await EmbeddedServer.start(
        admin_user=ADMIN, admin_password=PASSWORD, databases=(DATABASE,)
    ) as server:
        await fill(server)
        settings = RegentSettings(
            namespace=NAMESPACE,
            name=REGENT.name,
            server=ServerSettings(
                host=server.host,
                port=server.port,
                admin_user=ADMIN,
                admin_password=SecretStr(PASSWORD),
            ),
            databases=(DATABASE,),
        )
        controller = Controller(Cluster())
        await step_by_step(settings, controller, count)
        await as_a_whole(settings, controller, server, count)


def main(count: int = 40) -> None:
    """At most as many as there are actions to add."""
    look_for_cycles_rarely()  # as the controller and the Regent do
    asyncio.run(measure(min(count, ROLES * (len(ACTIONS) - 1) // 2)))


if __name__ == "__main__":
    main()

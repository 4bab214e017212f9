"""A term over an API server in memory that writes down each write, and refuses what a test says."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from controller.core.namespaces import NO_LABELS, Namespaces
from controller.core.secrets import SecretName
from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import (
    CUSTOM_RESOURCE_DEFINITION,
    DEPLOYMENT,
    LEASE,
    NAMESPACE,
    OUR_KINDS,
    SECRET,
    JsonObject,
    Kind,
)
from controller.names import workload_name
from controller.observe.caches import Caches
from controller.observe.debounce import Quiet
from controller.observe.doubts import EVERYWHERE, Doubts, SecretsRead
from controller.observe.reader import read_secrets
from controller.pki.authorities import CONTROLLER_CA, REGENTS_CA, SECRET_TYPE
from controller.pki.certificates import Authority
from controller.regents.acquaintance import Acquaintance
from controller.regents.client import RegentClient
from controller.regents.conversation import RegentLink, is_alone
from controller.regents.fleet import Served
from controller.term.acting import Settings
from controller.term.term import Term
from controller.workloads.manifests import Plant
from shared.keys import Kind as OurKind
from shared.keys import ResourceKey
from shared.state import DesiredState
from tests.unit.cluster.objects import REGENT_SPEC, raw

OWN = "postgregent"
DEPARTURES = "postgregent-departures"
WORKLOADS = (SECRET, DEPLOYMENT)
REFUSAL = "the admission policy says no"


@dataclass(frozen=True, order=True)
class Request:
    """What was asked of the API server."""

    verb: str
    kind: str
    namespace: str
    name: str


def authority(name: str) -> JsonObject:
    made = Authority.create(name, datetime.now(UTC)).to_data()
    data = {key: base64.b64encode(pem).decode() for key, pem in made.items()}
    metadata = {"name": name, "namespace": OWN, "resourceVersion": "1"}
    return {"metadata": metadata, "type": SECRET_TYPE, "data": data}


AUTHORITIES = {name: authority(name) for name in (CONTROLLER_CA, REGENTS_CA)}


def merged(before: JsonObject, patch: JsonObject) -> JsonObject:
    after = dict(before)
    for key, value in patch.items():
        if value is None:
            after.pop(key, None)
        else:
            is_object = isinstance(value, dict)
            after[key] = merged(before.get(key) or {}, value) if is_object else value
    return after


@dataclass
class FakeApi:
    """`stored` is what is read of the controller's own namespace."""

    refuses: Callable[[Request], bool] = lambda _: False
    writes: list[Request] = field(default_factory=list)
    statuses: dict[ResourceKey, JsonObject] = field(default_factory=dict)
    stored: dict[tuple[str, str], JsonObject] = field(default_factory=dict)

    def __post_init__(self) -> None:
        departures = {"metadata": {"name": DEPARTURES, "resourceVersion": "1"}}
        self.stored |= {("ConfigMap", DEPARTURES): departures}
        self.stored |= {("Secret", name): found for name, found in AUTHORITIES.items()}

    async def get(self, kind: Kind, namespace: str | None, name: str) -> JsonObject:
        self._check(Request("get", kind.name, namespace or "", name))
        if kind in (NAMESPACE, CUSTOM_RESOURCE_DEFINITION, LEASE):
            return {"metadata": {"name": name, "namespace": namespace, "uid": "uid"}}
        if (found := self.stored.get((kind.name, name))) is None:
            raise ApiError(404, "NotFound", f"{name} is not there")
        return found

    async def apply(self, kind: Kind, namespace: str, name: str, body: JsonObject) -> JsonObject:
        return self._write("apply", kind, namespace, name, body)

    async def patch(
        self, kind: Kind, namespace: str, name: str, body: JsonObject | list[JsonObject]
    ) -> JsonObject:
        return self._write("patch", kind, namespace, name, body if isinstance(body, dict) else {})

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        self._write("delete", kind, namespace, name, {})

    async def patch_status(
        self, kind: Kind, namespace: str, name: str, body: JsonObject
    ) -> JsonObject:
        answer = self._write("patch status", kind, namespace, name, body)
        self.statuses[ResourceKey(cast(OurKind, kind.name), namespace, name)] = body["status"]
        return answer

    def _write(
        self, verb: str, kind: Kind, namespace: str, name: str, body: JsonObject
    ) -> JsonObject:
        request = Request(verb, kind.name, namespace, name)
        self._check(request)
        self.writes.append(request)
        place = kind.name, name
        answer = merged(self.stored.get(place, {}), body)
        version = str(len(self.writes) + 1)
        about = {"name": name, "namespace": namespace, "uid": "uid", "resourceVersion": version}
        answer["metadata"] = {**(answer.get("metadata") or {}), **about}
        if place in self.stored:
            self.stored[place] = answer
        return answer

    def _check(self, request: Request) -> None:
        if self.refuses(request):
            raise ApiError(422, "Invalid", f"{request.kind} {request.name}: {REFUSAL}")


@dataclass
class FakeLink:
    """A conversation with a Regent that has accepted what it is said to list."""

    push: Callable[[DesiredState], None]
    acquaintance: Acquaintance | None
    is_pushed: bool = True
    pushed_revision: int = 0
    is_behind: bool = False

    def pass_on(self, _consents: object) -> None: ...
    def remember(self, _had_state_on: str, _had_disabled: tuple[str, ...] = ()) -> None: ...


@dataclass
class FakeCaches:
    """Everything is synced, unless a test says `why` it is not."""

    resources: dict[ResourceKey, JsonObject]
    running: dict[str, tuple[Kind, ...]]
    """By namespace, what is there of its Regent's workloads."""
    namespaces: tuple[str, ...] = ("*",)
    why: str = ""
    trouble: str = ""
    going: frozenset[str] = frozenset()
    unlisted_secrets: frozenset[str] = frozenset()
    restored_at: int = 0

    def objects(self) -> Iterator[tuple[OurKind, JsonObject]]:
        for key, found in self.resources.items():
            yield key.kind, found

    def find(self, key: ResourceKey) -> JsonObject | None:
        return self.resources.get(key)

    def workloads(self, kind: Kind) -> dict[tuple[str, str], JsonObject]:
        names = [workload_name(regent(of)) for of, kinds in self.running.items() if kind in kinds]
        return {(OWN, name): {"metadata": {"name": name}, "spec": {}} for name in names}

    def read_secrets(self, names: Iterable[SecretName]) -> SecretsRead:
        if self.unlisted_secrets:
            return SecretsRead({}, self.unlisted_secrets)
        data = {"admin": base64.b64encode(b"secret").decode()}
        there = {
            (key.namespace, "mydb-passwords"): {"metadata": {}, "data": data}
            for key in self.resources
        }
        return SecretsRead(read_secrets(names, there))

    def follow_secrets(self, _namespaces: frozenset[str]) -> None: ...
    def follow_namespaces(self, *, is_needed: bool) -> None: ...
    def labels(self) -> Namespaces:
        return NO_LABELS

    def watches(self, _namespace: str) -> bool:
        return True

    def why_workloads_unknown(self) -> str:
        return ""

    def schema_trouble(self) -> str:
        return self.trouble

    def why_not_synced(self, _namespace: str) -> str:
        return self.why

    def unread(self) -> dict[str, str]:
        return {EVERYWHERE: self.why} if self.why else {}

    def doubts(self) -> Doubts:
        return Doubts({EVERYWHERE: self.why})

    def going_kinds(self) -> frozenset[str]:
        return self.going

    def believed_kinds(self) -> frozenset[str]:
        return frozenset(kind.name for kind in OUR_KINDS)


def regent(namespace: str) -> ResourceKey:
    return ResourceKey("Regent", namespace, "my-regent")


def user(namespace: str, name: str = "user") -> ResourceKey:
    return ResourceKey("User", namespace, name)


class World:
    """What is declared, and the term that looks at it."""

    def __init__(self) -> None:
        self.api = FakeApi()
        self.caches = FakeCaches({}, {})
        self.pushed: set[str] = set()
        self.unserved: set[str] = set()
        self.quiet = Quiet()
        self.term = Term(
            cast(KubeApi, self.api),
            cast(Caches, self.caches),
            self.quiet,
            Settings(Plant(OWN, "image")),
            may_write=lambda: None,
            prove=is_alone,
        )
        self.term.acting.fleet.talk_to = self._talk_to  # type: ignore[method-assign, assignment]

    def declare(self, key: ResourceKey, **metadata: Any) -> JsonObject:
        spec = REGENT_SPEC if key.kind == "Regent" else {"database": "mydb"}
        found = raw(key.kind, key.name, spec, namespace=key.namespace, **metadata)
        found["metadata"]["uid"] = str(key)
        self.caches.resources[key] = found
        return found

    def serve(self, namespace: str, *, is_away: bool = False) -> Served:
        """Talk to a Regent that lists nothing, or that nobody has met."""
        known = None if is_away else Acquaintance(None, frozenset(), {})
        link = FakeLink(lambda _: self.pushed.add(namespace), known)
        served = Served(cast(RegentClient, None), cast(RegentLink, link), "")
        served.unreached_since = -1000.0 if is_away else None
        self.term.acting.fleet._served[regent(namespace)] = served
        return served

    def _talk_to(self, key: ResourceKey, *_: object) -> None:
        if key not in self.term.acting.fleet.served and key.namespace not in self.unserved:
            self.serve(key.namespace)

    async def look(self) -> None:
        """Once, and write the statuses."""
        await self.term._look(cast(asyncio.TaskGroup, None))
        writing = asyncio.create_task(self.term.telling.reporter.run())
        for _ in range(100):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait([writing])

    def departed(self, *keys: ResourceKey, of: ResourceKey) -> None:
        """What was remembered before, of one Regent."""
        listed = ", ".join(f'"{key}"' for key in keys)
        found = self.api.stored["ConfigMap", DEPARTURES]
        found["data"] = {f"{of.namespace}_{of.name}": f"[{listed}]"}

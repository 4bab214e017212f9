"""A controller of the test's own over the shared control plane, and questions to the cluster."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import EVENT, OUR_KINDS, SECRET, Kind
from controller.kube.lease import LeaseElector
from controller.lifecycle import finalizers
from controller.term.controller import ClusterController, Settings
from controller.workloads.manifests import Plant
from tests.kubernetes.pods import Pods, pods
from tests.kubernetes_harness.access import Cluster
from tests.postgres.database import Database

FLIGHTS = Path(__file__).parents[2] / "examples/flights"
KINDS = {kind.name: kind for kind in OUR_KINDS}
PATIENCE_SECONDS = 120.0
IMAGE = "postgregent/regent:test"


@dataclass(slots=True)
class Controlled:
    """One namespace of a test with its controller, which watches `others` as well."""

    cluster: Cluster
    api: KubeApi
    namespace: str
    own_namespace: str
    pods: Pods
    acting: KubeApi
    lease_name: str = "postgregent-controller"
    controller: ClusterController | None = None
    others: tuple[str, ...] = ()
    _task: asyncio.Task[None] | None = field(default=None, repr=False)

    def of(self, namespace: str) -> Controlled:
        """The same questions to another namespace that its controller watches."""
        return replace(self, namespace=namespace, controller=None, _task=None)

    async def start(self) -> None:
        """A controller in this process."""
        elector = LeaseElector(self.acting, self.own_namespace, self.lease_name)
        self.controller = ClusterController(
            self.acting,
            self.acting.writing_while(elector.seconds_left),
            Settings(
                Plant(self.own_namespace, IMAGE),
                namespaces=(self.namespace, *self.others),
                name=self.lease_name,
            ),
            may_write=elector.seconds_left,
            prove=elector.prove,
            address=self.pods.address,
        )
        self._task = asyncio.create_task(_both(self.controller, elector))

    async def stop(self) -> None:
        """As SIGTERM would."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def check(self) -> None:
        """A controller that has failed fails the test at once."""
        if self._task is not None and self._task.done():
            self._task.result()

    def apply(self, *manifests: dict[str, Any]) -> None:
        """With kubectl, as people do."""
        self.cluster.apply(*manifests, namespace=self.namespace)

    async def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """A resource of ours; None when it is gone."""
        return await self.find(KINDS[kind], name)

    async def find(self, kind: Kind, name: str) -> dict[str, Any] | None:
        """Any object of the namespace; None when it is gone."""
        try:
            return await self.api.get(kind, self.namespace, name)
        except ApiError as error:
            if error.is_not_found:
                return None
            raise

    async def until(
        self, kind: str, name: str, holds: Callable[[dict[str, Any] | None], bool]
    ) -> dict[str, Any] | None:
        """The resource as soon as it is so; a TimeoutError shows what it was last."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds(found := await self.get(kind, name)):
            self.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{kind} {name}: {found}\n{self.pods.logs()[-3000:]}")
            await asyncio.sleep(0.05)
        return found

    async def ready(self, kind: str, name: str) -> dict[str, Any]:
        """When it is Ready in its present generation, and that is no word of a controller before.

        One that has just started finds statuses that say so already.
        """
        await self.until(kind, name, lambda _: self._has_spoken())
        found = await self.until(kind, name, lambda one: condition(one, "Ready") == "True")
        assert found is not None
        return found

    def _has_spoken(self) -> bool:
        """The controller of this process has pushed, and heard what became of it."""
        if self.controller is None:
            return True
        served = self.controller.fleet.served.values()
        return bool(served) and all(
            one.link.is_pushed
            and one.status is not None
            and one.status.applied_revision is not None
            and one.status.applied_revision >= one.link.pushed_revision
            for one in served
        )

    async def stalled(self, kind: str, name: str, reason: str) -> dict[str, Any]:
        """When it is not Ready for this reason."""
        found = await self.until(kind, name, lambda one: ready_reason(one) == reason)
        assert found is not None
        return found

    async def gone(self, kind: str, name: str) -> None:
        """When its finalizer went."""
        await self.until(kind, name, lambda one: one is None)

    async def events(self, reason: str, *, about: str = "") -> list[dict[str, Any]]:
        """The Events of the namespace with this reason, at least one; `about` is a kind."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found, _ = await self.api.list(EVENT, self.namespace)
            named = [one for one in found if one["reason"] == reason]
            if named := [one for one in named if about in ("", one["regarding"]["kind"])]:
                return named
            if time.monotonic() > deadline:
                raise TimeoutError(f"no Event {reason} among {[one['reason'] for one in found]}")
            await asyncio.sleep(0.05)

    async def delete(self, kind: str, name: str) -> None:
        """Asked for, not waited for."""
        await self.api.delete(KINDS[kind], self.namespace, name)

    async def set_secret(self, name: str, key: str, value: str) -> None:
        """One value."""
        encoded = base64.b64encode(value.encode()).decode()
        await self.api.patch(SECRET, self.namespace, name, {"data": {key: encoded}})


async def _both(controller: ClusterController, elector: LeaseElector) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(controller.run_caches())
        group.create_task(elector.run(controller.lead))


@contextlib.asynccontextmanager
async def controlled(
    cluster: Cluster,
    api: KubeApi,
    namespace: str,
    folder: Path,
    *,
    start: bool = True,
    own_namespace: str | None = None,
    acting: KubeApi | None = None,
    lease_name: str = "postgregent-controller",
    others: tuple[str, ...] = (),
) -> AsyncIterator[Controlled]:
    """A controller over this namespace, and its Regents as processes.

    It runs in `own_namespace`, as whoever `acting` is; the test itself is the admin.
    """
    own = own_namespace or namespace
    async with pods(api, own, folder) as running:
        one = Controlled(
            cluster, api, namespace, own, running, acting or api, lease_name, others=others
        )
        try:
            if start:
                await one.start()
            yield one
        finally:
            await one.stop()
            for place in (one, *map(one.of, others)):
                await _let_go(place)


async def _let_go(one: Controlled) -> None:
    """What still holds the namespace of a test that is over."""
    for kind in OUR_KINDS:
        with contextlib.suppress(ApiError):
            found, _ = await one.api.list(kind, one.namespace)
            for left in found:
                if left["metadata"].get("finalizers"):
                    patch: dict[str, Any] = {"metadata": {"finalizers": []}}
                    await one.api.patch(kind, one.namespace, left["metadata"]["name"], patch)


@contextlib.contextmanager
def hasty_endings() -> Iterator[None]:
    """A Regent that is away is waited for three seconds, not fifteen, before a finalizer goes.

    To be entered once it is away: one that only starts is waited for on a busy machine as well.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finalizers, "UNREACHABLE_SECONDS", 3.0)
        yield


def flights_manifests(database: Database, **regent: Any) -> list[dict[str, Any]]:
    """The reference's manifests, for the server of the test."""
    found: list[dict[str, Any]] = []
    for path in sorted(FLIGHTS.glob("*.yaml")):
        found += [one for one in yaml.safe_load_all(path.read_text()) if one]
    for one in found:
        if one["kind"] == "Regent":
            server = database.server
            one["spec"] |= {
                "databaseHost": server.host, "port": server.port, "adminUser": server.superuser,
            } | regent  # fmt: skip
        if one["kind"] == "Secret" and "admin" in one.get("stringData", {}):
            one["stringData"]["admin"] = database.server.password.get_secret_value()
    return found


def condition(found: Mapping[str, Any] | None, kind: str) -> str:
    """The status of a condition, "" where it is not there or of an older generation."""
    if found is None:
        return ""
    status = found.get("status") or {}
    if status.get("observedGeneration") != found["metadata"]["generation"]:
        return ""
    return next((c["status"] for c in status.get("conditions", ()) if c["type"] == kind), "")


def ready_reason(found: Mapping[str, Any] | None) -> str:
    """The reason of Ready."""
    conditions = ((found or {}).get("status") or {}).get("conditions", ())
    return next((c["reason"] for c in conditions if c["type"] == "Ready"), "")

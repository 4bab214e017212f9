"""Reads and changes a cluster for `uninstall --kubernetes`, with the rights of who calls it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from cli.cluster_state import ClusterState, of_namespaces
from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import DEPLOYMENT, OUR_KINDS, WORKLOAD_KINDS, JsonObject, Kind
from controller.kube.kinds import REGENT as REGENT_KIND
from controller.lifecycle.finalizers import is_held, letting_go
from controller.lifecycle.uninstalled import asking
from controller.names import MANAGED_BY, MANAGER
from shared.errors import PostgRegentError
from shared.keys import ResourceKey

HELD = {kind.name: kind for kind in OUR_KINDS if kind.name != "Permission"}
REGENTS = f"{MANAGED_BY}={MANAGER},app.kubernetes.io/component=regent"
TRIES = 5
MADE_AGAIN_WITHIN_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 0.5

Say = Callable[[str], None]


class MayNot(PostgRegentError):
    """The cluster does not let you do this."""

    @classmethod
    def of(cls, refused: ApiError) -> MayNot:
        """The API server's own words name who you are and which right is lacking."""
        return cls(
            f"The cluster does not let you: {refused.message}.",
            way_out="Ask for this right, or let an administrator call; what was done so far stays"
            " done, and calling again goes on from there.",
        )


class MadeAgain(PostgRegentError):
    """What was taken off is there again: a controller runs that does not see the annotation."""


class Removal:
    """The objects of ours in these namespaces; in all where none is named."""

    def __init__(self, api: KubeApi, namespaces: tuple[str, ...], say: Say) -> None:
        self._api = api
        self._namespaces = namespaces
        self._say = say

    async def look(self) -> ClusterState:
        """Everything as it is now."""
        objects: dict[ResourceKey, JsonObject] = {}
        for name, kind in HELD.items():
            for found in await self._list(kind):
                metadata = found["metadata"]
                key = ResourceKey.parse(f"{name}/{metadata['namespace']}/{metadata['name']}")
                objects[key] = {**found, "apiVersion": kind.api_version, "kind": name}
        try:
            return ClusterState(objects, await self.workloads())
        except ApiError as refused:
            if not refused.is_forbidden:
                raise
            return ClusterState(objects, None)

    async def workloads(self) -> tuple[JsonObject, ...]:
        """The Deployments that run Regents of these namespaces, wherever they are."""
        found, _ = await self._api.list(DEPLOYMENT, label_selector=REGENTS)
        return of_namespaces(found, frozenset(self._namespaces))

    async def annotate(self, state: ClusterState) -> None:
        """Ask for every Regent to be taken off."""
        for found in state.to_annotate:
            metadata = found["metadata"]
            patch = asking(found)
            await self._api.patch(REGENT_KIND, metadata["namespace"], metadata["name"], patch)

    async def take_finalizers_off(self, state: ClusterState) -> None:
        """Users and Roles first, Regents last: a call that is interrupted can be made again."""
        for key in sorted(state.held, key=lambda one: (one.kind == "Regent", one)):
            await self._let_go(key, state.objects[key])
            self._say(f"{key}: finalizer taken off")

    async def delete_workloads(self) -> list[str]:
        """What runs Regents; each Deployment last, so that another call finds what is left."""
        gone: list[str] = []
        for deployment in await self.workloads():
            namespace, name = deployment["metadata"]["namespace"], deployment["metadata"]["name"]
            for kind in WORKLOAD_KINDS:
                await _unless_gone(self._api.delete(kind, namespace, name))
            gone.append(f"{namespace}/{name}")
            self._say(f"Deployment {namespace}/{name} and what belongs to it: deleted")
        return gone

    async def check_that_all_stays_off(self) -> None:
        """As long as a controller may take to put it on again. Raises MadeAgain."""
        until = time.monotonic() + MADE_AGAIN_WITHIN_SECONDS
        while time.monotonic() < until:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            _check_that_all_is_off(await self.look())

    async def _list(self, kind: Kind) -> list[JsonObject]:
        """Empty where the kind is not defined: then there is nothing of it."""
        found: list[JsonObject] = []
        for namespace in self._namespaces or (None,):
            try:
                found += (await self._api.list(kind, namespace))[0]
            except ApiError as error:
                if not error.is_not_found:
                    raise
        return found

    async def _let_go(self, key: ResourceKey, found: JsonObject) -> None:
        """This very version; once more where somebody has changed it meanwhile."""
        kind = HELD[key.kind]
        for _ in range(TRIES):
            try:
                await self._api.patch(kind, key.namespace, key.name, letting_go(found))
            except ApiError as error:
                if not (error.is_conflict or error.is_not_found):
                    raise
            now = await self._find(key)
            if now is None or not is_held(now):
                return
            found = now
        raise MadeAgain(f"{key} is changed by somebody all the time.", way_out="Call again.")

    async def _find(self, key: ResourceKey) -> JsonObject | None:
        try:
            return await self._api.get(HELD[key.kind], key.namespace, key.name)
        except ApiError as error:
            if error.is_not_found:
                return None
            raise


def _check_that_all_is_off(state: ClusterState) -> None:
    """Raises MadeAgain."""
    names = [
        *(f"the finalizer of {key}" for key in sorted(state.held)),
        *(f"Deployment {one['metadata']['name']}" for one in state.workloads or ()),
    ]
    if names:
        raise MadeAgain(
            f"There again: {', '.join(names[:3])}. A controller runs that does not see the"
            " annotation: of an older version, or without its rights.",
            way_out="`helm uninstall` that release, or scale its controller to 0, and call again.",
        )


async def _unless_gone(request: Awaitable[None]) -> None:
    try:
        await request
    except ApiError as error:
        if not error.is_not_found:
            raise

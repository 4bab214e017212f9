"""An informer with everything it told, for tests to look at."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from controller.kube.api import KubeApi
from controller.kube.cache import Seen
from controller.kube.informer import Informer, Timing
from controller.kube.kinds import JsonObject, Key, Kind
from shared.backoff import Backoff
from tests.eventually import eventually

QUICK = Timing(
    watch_seconds=(20, 30),
    inactivity_seconds=30.0,
    backoff=lambda: Backoff(first=0.02, longest=0.2, stable=10.0),
)


@dataclass(slots=True)
class Followed:
    """What an informer told, played back as it came."""

    informer: Informer = field(init=False)
    objects: dict[Key, JsonObject] = field(default_factory=dict)
    told: list[Seen] = field(default_factory=list)
    synced: list[bool] = field(default_factory=list)

    def note(self, seen: Seen) -> None:
        """Each change must fit what was told before."""
        self.told.append(seen)
        assert self.objects.get(seen.key) == seen.before
        if seen.after is None:
            del self.objects[seen.key]
        else:
            self.objects[seen.key] = seen.after

    def versions(self) -> dict[Key, str]:
        """Each object's resource version, and that the cache says the same."""
        assert self.objects == dict(self.informer.cache)
        return versions(self.objects.values())

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that is to come."""

        async def holds() -> bool:
            return condition()

        await eventually(holds)

    async def until_same(self, api: KubeApi) -> None:
        """Until what was told is what the server has."""

        async def same() -> bool:
            found, _ = await api.list(self.informer.kind, self.informer.namespace)
            return versions(found) == self.versions()

        await eventually(same)


def versions(found: object) -> dict[Key, str]:
    """Namespace and name to resource version."""
    assert hasattr(found, "__iter__")
    return {
        (item["metadata"].get("namespace", ""), item["metadata"]["name"]): item["metadata"][
            "resourceVersion"
        ]
        for item in found
    }


@contextlib.asynccontextmanager
async def following(
    api: KubeApi,
    kind: Kind,
    namespace: str | None = None,
    *,
    timing: Timing = QUICK,
    label_selector: str | None = None,
    deletions_count: Callable[[], Awaitable[bool]] | None = None,
    wait: bool = True,
) -> AsyncIterator[Followed]:
    """Run an informer for the block, by default from when it is synced."""
    followed = Followed()
    followed.informer = Informer(
        api,
        kind,
        namespace=namespace,
        label_selector=label_selector,
        on_change=followed.note,
        on_sync=followed.synced.append,
        deletions_count=deletions_count,
        timing=timing,
    )
    running = asyncio.create_task(followed.informer.run())
    try:
        if wait:
            while not (followed.informer.is_synced or running.done()):
                await asyncio.sleep(0.01)
        assert not running.done(), running.exception()
        yield followed
        assert not running.done(), running.exception()
    finally:
        running.cancel()
        await asyncio.wait([running])

"""A cache of one kind that follows the API server: list, watch, and what goes wrong in between.

What a failure means is decided in one place, `_learn`. The cache is never emptied by one:
403, 404 or a definition that goes away are no news of the objects (rule 17), they only make
`is_synced` False until a list succeeds again.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NoReturn, assert_never

from controller.kube.api import KubeApi
from controller.kube.cache import ObjectCache, Seen
from controller.kube.errors import ApiError, from_status, malformed
from controller.kube.kinds import JsonObject, Key, Kind, key_of
from controller.kube.stream import NotAWatch, WatchEvent, read_event
from shared.backoff import Backoff
from shared.errors import PostgRegentError
from shared.logging import get_logger

log = get_logger(__name__)

NOT_LISTED = "not listed yet"
"""So begins why an informer is not synced that has not been refused, and never listed."""
_TOO_SHORT_SECONDS = 1.0
_EARLY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class WentBack:
    """The server was put back after one of these times and before the other, by a steady clock."""

    heard_at: float
    seen_at: float


class DeletionsDoNotCount(PostgRegentError):
    """Objects are reported as deleted because their kind goes away."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a watch lasts, and how long it may be silent.

    The API server sends a bookmark about every minute, so silence for longer is a dead connection,
    or a server whose store was set back and that waits to reach our resource version again.
    """

    watch_seconds: tuple[int, int] = (300, 600)
    inactivity_seconds: float = 90.0
    backoff: Callable[[], Backoff] = field(default=lambda: Backoff(first=0.2, stable=10.0))


class Informer:
    """Follows the objects of one kind, in one namespace or all; `run` it in a task.

    `on_change` is told of every difference, after the cache has it. `on_sync` is called when
    `is_synced` turns, `on_went_back` when the server shows that it is at an older version than
    before (rule 28a). All only note what happened: they are called between two events.
    `deletions_count` is asked before deletions are believed; without it they always are.
    """

    def __init__(
        self,
        api: KubeApi,
        kind: Kind,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        on_change: Callable[[Seen], None],
        on_sync: Callable[[bool], None] = lambda _synced: None,
        on_went_back: Callable[[WentBack], None] = lambda _seen: None,
        deletions_count: Callable[[], Awaitable[bool]] | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.kind = kind
        self.namespace = namespace
        self.why_not_synced = NOT_LISTED
        self._api = api
        self._selectors = {"label_selector": label_selector, "field_selector": field_selector}
        self._on_change = on_change
        self._on_sync = on_sync
        self._on_went_back = on_went_back
        self._deletions_count = deletions_count
        self._timing = timing or Timing()
        self._cache = ObjectCache()
        self._version: str | None = None
        self._newest = 0
        """The newest version that the server was seen at, since it went back last."""
        self._heard_at = 0.0
        """When it said something last that may be believed, by a steady clock."""
        self._must_list = False
        """The store may be another one by now, and no watch says what differs."""
        self._watching: asyncio.Timeout | None = None
        self._synced = asyncio.Event()
        self._path = kind.path(namespace)

    @property
    def cache(self) -> Mapping[Key, JsonObject]:
        """The objects, raw, by namespace and name; not to be changed. A live view."""
        return self._cache.view

    @property
    def is_synced(self) -> bool:
        """The cache was complete once, and nothing has put that in doubt since."""
        return self._synced.is_set()

    def list_again(self) -> None:
        """Believe no watch that began before now.

        A server that was put back, and has counted past our version since, sends what comes then,
        and never says which objects are older than we know them.
        """
        if self._must_list:
            return
        self._must_list = True
        self._doubt(f"{NOT_LISTED}, since the API server was put back")
        if self._watching is not None:
            self._watching.reschedule(asyncio.get_running_loop().time())

    async def run(self) -> NoReturn:
        """For ever; failures of the API server are waited out, all others propagate."""
        backoff = self._timing.backoff()
        while True:
            began = time.monotonic()
            problem: ApiError | None = None
            try:
                while self._version is None or self._must_list:
                    await self._list()
                    began = time.monotonic()
                await self._watch(self._version)
            except DeletionsDoNotCount as doubt:
                self._doubt(str(doubt))
            except ApiError as failure:
                problem = failure
                self._learn(failure)
            lasted = time.monotonic() - began
            if problem or not self.is_synced or lasted < _TOO_SHORT_SECONDS:
                asked = (problem.retry_after_seconds if problem else None) or 0.0
                await asyncio.sleep(max(backoff.after(lasted), asked))
            else:
                backoff.succeeded()

    async def _list(self) -> None:
        self._version, self._must_list = None, False
        items, version = await self._api.list(self.kind, self.namespace, **self._selectors)
        self._compare(items, version)
        if self._cache.missing_from(items) and not await self._deletions_are_news():
            self._keep_and_doubt(items)
        changes = self._cache.replace(items)
        self._version = version
        self._note_heard()
        turned = not self.is_synced
        self._synced.set()
        self.why_not_synced = ""
        self._tell(changes)
        if turned:
            self._on_sync(True)

    def _compare(self, items: list[JsonObject], version: str = "") -> None:
        """See whether the store was put back: by the version it is at, or by an object.

        It may have grown past all that was seen. Then one object is older than it was, or is
        there again though it was gone.
        """
        shown = [version] if version.isdecimal() and int(version) < self._newest else []
        shown += [
            item["metadata"]["resourceVersion"]
            for item in items
            if self._cache.is_past(item, self._newest)
        ]
        if shown:
            self._note_restore(shown[0])
        if version.isdecimal():
            self._newest = int(version)

    def _note_restore(self, now: str) -> None:
        log.warning("the API server went back in time", kind=self.kind.qualified, to=now)
        self._on_went_back(WentBack(self._heard_at, time.monotonic()))

    def _note_heard(self) -> None:
        """What came from a store that may be older than we know is no news of what it is at."""
        if not self._must_list:
            self._heard_at = time.monotonic()

    async def _watch(self, version: str) -> None:
        """Until the server ends it, or `list_again`.

        Only one that lasted as long as it was asked to is followed by another from where it
        ended: a server that ends it early may come back with the store of another time.
        """
        seconds = random.randint(*self._timing.watch_seconds)  # noqa: S311 - jitter
        ends = time.monotonic() + seconds - _EARLY_SECONDS
        try:
            async with asyncio.timeout(None) as self._watching:
                await self._follow(version, seconds)
        except TimeoutError:
            if not self._must_list:
                raise
        finally:
            self._watching = None
        if time.monotonic() < ends:
            self._version = None

    async def _follow(self, version: str, seconds: int) -> None:
        lines = self._api.watch_lines(
            self.kind,
            self.namespace,
            resource_version=version,
            timeout_seconds=seconds,
            inactivity_seconds=self._timing.inactivity_seconds,
            **self._selectors,
        )
        async with contextlib.aclosing(lines) as batches:
            async for batch in batches:
                await self._take(self._read(batch))

    def _read(self, batch: list[bytes]) -> list[WatchEvent]:
        try:
            events = [read_event(line) for line in batch]
        except NotAWatch as problem:
            raise malformed(self._path, str(problem)) from problem
        return events

    async def _take(self, events: list[WatchEvent]) -> None:
        """What arrived together; the resource version moves only with what is in the cache."""
        gone = any(event.type == "DELETED" for event in events)
        if gone and not await self._deletions_are_news():
            self._keep_and_doubt([e.object for e in events if e.type in {"ADDED", "MODIFIED"}])
        self._compare([e.object for e in events if e.type in {"ADDED", "MODIFIED"}])
        for event in events:
            match event.type:
                case "ERROR":
                    raise from_status(self.kind, self._path, event.object)
                case "DELETED":
                    self._tell(self._cache.remove(key_of(event.object)))
                case "ADDED" | "MODIFIED":
                    self._tell(self._cache.put(event.object))
                case "BOOKMARK":
                    pass  # it has a resource version, and no object
                case _:
                    assert_never(event.type)
            self._version = event.resource_version
            if (event.resource_version or "").isdecimal():
                self._newest = max(self._newest, int(event.resource_version or 0))
        self._note_heard()

    async def _deletions_are_news(self) -> bool:
        return self._deletions_count is None or await self._deletions_count()

    def _keep_and_doubt(self, items: list[JsonObject]) -> NoReturn:
        """Take what is there, since a finalizer may wait for its work, and keep what is missing."""
        for item in items:
            self._tell(self._cache.put(item))
        raise DeletionsDoNotCount(f"{self.kind.qualified}: the kind is going away")

    def _tell(self, changes: list[Seen]) -> None:
        for seen in changes:
            self._on_change(seen)

    def _learn(self, problem: ApiError) -> None:
        """What the failure of a list or watch means for the next one, and for the cache."""
        log.info("watch or list failed", kind=self.kind.qualified, problem=str(problem))
        if problem.says_nothing_of_objects:
            self._doubt(str(problem))
        elif problem.status != HTTPStatus.TOO_MANY_REQUESTS:
            self._version = None
        if self.why_not_synced.startswith(NOT_LISTED):
            self.why_not_synced = f"{NOT_LISTED}: {problem}"

    def _doubt(self, why: str) -> None:
        """The cache stays as it is, and nobody may take it for what there is."""
        self._version = None
        if why != self.why_not_synced:
            log.warning("out of sync", kind=self.kind.qualified, why=why)
        self.why_not_synced = why
        if self.is_synced:
            self._synced.clear()
            self._on_sync(False)

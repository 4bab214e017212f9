"""Deletions in the cluster: finalizers put on before anything is given, off when it has ended.

Semantics 27 and 28; when they may go is decided in controller/finalizers.py.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

from controller.departures import Departures
from controller.finalizers import (
    HELD_KINDS,
    Release,
    holding,
    is_held,
    letting_go,
    release,
    release_regent,
)
from controller.fleet import Fleet
from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.events import EventRecorder, News, Reference
from controller.kube.kinds import OUR_KINDS, JsonObject
from controller.plants import Plants
from controller.sources.kubernetes import Declared
from shared.keys import ResourceKey
from shared.logging import get_logger

log = get_logger(__name__)
KINDS = {kind.name: kind for kind in OUR_KINDS}
AT_ONCE = 16
UNINSTALL_AT_LATEST_SECONDS = 25.0
"""A Regent that is being deleted waits no longer than this for deletions under way."""

_SAID: dict[Release, str] = {
    Release.WITHHELD: "The brake withholds this loss; release it on the Regent to carry it out.",
    Release.UNREACHABLE: "The Regent or its server cannot be reached; access ends when it can.",
    Release.TIMED_OUT: "Access had not ended after 45 s; the Regent goes on trying.",
}
_LEFT = (
    "What it installed could not be taken off: event triggers, schema and marks are still there."
    " Run `postgregent uninstall --dsn`."
)


class Endings:
    """All deletions under way."""

    def __init__(
        self,
        api: KubeApi,
        fleet: Fleet,
        plants: Plants,
        departures: Departures,
        recorder: EventRecorder,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._fleet = fleet
        self._plants = plants
        self._departures = departures
        self._recorder = recorder
        self._clock = clock
        self._held: set[str] = set()
        """Uids that hold our finalizer, though the cache may not have heard of it yet."""
        self._since: dict[str, float] = {}
        self._on: dict[ResourceKey, set[ResourceKey]] = {}
        self.are_under_way = False
        """Something waits for Regents to say that access has ended."""
        self._uninstalling: dict[ResourceKey, asyncio.Task[bool]] = {}

    def begin(self, declared: Declared) -> None:
        """Note who lists what is being deleted, before any of them is told of it."""
        for key in declared.deleting:
            if key.kind != "Regent" and is_held(declared.raw[key]):
                self._regents_of(key)

    async def hold(self, declared: Declared) -> frozenset[ResourceKey]:
        """Put our finalizer on whatever lacks it; what cannot be held may not be used yet."""
        lacking = {
            key: found
            for key, found in declared.raw.items()
            if key.kind in HELD_KINDS
            and key not in declared.deleting
            and not is_held(found)
            and found["metadata"]["uid"] not in self._held
        }
        done = await _at_once(self._hold(key, found) for key, found in lacking.items())
        return frozenset(key for key, is_done in zip(lacking, done, strict=True) if not is_done)

    async def go_on(
        self, declared: Declared, believed: frozenset[str], going_kinds: frozenset[str]
    ) -> bool:
        """Let go what may go. True while something still waits.

        Only deletions of `believed` kinds are ends; of a kind that goes away only the finalizers
        are taken off.
        """
        acted_on = believed | going_kinds
        waiting = [
            key
            for key in sorted(declared.deleting)
            if key.kind in acted_on and is_held(declared.raw[key])
        ]
        self._forget(declared)
        resources = [key for key in waiting if key.kind != "Regent"]
        regents = [key for key in waiting if key.kind == "Regent"]
        went = await _at_once(
            self._end_resource(key, declared, key.kind in going_kinds) for key in resources
        )
        left = {key for key, is_gone in zip(resources, went, strict=True) if not is_gone}
        for key in regents:
            has_work = any(key in self._on.get(one, ()) for one in left)
            await self._end_regent(key, declared, has_work, key.kind in going_kinds)
        self.are_under_way = bool(waiting)
        return self.are_under_way

    def new_deletions(self, declared: Declared) -> frozenset[ResourceKey]:
        """Deletions that were not seen before."""
        return frozenset(k for k in declared.deleting if _uid(declared.raw[k]) not in self._since)

    async def _hold(self, key: ResourceKey, found: JsonObject) -> bool:
        if not await self._patch(key, holding(found)):
            return False
        self._held.add(_uid(found))
        return True

    async def _end_resource(
        self, key: ResourceKey, declared: Declared, is_kind_going: bool
    ) -> bool:
        """True when it was let go."""
        found = declared.raw[key]
        waited = self._waited(found)
        regents = self._regents_of(key)
        reaches = {regent: self._fleet.reach(regent, key) for regent in regents}
        reason = release(waited, reaches.values())
        if is_kind_going:
            reason = Release.KIND_GOES
        elif reason is None:
            return False
        else:
            await self._remember(key, declared)
        if not await self._patch(key, letting_go(found)):
            return False
        log.info("let go", resource=str(key), reason=str(reason), waited=round(waited, 1))
        self._tell(found, reason, regents)
        return True

    def _regents_of(self, key: ResourceKey) -> set[ResourceKey]:
        """Those that list it, or did when its deletion began; and those that cannot say yet."""
        on = self._on.setdefault(key, set())
        unmet: set[ResourceKey] = set()
        for regent, served in self._fleet.served.items():
            if regent.namespace != key.namespace or served.is_uninstalled:
                continue
            known = served.link.acquaintance
            if known is None:
                unmet.add(regent)
            elif str(key) in known.resources:
                on.add(regent)
        return {regent for regent in on if regent in self._fleet.served} | unmet

    async def _remember(self, key: ResourceKey, declared: Declared) -> None:
        """For each Regent of the namespace that was not told: it will be when it is back."""
        for regent in declared.regents():
            if regent.namespace != key.namespace or regent in declared.deleting:
                continue
            served = self._fleet.served.get(regent)
            is_told = served is not None and self._fleet.reach(regent, key).is_told
            if not is_told:
                await self._departures.remember(regent, {key})

    async def _end_regent(
        self, key: ResourceKey, declared: Declared, has_work: bool, is_kind_going: bool
    ) -> None:
        found = declared.raw[key]
        waited = self._waited(found)
        if is_kind_going:
            # Nobody asked for this Regent's end: its pod goes on enforcing (semantics 17).
            await self._patch(key, letting_go(found))
            return
        is_uninstalled = False
        if not has_work or waited >= UNINSTALL_AT_LATEST_SECONDS:
            is_uninstalled = self._uninstalled(key)
        reason = release_regent(
            waited,
            self._fleet.unreachable_seconds(key),
            has_work=has_work,
            is_uninstalled=is_uninstalled,
        )
        if reason is None:
            return
        await self._plants.remove(key)
        await self._departures.forget({key: self._departures.known.get(key, frozenset())})
        if await self._patch(key, letting_go(found)):
            self._fleet.leave(key)
            log.info("let go", resource=str(key), reason=str(reason), waited=round(waited, 1))
            if reason is not Release.ENDED:
                self._recorder.record(
                    News(Reference.to(found), "Warning", "LeftInstalled", "Uninstall", _LEFT)
                )

    def _uninstalled(self, key: ResourceKey) -> bool:
        """Whether it was taken off; asked in the background, again after each failure."""
        if key not in self._fleet.served:
            return True
        task = self._uninstalling.get(key)
        if task is None:
            task = asyncio.ensure_future(self._fleet.uninstall(key))
            self._uninstalling[key] = task
        if not task.done():
            return False
        del self._uninstalling[key]
        return task.result()

    def _waited(self, found: JsonObject) -> float:
        now = self._clock()
        return now - self._since.setdefault(_uid(found), now)

    def _forget(self, declared: Declared) -> None:
        uids = {_uid(found) for found in declared.raw.values()}
        self._held &= uids
        self._since = {uid: at for uid, at in self._since.items() if uid in uids}
        self._on = {key: on for key, on in self._on.items() if key in declared.deleting}

    async def _patch(self, key: ResourceKey, patch: JsonObject) -> bool:
        """False where somebody else was faster: the next look sees what they did."""
        try:
            await self._api.patch(KINDS[key.kind], key.namespace, key.name, patch)
        except ApiError as error:
            if error.is_not_found:
                return True
            log.info("finalizer not changed yet", resource=str(key), problem=str(error))
            return False
        return True

    def _tell(self, found: JsonObject, reason: Release, regents: Iterable[ResourceKey]) -> None:
        if reason not in _SAID:
            return
        first = min(regents, default=None)
        elsewhere = (
            Reference("putnam120.postgregent/v1alpha1", "Regent", first.namespace, first.name)
            if first
            else None
        )
        self._recorder.record(
            News(Reference.to(found), "Warning", str(reason), "End", _SAID[reason], elsewhere)
        )


def _uid(found: JsonObject) -> str:
    return str(found["metadata"]["uid"])


async def _at_once(tasks: Iterable[Awaitable[bool]]) -> list[bool]:
    """The answers, in order; only so many are under way at a time."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(task: Awaitable[bool]) -> bool:
        async with limit:
            return await task

    return list(await asyncio.gather(*(one(task) for task in tasks)))

"""Deletions in the cluster: finalizers go when access has ended, or waiting would hang others.

Semantics 27 and 28; when they may go is decided in controller/finalizers.py, what is told of those
that went before their end in controller/last_words.py.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from controller.departures import Departures
from controller.finalizers import (
    Release,
    is_held,
    letting_go,
    release,
    release_regent,
    role_of,
)
from controller.fleet import Fleet
from controller.holding import at_once, patch_finalizers
from controller.kube.api import KubeApi
from controller.kube.kinds import JsonObject, uid_of
from controller.last_words import LastWords
from controller.plants import Plants
from controller.sources.kubernetes import Declared
from controller.takeoffs import Takeoffs
from controller.uninstalled import UNINSTALLED, asks_for_uninstall, what_became
from shared.http import StatusBody
from shared.keys import ResourceKey
from shared.logging import get_logger

log = get_logger(__name__)
UNINSTALL_AT_LATEST_SECONDS = 25.0
"""A Regent that is being deleted waits no longer than this for deletions under way."""


class Endings:
    """All deletions under way."""

    def __init__(
        self,
        api: KubeApi,
        fleet: Fleet,
        plants: Plants,
        departures: Departures,
        takeoffs: Takeoffs,
        last_words: LastWords,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._fleet = fleet
        self._plants = plants
        self._departures = departures
        self._takeoffs = takeoffs
        self._last_words = last_words
        self._clock = clock
        self._since: dict[str, float] = {}
        self._on: dict[ResourceKey, set[ResourceKey]] = {}
        self._left: frozenset[ResourceKey] = frozenset()
        self._done: set[str] = set()
        """The uids of those that were let go, of which the caches may not have heard yet."""
        self.are_under_way = False
        """Something waits for Regents to say that access has ended."""
        self._statuses: dict[ResourceKey, StatusBody | None] = {}
        """The last of each Regent before it was asked to take off what it installed."""

    def begin(self, declared: Declared) -> None:
        """Note who lists what is being deleted, before any of them is told of it."""
        self._left = frozenset(
            key
            for key in declared.deleting
            if key.kind != "Regent" and self._holds(declared.raw[key])
        )
        for key in self._left:
            self._regents_of(key)

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
            if key.kind in acted_on and self._holds(declared.raw[key])
        ]
        self._forget(declared)
        resources = [key for key in waiting if key.kind != "Regent"]
        regents = [key for key in waiting if key.kind == "Regent"]
        went = await at_once(
            self._end_resource(key, declared, key.kind in going_kinds) for key in resources
        )
        left = (key for key, is_gone in zip(resources, went, strict=True) if not is_gone)
        self._left = frozenset(left)
        for key in regents:
            await self._end_regent(key, declared, self.has_work(key), key.kind in going_kinds)
        self.are_under_way = bool(waiting)
        return self._last_words.tell(declared) or self.are_under_way

    def has_work(self, regent: ResourceKey) -> bool:
        """Whether deletions under way wait for this Regent."""
        return any(self._is_on(one, regent) for one in self._left)

    def new_deletions(self, declared: Declared) -> frozenset[ResourceKey]:
        """Deletions that were not seen before."""
        return frozenset(k for k in declared.deleting if uid_of(declared.raw[k]) not in self._since)

    async def _end_resource(
        self, key: ResourceKey, declared: Declared, is_kind_going: bool
    ) -> bool:
        """True when it was let go."""
        found = declared.raw[key]
        waited = self._waited(found)
        regents = self._regents_of(key)
        role = role_of(key, found)
        reason = release(waited, (self._fleet.reach(regent, key, role) for regent in regents))
        if is_kind_going:
            reason = Release.KIND_GOES
        elif reason is None:
            return False
        else:
            await self._remember(key, declared)
        if not await self._let_go(key, found):
            return False
        log.info("let go", resource=str(key), reason=str(reason), waited=round(waited, 1))
        self._last_words.of_resource(found, reason, frozenset(regents))
        return True

    def _regents_of(self, key: ResourceKey) -> set[ResourceKey]:
        return {regent for regent in self._fleet.served if self._is_on(key, regent)}

    def _is_on(self, key: ResourceKey, regent: ResourceKey) -> bool:
        """Whether it lists this, or did when its deletion began; and where it cannot say yet."""
        served = self._fleet.served.get(regent)
        if served is None or served.is_uninstalled or regent.namespace != key.namespace:
            return False
        known = served.link.acquaintance
        if known is None:
            return True
        on = self._on.setdefault(key, set())
        if str(key) in known.resources:
            on.add(regent)
        return regent in on

    async def _remember(self, key: ResourceKey, declared: Declared) -> None:
        """For each Regent of the namespace that was not told: it will be when it is back."""
        for regent in declared.regents():
            if regent.namespace != key.namespace or regent in declared.deleting:
                continue
            if asks_for_uninstall(declared.raw[regent]):
                continue  # it forgets all of them
            served = self._fleet.served.get(regent)
            is_told = served is not None and self._fleet.is_told(regent, key)
            if not is_told:
                await self._departures.remember(regent, {key})

    async def _end_regent(
        self, key: ResourceKey, declared: Declared, has_work: bool, is_kind_going: bool
    ) -> None:
        found = declared.raw[key]
        waited = self._waited(found)
        if is_kind_going:
            # Nobody asked for this Regent's end: its pod goes on enforcing (semantics 17).
            await self._let_go(key, found)
            return
        reason = self._release_of_regent(key, found, has_work, waited)
        if reason is None:
            return
        await self._plants.remove(key)
        await self._departures.forget({key: self._departures.known.get(key, frozenset())})
        if await self._let_go(key, found):
            served = self._fleet.served.get(key)
            status = self._statuses.pop(key, served.status if served else None)
            self._fleet.leave(key)
            self._takeoffs.forget(key)
            log.info("let go", resource=str(key), reason=str(reason), waited=round(waited, 1))
            self._last_words.of_regent(found, reason, status)

    def _release_of_regent(
        self, key: ResourceKey, found: JsonObject, has_work: bool, waited: float
    ) -> Release | None:
        """Why it may go; None while it has to wait. Asks it to take off what it installed."""
        served, is_uninstalled = self._fleet.served.get(key), False
        unreachable = self._fleet.unreachable_seconds(key)
        if served is None and not self._plants.runs(key):
            # Nobody is there to ask, and will not be: its status says whether anything is left.
            is_uninstalled, unreachable = what_became(found) is UNINSTALLED, math.inf
        elif served is not None and (not has_work or waited >= UNINSTALL_AT_LATEST_SECONDS):
            self._statuses.setdefault(key, served.status)
            is_uninstalled = self._takeoffs.is_off(key)
        return release_regent(waited, unreachable, has_work=has_work, is_uninstalled=is_uninstalled)

    def _holds(self, found: JsonObject) -> bool:
        return is_held(found) and uid_of(found) not in self._done

    async def _let_go(self, key: ResourceKey, found: JsonObject) -> bool:
        """False where it has to be tried again. What is let go is not told a second time."""
        if not await patch_finalizers(self._api, key, letting_go(found)):
            return False
        self._done.add(uid_of(found))
        return True

    def _waited(self, found: JsonObject) -> float:
        now = self._clock()
        return now - self._since.setdefault(uid_of(found), now)

    def _forget(self, declared: Declared) -> None:
        uids = {uid_of(found) for found in declared.raw.values()}
        self._done &= uids
        self._since = {uid: at for uid, at in self._since.items() if uid in uids}
        self._on = {key: on for key, on in self._on.items() if key in declared.deleting}

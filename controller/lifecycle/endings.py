"""Deletions in the cluster: finalizers go when access has ended, or waiting would hang others.

Rules 27 and 28. A look first collects what may go, then remembers in one write whatever a Regent
was not told of, and only then removes finalizers. When they may go is decided in
controller/lifecycle/finalizers.py, what is told of those that went early in
controller/lifecycle/last_words.py.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from controller.kube.kinds import JsonObject, uid_of
from controller.kube.retries import Retries
from controller.lifecycle.departures import Departures
from controller.lifecycle.finalizer_patches import FinalizerPatches, at_once
from controller.lifecycle.finalizers import (
    Release,
    is_held,
    is_retained,
    release,
    release_regent,
    role_of,
)
from controller.lifecycle.last_words import LastWords
from controller.lifecycle.teardown import Teardown
from controller.lifecycle.uninstalled import LEFT_INSTALLED, asks_for_uninstall, what_became
from controller.observe.reader import Declared
from controller.regents.fleet import Fleet
from controller.workloads.apply import Plants
from shared.errors import PostgRegentError
from shared.http import StatusBody
from shared.keys import ResourceKey
from shared.logging import get_logger

log = get_logger(__name__)
UNINSTALL_AT_LATEST_SECONDS = 25.0
"""A Regent that is being deleted waits no longer than this for deletions under way."""


@dataclass(frozen=True, slots=True)
class _Leaver:
    """A Role or User that may go now."""

    key: ResourceKey
    found: JsonObject = field(repr=False)
    reason: Release
    waited: float
    regents: frozenset[ResourceKey]


class Endings:
    """All deletions under way."""

    def __init__(
        self,
        patches: FinalizerPatches,
        fleet: Fleet,
        plants: Plants,
        departures: Departures,
        teardown: Teardown,
        last_words: LastWords,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patches = patches
        self._fleet = fleet
        self._plants = plants
        self._departures = departures
        self._teardown = teardown
        self._last_words = last_words
        self._clock = clock
        self._retries: Retries[None] = Retries(clock)
        """Of the memory of what Regents were not told."""
        self.not_remembered: dict[ResourceKey, str] = {}
        """Why those cannot go that could, were it written down for Regents that are away."""
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
        self._retries.begin()
        resources = [key for key in waiting if key.kind != "Regent"]
        regents = [key for key in waiting if key.kind == "Regent"]
        leaving = [*self._leaving(resources, declared, going_kinds)]
        went = await self._release(leaving, declared)
        self._left = frozenset(resources) - went
        stuck = {one.key for one in leaving} - went
        for key in regents:
            is_kind_going, goes = key.kind in going_kinds, False
            with self._teardown.faults.apart(key, "ending it"):
                goes = await self._end_regent(key, declared, is_kind_going=is_kind_going)
            if not goes:
                stuck.add(key)
        self.are_under_way = bool(set(waiting) - stuck)
        return self._last_words.tell(declared) or self.are_under_way

    def seconds_left(self) -> float | None:
        """Until what could not be carried out may be tried again; None where nothing is so."""
        return self._retries.seconds_left()

    def has_work(self, regent: ResourceKey) -> bool:
        """Whether deletions under way wait for this Regent."""
        return any(self._is_on(one, regent) for one in self._left)

    def new_deletions(self, declared: Declared) -> frozenset[ResourceKey]:
        """Deletions that were not seen before."""
        return frozenset(k for k in declared.deleting if uid_of(declared.raw[k]) not in self._since)

    def _leaving(
        self, keys: Iterable[ResourceKey], declared: Declared, going_kinds: frozenset[str]
    ) -> Iterator[_Leaver]:
        """Which of them may go now."""
        for key in keys:
            found = declared.raw[key]
            waited, regents = self._waited(found), self._regents_of(key)
            role = role_of(key, found)
            reaches = [self._fleet.reach(one, key, role) for one in regents]
            reason = release(waited, reaches, retained=is_retained(found))
            if key.kind in going_kinds:
                reason = Release.KIND_GOES
            if reason is not None:
                yield _Leaver(key, found, reason, waited, frozenset(regents))

    async def _release(self, leaving: list[_Leaver], declared: Declared) -> frozenset[ResourceKey]:
        """Remember all of them in one write, then remove their finalizers; those that went.

        What cannot be remembered stays, and hides nothing else.
        """
        untold = {one.key: self._untold(one, declared) for one in leaving}
        gone: dict[ResourceKey, set[ResourceKey]] = {}
        for key, regents in untold.items():
            for regent in regents:
                gone.setdefault(regent, set()).add(key)
        if why := await self._why_not_remembered(gone):
            leaving = [one for one in leaving if not untold[one.key]]
        self.not_remembered = {key: why for key, regents in untold.items() if why and regents}
        went = await at_once(self._let_go(one.key, one.found) for one in leaving)
        done = [one for one, is_gone in zip(leaving, went, strict=True) if is_gone]
        for one in done:
            said = {"reason": str(one.reason), "waited": round(one.waited, 1)}
            log.info("let go", resource=str(one.key), **said)
            self._last_words.of_resource(one.found, one.reason, one.regents)
        return frozenset(one.key for one in done)

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

    def _untold(self, leaver: _Leaver, declared: Declared) -> frozenset[ResourceKey]:
        """The Regents of its namespace that have not heard of its end, and will when they can."""
        key = leaver.key
        if leaver.reason is Release.KIND_GOES:
            return frozenset()
        return frozenset(
            regent
            for regent in declared.regents()
            if regent.namespace == key.namespace
            and regent not in declared.deleting
            # One that is uninstalled forgets all of them.
            and not asks_for_uninstall(declared.raw[regent])
            and not (regent in self._fleet.served and self._fleet.is_told(regent, key))
        )

    async def _why_not_remembered(self, gone: Mapping[ResourceKey, Iterable[ResourceKey]]) -> str:
        """Empty where it is written; what failed is tried again after a while."""
        if not gone:
            return ""
        if not self._retries.is_due(None):
            return self._departures.trouble or "It is tried again in a moment."
        try:
            await self._departures.remember(gone)
        except PostgRegentError as error:
            self._retries.failed(None)
            log.warning("deletions cannot be remembered yet", problem=str(error))
            return str(error)
        self._retries.succeeded(None)
        return ""

    async def _end_regent(
        self, key: ResourceKey, declared: Declared, *, is_kind_going: bool
    ) -> bool:
        """False where it could go, and has to be tried again."""
        found = declared.raw[key]
        waited = self._waited(found)
        if is_kind_going:
            # Nobody asked for this Regent's end: its pod goes on enforcing (rule 17).
            return await self._let_go(key, found)
        reason = self._release_of_regent(key, found, self.has_work(key), waited)
        if reason is None:
            return True
        served = self._fleet.served.get(key)
        status = self._statuses.get(key, served.status if served else None)
        if not await self._teardown.end(key, found):
            return False
        self._done.add(uid_of(found))
        self._statuses.pop(key, None)
        log.info("let go", resource=str(key), reason=str(reason), waited=round(waited, 1))
        self._last_words.of_regent(found, reason, status)
        return True

    def _release_of_regent(
        self, key: ResourceKey, found: JsonObject, has_work: bool, waited: float
    ) -> Release | None:
        """Why it may go; None while it has to wait. Asks it to take off what it installed."""
        served, is_uninstalled = self._fleet.served.get(key), False
        unreachable = self._fleet.unreachable_seconds(key)
        if served is None and not self._plants.runs(key):
            # Nobody is there to ask, and will not be: its status says whether anything is left.
            is_uninstalled, unreachable = what_became(found) is not LEFT_INSTALLED, math.inf
        elif served is not None and (not has_work or waited >= UNINSTALL_AT_LATEST_SECONDS):
            self._statuses.setdefault(key, served.status)
            is_uninstalled = self._teardown.takeoffs.is_off(key)
        return release_regent(waited, unreachable, has_work=has_work, is_uninstalled=is_uninstalled)

    def _holds(self, found: JsonObject) -> bool:
        return is_held(found) and uid_of(found) not in self._done

    async def _let_go(self, key: ResourceKey, found: JsonObject) -> bool:
        """False where it has to be tried again. What is let go is not told a second time."""
        if not await self._patches.take_off(key, found):
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

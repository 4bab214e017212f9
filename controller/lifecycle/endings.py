"""Deletions in the cluster: finalizers go when access has ended, or waiting would hang others.

Rules 27 and 28. A look first collects what may go, then remembers in one write whatever a Regent
was not told of, and only then removes finalizers. When they may go is decided in
controller/lifecycle/finalizers.py, what is told of those that went early in
controller/lifecycle/last_words.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from controller.kube.kinds import JsonObject, uid_of
from controller.lifecycle.finalizer_patches import FinalizerPatches, at_once
from controller.lifecycle.finalizers import (
    Release,
    is_held,
    is_retained,
    release,
    role_of,
)
from controller.lifecycle.last_words import LastWords
from controller.lifecycle.teardown import Teardown
from controller.lifecycle.unserved import former_regents
from controller.lifecycle.untold import Untold
from controller.observe.reader import Declared
from controller.regents.fleet import Fleet
from shared.keys import ResourceKey
from shared.logging import get_logger

log = get_logger(__name__)
UNINSTALL_AT_LATEST_SECONDS = 25.0
"""A Regent that is being deleted waits no longer than this for deletions under way."""
NEVER_HEARD = frozenset({Release.NO_REGENT, Release.UNREACHABLE, Release.TIMED_OUT})
"""Reasons of one that no Regent is known to have: who had it may be gone, and another one come."""


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
        untold: Untold,
        teardown: Teardown,
        last_words: LastWords,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patches = patches
        self._fleet = fleet
        self._untold = untold
        self._teardown = teardown
        self._last_words = last_words
        self._clock = clock
        self._since: dict[str, float] = {}
        self._on: dict[ResourceKey, set[ResourceKey]] = {}
        self._declared: Declared | None = None
        """Of the last look: who may serve which namespace."""
        self._left: frozenset[ResourceKey] = frozenset()
        self._done: set[str] = set()
        """The uids of those that were let go, of which the caches may not have heard yet."""
        self.are_under_way = False
        """Something waits for Regents to say that access has ended."""

    def begin(self, declared: Declared) -> None:
        """Note who lists what is being deleted, before any of them is told of it."""
        self._left = frozenset(
            key
            for key in declared.deleting
            if key.kind != "Regent" and self._holds(declared.raw[key])
        )
        self._declared = declared
        for key in self._left:
            self._regents_of(key)

    async def go_on(
        self, declared: Declared, believed: frozenset[str], going_kinds: frozenset[str]
    ) -> bool:
        """Let go what may go. True while something still waits.

        Only deletions of `believed` kinds are ends; of a kind that goes away only the finalizers
        are taken off.
        """
        self._declared = declared
        acted_on = believed | going_kinds
        waiting = [
            key
            for key in sorted(declared.deleting)
            if key.kind in acted_on and self._holds(declared.raw[key])
        ]
        self._forget(declared)
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
            if reason in NEVER_HEARD and not self._on.get(key) and not is_retained(found):
                former = former_regents(found, declared.raw, self._acts)
                reason, regents = (Release.NO_REGENT, set(former)) if former else (reason, regents)
            if key.kind in going_kinds:
                reason = Release.KIND_GOES
            if reason is not None:
                yield _Leaver(key, found, reason, waited, frozenset(regents))

    async def _release(self, leaving: list[_Leaver], declared: Declared) -> frozenset[ResourceKey]:
        """Remember all of them in one write, then remove their finalizers; those that went.

        What cannot be remembered stays, and hides nothing else.
        """
        ends = {
            one.key: self._untold.regents_of(one.key, declared)
            for one in leaving
            if one.reason is not Release.KIND_GOES
        }
        kept = await self._untold.remember(ends)
        leaving = [one for one in leaving if one.key not in kept]
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
        if served is None or served.is_uninstalled:
            return False
        known = served.link.acquaintance
        if known is None:
            return self._may_serve(regent, key.namespace)
        on = self._on.setdefault(key, set())
        if str(key) in known.resources:
            on.add(regent)
        return regent in on

    def _acts(self, regent: ResourceKey) -> bool:
        served = self._fleet.served.get(regent)
        return served is not None and not served.is_uninstalled

    def _may_serve(self, regent: ResourceKey, namespace: str) -> bool:
        if self._declared is None:
            return regent.namespace == namespace
        return self._declared.may_serve(regent, namespace)

    async def _end_regent(
        self, key: ResourceKey, declared: Declared, *, is_kind_going: bool
    ) -> bool:
        """False where it could go, and has to be tried again."""
        found = declared.raw[key]
        waited = self._waited(found)
        if is_kind_going:
            # Nobody asked for this Regent's end: its pod goes on enforcing (rule 17).
            return await self._let_go(key, found)
        has_work = self.has_work(key)
        may_ask = not has_work or waited >= UNINSTALL_AT_LATEST_SECONDS
        decision = self._teardown.decide(key, found, waited, has_work=has_work, may_ask=may_ask)
        if decision is None:
            return True
        if not await self._teardown.end(key, found):
            return False
        self._done.add(uid_of(found))
        reason, told = decision.reason, decision.status
        log.info("let go", resource=str(key), reason=str(reason), waited=round(waited, 1))
        self._last_words.of_regent(found, reason, told)
        return True

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

"""Our finalizer is on whatever gives something, and on nothing else.

It is put on before anything is given, and comes off where no Regent is left that could give: so
that nothing of a namespace in which we do not act waits for us (rules 27 and 28). Each look goes
by the objects themselves: a finalizer that somebody removes is put back, and that is told. Who
removes it again and again is followed at a slower and slower pace.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from controller.core.candidates import served_databases
from controller.kube.kinds import JsonObject, uid_of
from controller.kube.retries import Retries
from controller.lifecycle.finalizer_patches import FinalizerPatches, at_once
from controller.lifecycle.finalizers import HELD_KINDS, is_held
from controller.observe.reader import Declared
from shared.keys import ResourceKey


class Holding:
    """Which resources hold our finalizer. `tell_removed` hears of each that somebody took off.

    `is_listed` says of one that some Regent has it, whether it should or not.
    """

    def __init__(
        self,
        patches: FinalizerPatches,
        tell_removed: Callable[[JsonObject], None] = lambda _found: None,
        clock: Callable[[], float] = time.monotonic,
        is_listed: Callable[[ResourceKey], bool] = lambda _key: False,
    ) -> None:
        self._patches = patches
        self._tell_removed = tell_removed
        self._is_listed = is_listed
        self._had: set[str] = set()
        """Uids that had our finalizer when they were last looked at, or were given it."""
        self._replaced: dict[str, str] = {}
        """By uid, the version that our last patch replaced: the cache may show it still."""
        self.retries: Retries[str] = Retries(clock)
        """Of what somebody took off again and again."""

    async def hold(self, declared: Declared, off: frozenset[ResourceKey]) -> frozenset[ResourceKey]:
        """Put our finalizer on whatever lacks it; what cannot be held may not be used yet.

        `off` are Regents that were uninstalled.
        """
        gives = giving(declared, off, self._is_listed)
        wanted = {
            key: found
            for key, found in declared.raw.items()
            if _may_hold(key, declared, off) and gives(key)
        }
        self._forget_except(wanted, declared)
        lacking = {key: found for key, found in wanted.items() if not self._has(found)}
        done = await at_once(self._hold(key, found) for key, found in lacking.items())
        return frozenset(key for key, is_done in zip(lacking, done, strict=True) if not is_done)

    async def let_go(self, declared: Declared, off: frozenset[ResourceKey]) -> bool:
        """Take it off the Roles and Users that nobody gives. True when none of them has it."""
        gives = giving(declared, off, self._is_listed)
        idle = {
            key: found
            for key, found in declared.raw.items()
            if key.kind != "Regent"
            and _may_hold(key, declared, off)
            and not gives(key)
            and is_held(found)
            and not self._is_old_news(found)
        }
        return all(await at_once(self._take_off(key, found) for key, found in idle.items()))

    def _has(self, found: JsonObject) -> bool:
        uid = uid_of(found)
        if is_held(found):
            self._had.add(uid)
            return True
        return uid in self._had and self._is_old_news(found)

    async def _hold(self, key: ResourceKey, found: JsonObject) -> bool:
        uid = uid_of(found)
        is_removed = uid in self._had
        if is_removed and not self.retries.is_due(uid):
            return False
        if not await self._patches.put(key, found):
            return False
        self._note(found)
        self._had.add(uid)
        if is_removed:
            self.retries.damp(uid)
            self._tell_removed(found)
        return True

    async def _take_off(self, key: ResourceKey, found: JsonObject) -> bool:
        if not await self._patches.take_off(key, found):
            return False
        self._note(found)
        return True

    def _note(self, found: JsonObject) -> None:
        self._replaced[uid_of(found)] = _version(found)

    def _is_old_news(self, found: JsonObject) -> bool:
        """The cache shows what our own last patch has replaced."""
        return self._replaced.get(uid_of(found)) == _version(found)

    def _forget_except(self, wanted: dict[ResourceKey, JsonObject], declared: Declared) -> None:
        uids = {uid_of(found) for found in declared.raw.values()}
        self._had &= {uid_of(found) for found in wanted.values()}
        self._replaced = {uid: over for uid, over in self._replaced.items() if uid in uids}
        self.retries.begin()
        self.retries.forget_except(uids)
        self._patches.begin()
        self._patches.forget_except(uids, declared.raw)


def giving(
    declared: Declared,
    off: frozenset[ResourceKey],
    is_listed: Callable[[ResourceKey], bool] = lambda _key: False,
) -> Callable[[ResourceKey], bool]:
    """Whether some Regent may give what a resource declares. A Regent always counts as given.

    Of a namespace that is shut out it gives what it has, until it was told: a deletion meanwhile
    must not go unseen.

    A namespace that was not known whole may have a Regent that we did not see (rule 17), and a
    Regent that cannot be read may go on with what it accepted.
    """
    namespaces = {key.namespace for key in declared.raw.keys() - off if key.kind == "Regent"}
    regents = [regent for key, regent in declared.regents().items() if key not in off]
    known: dict[str, bool] = {}

    def gives(key: ResourceKey) -> bool:
        if key.kind == "Regent":
            return True
        if key.namespace not in known:
            known[key.namespace] = bool(
                key.namespace in namespaces
                or served_databases(key.namespace, regents, declared.namespaces)
                or declared.doubts.why_not_synced(key.namespace)
            )
        return known[key.namespace] or is_listed(key)

    return gives


def _may_hold(key: ResourceKey, declared: Declared, off: frozenset[ResourceKey]) -> bool:
    return key.kind in HELD_KINDS and key not in declared.deleting and key not in off


def _version(found: JsonObject) -> str:
    return str(found["metadata"]["resourceVersion"])

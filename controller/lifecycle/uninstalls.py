"""Regents that somebody wants off the cluster, without deleting anything (rule 28).

The Regent takes off what it installed, its status says what became of it, and only then do its
workloads and its finalizer go: so a controller that takes over in between knows where to go on.
Bounded like a deletion: a server that cannot be reached hangs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from controller.kube.kinds import JsonObject
from controller.lifecycle.finalizers import is_held
from controller.lifecycle.teardown import Teardown
from controller.lifecycle.uninstalled import (
    UNINSTALLING,
    asks_for_uninstall,
    not_removed,
    settled,
    what_became,
)
from controller.observe.reader import Declared
from controller.regents.fleet import Fleet
from controller.regents.outcome import NotReached
from controller.workloads.apply import Plants
from shared.keys import ResourceKey
from shared.logging import get_logger

log = get_logger(__name__)


class Uninstalls:
    """All that are asked for. `words` is what to say of each of their Regents."""

    def __init__(
        self,
        fleet: Fleet,
        plants: Plants,
        teardown: Teardown,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.words: dict[ResourceKey, NotReached] = {}
        self._fleet = fleet
        self._plants = plants
        self._teardown = teardown
        self._takeoffs = teardown.takeoffs
        self._clock = clock
        self._asked: dict[ResourceKey, JsonObject] = {}
        self._since: dict[ResourceKey, float] = {}
        self._decided: dict[ResourceKey, NotReached] = {}
        self._ended: set[ResourceKey] = set()

    @property
    def asked(self) -> frozenset[ResourceKey]:
        """Those whose workloads are not made (again)."""
        return frozenset(self._asked)

    @property
    def off(self) -> frozenset[ResourceKey]:
        """Those of `asked` that have been let go: nothing is pushed, made or held for them."""
        return frozenset(key for key, found in self._asked.items() if self._is_off(key, found))

    async def look(self, declared: Declared) -> None:
        """See what is asked for now, and end what was begun for who is not asked any more."""
        self._asked = {
            key: found
            for key, found in declared.raw.items()
            if key.kind == "Regent" and asks_for_uninstall(found)
        }
        self._since = {key: at for key, at in self._since.items() if key in self._asked}
        self._decided = {key: one for key, one in self._decided.items() if key in self._asked}
        self._ended &= self._asked.keys()
        self.words = {key: one for key, one in self.words.items() if key in self._asked}
        for key, served in list(self._fleet.served.items()):
            is_wanted = key not in self._asked and key not in declared.deleting
            if not is_wanted or self._takeoffs.is_asked(key):
                continue
            self._teardown.take_back(key)
            # Asked to go, and wanted back meanwhile: its process has stopped for good.
            with self._teardown.faults.apart(key, "removing what ran it"):
                if served.is_uninstalled and await self._teardown.remove_workloads(key):
                    self._fleet.leave(key)

    async def go_on(
        self,
        has_work: Callable[[ResourceKey], bool],
        is_refused: Callable[[ResourceKey], bool] = lambda _key: False,
    ) -> bool:
        """Take off what can be. True while something still waits.

        `is_refused`: whether the API server does not take its status, which then nothing waits for.
        """
        waits = False
        for key, found in sorted(self._asked.items()):
            with self._teardown.faults.apart(key, "uninstalling it"):
                if self._is_off(key, found):
                    self.words[key] = self._decided.get(key) or what_became(found)
                elif await self._take_off(key, found, has_work(key), is_refused(key)):
                    waits = True
        return waits or self._takeoffs.are_under_way

    async def _take_off(
        self, key: ResourceKey, found: JsonObject, has_work: bool, is_refused: bool
    ) -> bool:
        """True while it waits; what was refused does not, it is tried again after a while."""
        if key not in self._decided:
            became = self._became(key, found, has_work)
            if became is None:
                self.words[key] = UNINSTALLING
                return True
            self._decided[key] = became
        self.words[key] = self._word(key)
        if settled(found) != self._decided[key] and not is_refused:
            return True  # its status is being written
        if await self._teardown.end(key, found):
            self._ended.add(key)
            log.info("uninstalled", regent=str(key), reason=self._decided[key].reason)
        self.words[key] = self._word(key)
        return False

    def _word(self, key: ResourceKey) -> NotReached:
        """What was decided; its reason stays, by which another leader knows where to go on."""
        why, decided = self._teardown.refused.get(key), self._decided[key]
        return not_removed(why, beside=decided) if why else decided

    def _became(self, key: ResourceKey, found: JsonObject, has_work: bool) -> NotReached | None:
        """None while it has to wait."""
        if key not in self._fleet.served:
            return what_became(found)
        waited = self._clock() - self._since.setdefault(key, self._clock())
        decision = self._teardown.decide(
            key, found, waited, has_work=has_work, may_ask=not has_work
        )
        return decision.became if decision else None

    def _is_off(self, key: ResourceKey, found: JsonObject) -> bool:
        """It was let go, by this controller, by the one before, or by the command itself."""
        return key in self._ended or not (self._plants.runs(key) or is_held(found))

"""The end of a Regent, deleted or uninstalled: what it installed, its workloads, its finalizer.

`decide` says why it may go, and `end` lets it go; who asks, and what is said of it, is of
controller/lifecycle/endings.py and uninstalls.py.

A Regent removes what it installed itself: it is asked in the background, again after each failure.
A refused write for one Regent is tried again after a while, and delays no other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Container
from dataclasses import dataclass

from controller.kube.kinds import JsonObject
from controller.kube.retries import Retries
from controller.lifecycle.finalizer_patches import FinalizerPatches
from controller.lifecycle.finalizers import Release, is_held, release_regent
from controller.lifecycle.uninstalled import LEFT_INSTALLED, what_became
from controller.lifecycle.untold import Untold
from controller.regents.fleet import Fleet
from controller.regents.outcome import NotReached
from controller.workloads.apply import Plants
from controller.workloads.faults import Faults
from shared.errors import PostgRegentError
from shared.http import StatusBody
from shared.keys import ResourceKey
from shared.logging import get_logger

log = get_logger(__name__)


class Takeoffs:
    """Under way, for Regents that are deleted and those that are uninstalled."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._tasks: dict[ResourceKey, asyncio.Task[bool]] = {}

    @property
    def are_under_way(self) -> bool:
        """Some Regent was asked and has not answered."""
        return any(not task.done() for task in self._tasks.values())

    def is_off(self, key: ResourceKey) -> bool:
        """Whether nothing of one that we talk to is left."""
        task = self._tasks.get(key)
        if task is None:
            task = asyncio.ensure_future(self._fleet.uninstall(key))
            self._tasks[key] = task
        if not task.done():
            return False
        del self._tasks[key]
        return task.result()

    def forget(self, key: ResourceKey) -> None:
        """We talk to it no more: what it would answer is not of the one that comes next."""
        task = self._tasks.pop(key, None)
        if task is not None:
            task.cancel()

    async def end(self) -> None:
        """Ask no more, since this is not the leader any more; wait until that is so."""
        tasks = [*self._tasks.values()]
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def is_asked(self, key: ResourceKey) -> bool:
        """It was, and has not answered."""
        task = self._tasks.get(key)
        return task is not None and not task.done()


@dataclass(frozen=True, slots=True)
class Decision:
    """A Regent may go: why, what has become of it, and what it said before it was asked to."""

    reason: Release
    became: NotReached
    status: StatusBody | None


class Teardown:
    """Removes Regents from the cluster. `refused` says why workloads could not be removed."""

    def __init__(
        self,
        patches: FinalizerPatches,
        fleet: Fleet,
        plants: Plants,
        untold: Untold,
        clock: Callable[[], float] = time.monotonic,
        *,
        faults: Faults | None = None,
    ) -> None:
        self.takeoffs = Takeoffs(fleet)
        self.refused: dict[ResourceKey, str] = {}
        self.faults = faults or Faults()
        self._patches = patches
        self._fleet = fleet
        self._plants = plants
        self._untold = untold
        self.retries: Retries[ResourceKey] = Retries(clock)
        self._tried: set[ResourceKey] = set()
        self._statuses: dict[ResourceKey, StatusBody | None] = {}
        """The last of each Regent before it was asked to take off what it installed."""

    def begin(self, kept: Container[ResourceKey]) -> None:
        """Another look begins. What the last one did not try to remove is refused no more."""
        tried, self._tried = self._tried, set()
        self.refused = {key: why for key, why in self.refused.items() if key in tried}
        self.retries.begin()
        self.retries.forget_except(kept)

    def decide(
        self, key: ResourceKey, found: JsonObject, waited: float, *, has_work: bool, may_ask: bool
    ) -> Decision | None:
        """Why it may go; None while it has to wait. Asks it to take off what it installed.

        `has_work`: deletions under way wait for it. `may_ask`: it need not be waited for them.
        """
        served, is_uninstalled = self._fleet.served.get(key), False
        status = self._statuses.get(key, served.status if served else None)
        if served is None and not self._plants.runs(key):
            # Nobody is there to ask, and will not be: its status says whether anything is left.
            became = what_became(found)
            reason = Release.UNREACHABLE if became is LEFT_INSTALLED else Release.ENDED
            return Decision(reason, became, status)
        if served is not None and may_ask:
            self._statuses[key] = status
            is_uninstalled = self.takeoffs.is_off(key)
        unreachable = self._fleet.unreachable_seconds(key)
        why = release_regent(waited, unreachable, has_work=has_work, is_uninstalled=is_uninstalled)
        return Decision(why, what_became(found, why, status), status) if why is not None else None

    def take_back(self, key: ResourceKey) -> None:
        """It is asked to go no more: what it would answer is not of the next time."""
        self.takeoffs.forget(key)
        self._statuses.pop(key, None)

    async def end(self, key: ResourceKey, found: JsonObject) -> bool:
        """Remove its workloads, then its finalizer, and talk to it no more.

        False where something was refused: it is tried again.
        """
        if not await self.remove_workloads(key):
            return False
        await self._untold.forget_all_of(key)
        if is_held(found) and not await self._patches.take_off(key, found):
            return False
        self._fleet.leave(key)
        self.take_back(key)
        return True

    async def remove_workloads(self, key: ResourceKey) -> bool:
        """False where that was refused: it is tried again."""
        self._tried.add(key)
        if not self.retries.is_due(key):
            return False
        try:
            await self._plants.remove(key)
        except PostgRegentError as error:
            self.retries.failed(key)
            self.refused[key] = str(error)
            log.warning("workloads cannot be removed yet", regent=str(key), problem=str(error))
            return False
        self.retries.succeeded(key)
        self.refused.pop(key, None)
        return True

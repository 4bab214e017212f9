"""What acts in one term, made together and ending with it; each part keeps what was refused it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from controller.credentials.keeping import Keeping
from controller.kube.api import KubeApi
from controller.kube.events import EventRecorder, News, Reference
from controller.kube.kinds import JsonObject
from controller.leases.tending import Tending
from controller.lifecycle.endings import Endings
from controller.lifecycle.finalizer_patches import FinalizerPatches
from controller.lifecycle.finalizers import FINALIZER
from controller.lifecycle.holding import Holding
from controller.lifecycle.last_words import LastWords
from controller.lifecycle.teardown import Teardown
from controller.lifecycle.uninstalls import Uninstalls
from controller.lifecycle.untold import Untold
from controller.observe.caches import Caches
from controller.pki.identity import Identity
from controller.regents.fleet import Fleet
from controller.regents.outcome import NotReached
from controller.term.pushing import Pushing
from controller.workloads.admins import Account
from controller.workloads.apply import Plants
from controller.workloads.ensure import Address, Making
from controller.workloads.faults import Faults
from controller.workloads.manifests import Plant
from shared.keys import ResourceKey

RETRY_SECONDS = 2.0
AWAY_SECONDS = 30.0
REMOVED = (
    f"Its finalizer {FINALIZER} was removed by somebody, and is there again: without it a deletion"
    " goes unseen, and access stays. To end access, delete the resource; to remove PostgRegent, run"
    " `postgregent uninstall --kubernetes`."
)


@dataclass(frozen=True, slots=True)
class Settings:
    """How one installation is set up."""

    plant: Plant
    namespaces: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    instance: str = "postgregent"
    name: str = "postgregent-controller"
    """Of the controller's own Deployment and Lease."""


class Acting:
    """The parts that hold, make, push and let go."""

    def __init__(
        self,
        writing: KubeApi,
        caches: Caches,
        recorder: EventRecorder,
        settings: Settings,
        *,
        wake: Callable[[], None],
        may_write: Callable[[], object],
        prove: Callable[[], Awaitable[None]],
        address: Address | None,
    ) -> None:
        """`wake` rings for a look, where something failed that only a look can tell."""
        plant = settings.plant
        account = Account(plant.namespace, settings.name)
        self._recorder = recorder
        self._wake = wake
        self.faults = Faults()
        self.fleet = Fleet(self._not_heard, prove)
        self.identity = Identity(writing, plant.namespace)
        self.plants = Plants(writing, caches, plant)
        self.making = Making(
            plant,
            fleet=self.fleet,
            plants=self.plants,
            identity=self.identity,
            allowed_hosts=settings.allowed_hosts,
            account=account,
            may_write=may_write,
            address=address,
            faults=self.faults,
        )
        self.untold = Untold(writing, plant.namespace, self.fleet)
        self.keeping = Keeping(writing, recorder, self.fleet, plant.namespace)
        self.tending = Tending(writing)
        self.pushing = Pushing(caches, self.fleet, self.untold, account, self.faults, self.keeping)
        self.patches = FinalizerPatches(writing)
        self.holding = Holding(self.patches, self._tell_removed, is_listed=self.fleet.lists)
        self.last_words = LastWords(writing, recorder, plant, settings.name)
        self.teardown = Teardown(
            self.patches, self.fleet, self.plants, self.untold, faults=self.faults
        )
        self.endings = Endings(
            self.patches, self.fleet, self.untold, self.teardown, self.last_words
        )
        self.uninstalls = Uninstalls(self.fleet, self.plants, self.teardown)

    def retry_after(self) -> float | None:
        """When to look again at what has failed; None where nothing has."""
        departures = self.untold.departures
        parts = (
            self.patches, self.holding, self.making, self.teardown, self.untold, departures,
            self.identity, self.faults, self.keeping, self.tending,
        )  # fmt: skip
        found = (*(part.retries.seconds_left() for part in parts), self.tending.seconds_left())
        left = [seconds for seconds in found if seconds is not None]
        if departures.known:
            left.append(AWAY_SECONDS)
        if self.making.rollout.waiting:
            left.append(RETRY_SECONDS)
        return max(min(left), RETRY_SECONDS) if left else None

    def awaits(self, regent: ResourceKey) -> bool:
        """Whether something waits for what this Regent says."""
        return (
            self.endings.are_under_way
            or regent in self.untold.departures.known
            or self.identity.is_turning
        )

    def lack_of(self, regent: ResourceKey) -> NotReached | None:
        """What is declared and not in force of what runs it, though it runs."""
        served = self.fleet.served.get(regent)
        is_reached = served is not None and served.is_reached
        return self.making.lack_of(regent, served.status if served and is_reached else None)

    async def end(self) -> None:
        """Talk to nobody any more, and wait until nobody is asked anything."""
        self.fleet.end()
        await self.teardown.takeoffs.end()

    def _not_heard(self, regent: ResourceKey, error: Exception) -> None:
        self.faults.note_between(regent, "hearing what it says", error)
        self._wake()

    def _tell_removed(self, found: JsonObject) -> None:
        self._recorder.record(
            News(Reference.to(found), "Warning", "FinalizerRemoved", "Hold", REMOVED)
        )

"""What one term tells: status and Events of each resource, and what fails of the controller's own.

Statuses are written by the reporter beside the looks (controller/status/reporter.py). Here is
gathered what there is to say: what the controller found, and of each Regent what it said and why it
is not reached.
"""

from __future__ import annotations

from controller.kube.api import KubeApi
from controller.kube.events import EventRecorder
from controller.kube.kinds import generation_of
from controller.lifecycle.refusals import cannot_go, failed, not_held
from controller.lifecycle.uninstalled import not_removed
from controller.observe.caches import Caches
from controller.observe.debounce import Quiet
from controller.observe.grace import Arrivals
from controller.observe.world import World
from controller.regents.outcome import NOT_ANSWERING, NOT_MET, NotReached
from controller.regents.vanished import vanished_of
from controller.status.absences import Absences
from controller.status.drift_events import DriftEvents
from controller.status.own_troubles import OwnTroubles
from controller.status.patch import RegentNews
from controller.status.reporter import Reporter
from controller.term.acting import Acting
from controller.workloads.ensure import NOT_IN_FORCE
from controller.workloads.orphans import Orphans
from shared.keys import ResourceKey
from shared.outcomes import Outcome


class Telling:
    """Remembers what it told. It hears the fleet, and rings where time alone makes news."""

    def __init__(
        self,
        writing: KubeApi,
        caches: Caches,
        recorder: EventRecorder,
        acting: Acting,
        quiet: Quiet,
    ) -> None:
        self._acting = acting
        self._quiet = quiet
        self.reporter = Reporter(writing, caches.find, self._news, recorder, quiet.wake)
        self.orphans = Orphans(caches, recorder)
        self.absences = Absences()
        self._not_in_force = Absences()
        self._arrivals = Arrivals()
        self._own_troubles = OwnTroubles(recorder)
        acting.fleet.subscribe(self.reporter.hear)
        acting.fleet.subscribe(DriftEvents(recorder, caches.find).hear)

    def tell_own_troubles(self) -> None:
        """What cannot be written, beside the controller's own Deployment."""
        acting = self._acting
        self._own_troubles.tell(
            acting.last_words.own,
            departures=acting.untold.departures.trouble,
            authorities=acting.identity.trouble,
            statuses=self.reporter.trouble,
            rivals=self.reporter.rivals.trouble,
        )

    def tell(self, world: World) -> None:
        """What a look has found."""
        own = self._arrivals.judged(self._found(world), world.declared.raw)
        self.reporter.controller_says(own)
        self._look_again_after(self._arrivals.next_due_seconds)
        self.look_at_statuses(world)
        self._look_again_after(self.orphans.look(world.regents, world.declared.doubts))

    def look_at_statuses(self, world: World) -> None:
        """Of what waits for a first word about its present generation, and of all Regents."""
        declared = world.declared
        for key, found in declared.raw.items():
            seen = (found.get("status") or {}).get("observedGeneration")
            if key.kind == "Regent" or seen != generation_of(found):
                self.reporter.look_at(key)
        self.reporter.forget_except(declared.raw)
        fleet = self._acting.fleet
        self._look_again_after(
            self.absences.look({key: fleet.hears(key) for key in world.regents - world.off})
        )
        self.reporter.are_away(self.absences.away, declared.raw)
        self._look_again_after(
            self._not_in_force.look({key: not self._runs_otherwise(key) for key in world.regents})
        )
        self.reporter.are_overdue(self.absences.away | self._not_in_force.away)

    def _runs_otherwise(self, key: ResourceKey) -> bool:
        lack = self._acting.lack_of(key)
        return lack is not None and lack.reason == NOT_IN_FORCE

    def _look_again_after(self, seconds: float | None) -> None:
        if seconds is not None:
            self._quiet.wake_after(seconds)

    def _found(self, world: World) -> dict[ResourceKey, Outcome]:
        """What no Regent will report; the worse word on a resource hides the other."""
        acting, found = self._acting, world.compiled.outcomes
        refused, unwritten = acting.patches.refused, acting.untold.not_remembered
        said = {key: one for key, one in found.items() if key not in world.asked}
        said |= not_held(refused, world.unheld)
        said |= cannot_go(refused, unwritten, world.declared.deleting)
        return said | {key: failed(key, fault) for key, fault in acting.faults.now.items()}

    def _news(self, key: ResourceKey) -> RegentNews:
        acting = self._acting
        served = acting.fleet.served.get(key)
        status = served.status if served else None
        vanished = vanished_of(status)
        return RegentNews(
            status=status,
            trouble=acting.uninstalls.words.get(key)
            or self._not_removed(key)
            or acting.pushing.doubted.get(key)
            or acting.making.not_started.get(key)
            or (self._trouble(key, served.trouble) if served else NOT_MET),
            drift=status.outstanding_drift if status else None,
            is_reached=served is not None and served.is_reached,
            held=acting.pushing.held.get(key, 0) + (len(vanished.resources) if vanished else 0),
            in_force_held=acting.pushing.in_force_held.get(key, ()),
            lack=acting.lack_of(key),
            untold=tuple(sorted(acting.untold.departures.known.get(key, ()))),
        )

    def _trouble(self, key: ResourceKey, trouble: NotReached | None) -> NotReached | None:
        """Of a process that does not answer its Deployment knows more."""
        if trouble is None or trouble.reason != NOT_ANSWERING:
            return trouble
        return NotReached(NOT_ANSWERING, self._acting.plants.why_silent(key))

    def _not_removed(self, key: ResourceKey) -> NotReached | None:
        why = self._acting.teardown.refused.get(key)
        return not_removed(why) if why else None

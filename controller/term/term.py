"""One term as the leader: objects in, Deployments out, states pushed, outcomes back as status.

Everything that remembers is a part of the term and ends with it: what another leader did meanwhile
is read again, and nothing that was said before counts (rule 17). A look reads the caches, and what
is not synced is not believed. It holds what is new by a finalizer, makes what runs the Regents,
compiles and pushes, and lets go what has ended. Whatever it writes asks the Lease first.

A refused write is kept by the part that made it, told of its object, and tried again after a while:
it ends no look. What ends a look stops everything, so the gate says it.

Long because it names every part and passes each one's word on: what they do is theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from controller.kube.api import KubeApi
from controller.kube.crds import deletions_count_while_defined
from controller.kube.events import EventRecorder, News, Reference
from controller.kube.kinds import NAMESPACE, OUR_KINDS, JsonObject, generation_of
from controller.lifecycle.departures import Departures
from controller.lifecycle.endings import Endings
from controller.lifecycle.finalizer_patches import FinalizerPatches
from controller.lifecycle.finalizers import FINALIZER
from controller.lifecycle.holding import Holding
from controller.lifecycle.last_words import LastWords
from controller.lifecycle.refusals import cannot_go, failed, not_held
from controller.lifecycle.teardown import Teardown
from controller.lifecycle.uninstalled import not_removed
from controller.lifecycle.uninstalls import Uninstalls
from controller.observe.caches import Caches
from controller.observe.debounce import Quiet
from controller.observe.grace import Arrivals
from controller.observe.reader import (
    Declared,
    Reader,
    secret_names,
    with_ignored_roles,
)
from controller.pki.identity import Identity
from controller.pki.trust import standing_of, versions_of_authorities
from controller.regents.fleet import Fleet
from controller.regents.outcome import NOT_MET, NotReached
from controller.regents.vanished import vanished_of
from controller.status.absences import Absences
from controller.status.drift_events import DriftEvents
from controller.status.own_troubles import OwnTroubles
from controller.status.patch import RegentNews
from controller.status.reporter import Reporter
from controller.term.pushing import Pushing
from controller.workloads.admins import Account
from controller.workloads.apply import Plants
from controller.workloads.ensure import Address, Making
from controller.workloads.faults import Faults
from controller.workloads.manifests import Plant
from controller.workloads.orphans import Orphans
from shared.backoff import Backoff
from shared.errors import PostgRegentError
from shared.http import StatusBody
from shared.keys import ResourceKey
from shared.logging import get_logger
from shared.outcomes import Drift

log = get_logger(__name__)
HEARTBEAT_SECONDS = 60.0
ENDING_SECONDS = 0.5
RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 60.0
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


class Term:
    """What one leader knows and does, from its election until it is the leader no more."""

    def __init__(
        self,
        writing: KubeApi,
        caches: Caches,
        quiet: Quiet,
        settings: Settings,
        *,
        may_write: Callable[[], object],
        address: Address | None = None,
        before: Term | None = None,
    ) -> None:
        """`writing` and `may_write` raise where this is not the leader.

        Of the term `before` only what is counted since the process began goes on.
        """
        self.gate = "starting"
        """Why nothing is pushed at the moment; empty when it is."""
        plant = settings.plant
        account = Account(plant.namespace, settings.name)
        self._api = writing
        self._quiet = quiet
        self.caches = caches
        self.recorder = EventRecorder(writing, instance=settings.instance)
        self.fleet = Fleet(self)
        self.reporter = Reporter(writing, caches.find, self._news, self.recorder, quiet.wake)
        self.faults = Faults()
        if before is not None:
            self.faults.count = before.faults.count
            self.recorder.dropped = before.recorder.dropped
            self.reporter.writes = before.reporter.writes
            self.reporter.failed = before.reporter.failed
        self._departures = Departures(writing, plant.namespace)
        self._identity = Identity(writing, plant.namespace)
        self._plants = Plants(writing, caches, plant)
        self._making = Making(
            plant,
            fleet=self.fleet,
            plants=self._plants,
            identity=self._identity,
            allowed_hosts=settings.allowed_hosts,
            account=account,
            may_write=may_write,
            address=address,
            faults=self.faults,
        )
        self._pushing = Pushing(caches, self.fleet, self._departures, account, self.faults)
        self._patches = FinalizerPatches(writing)
        self._teardown = Teardown(
            self._patches, self.fleet, self._plants, self._departures, faults=self.faults
        )
        self._holding = Holding(self._patches, self._tell_removed)
        self._last_words = LastWords(writing, self.recorder, plant, settings.name)
        self._endings = Endings(
            self._patches,
            self.fleet,
            self._plants,
            self._departures,
            self._teardown,
            self._last_words,
        )
        self._uninstalls = Uninstalls(self.fleet, self._plants, self._teardown)
        self._drift_events = DriftEvents(self.recorder, caches.find)
        self._arrivals = Arrivals()
        self._absences = Absences()
        self._own_troubles = OwnTroubles(self.recorder)
        self.orphans = Orphans(caches, self.recorder)
        self.doubted: dict[ResourceKey, NotReached] = {}
        """To whom nothing is pushed, and why."""
        self._reader = Reader(self.faults.note)
        self._origin = ""
        self._heard: frozenset[ResourceKey] = frozenset()
        """All that the last look read."""
        self._backoff = Backoff(RETRY_SECONDS, LONGEST_RETRY_SECONDS, chance=lambda: 1.0)

    async def run(self) -> None:
        """Act until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.recorder.run())
                group.create_task(self.reporter.run())
                group.create_task(self._beat())
                group.create_task(self._look_for_ever(group))
        finally:
            for key in list(self.fleet.served):
                self.fleet.leave(key)
            await self._teardown.takeoffs.end()
            self.gate, self._origin = "ended", ""

    async def _beat(self) -> None:
        """Certificates end, and times of passes grow old, without a signal."""
        while True:
            self._quiet.wake()
            for key in self.fleet.served:
                self.reporter.look_at(key)
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _look_for_ever(self, group: asyncio.TaskGroup) -> None:
        while True:
            await self._quiet.wait()
            try:
                again = await self._look(group)
            except PostgRegentError as error:
                log.warning("the look failed and is tried again", problem=str(error))
                self._set_gate(f"The last look failed: {error}")
                again = self._backoff.after()
            except Exception as error:
                log.exception("the look failed and is tried again")
                self._set_gate(f"The last look failed ({type(error).__name__}); see the log.")
                again = self._backoff.after()
            else:
                self._backoff.succeeded()
            if again is not None:
                self._quiet.wake_after(again)

    async def _look(self, group: asyncio.TaskGroup) -> float | None:
        """One look; after how many seconds to look again without a signal."""
        if why := self.caches.why_workloads_unknown():
            self._set_gate(why)
            return None
        await self._prepare()
        self.faults.begin(self._heard)
        declared = self._reader.read(self.caches.objects(), self.caches.doubts())
        self._heard = frozenset(declared.raw)
        if trouble := self.caches.schema_trouble():
            self._set_gate(f"SchemaOutdated: {trouble}")
            said = NotReached("SchemaOutdated", f"{trouble} Nothing is pushed. Update the CRDs.")
            self.doubted = dict.fromkeys(declared.regents(), said)
            self._look_at_statuses(declared)
            again = await self._go_on(declared)
            return again or self._retry_after()
        self._teardown.begin(declared.raw)
        if not await self._are_deletions_meant(declared):
            self._set_gate("A definition is being deleted, and its objects with it.")
            await self._endings.go_on(declared, frozenset(), self.caches.going_kinds())
            return RETRY_SECONDS
        await self._act(declared, group)
        again = await self._go_on(declared)
        return again or self._retry_after()

    def _retry_after(self) -> float | None:
        """When to look again at what has failed; None where nothing has."""
        parts = (
            self._patches,
            self._holding,
            self._endings,
            self._making,
            self._teardown,
            self._departures,
            self._identity,
            self.faults,
        )
        left = [seconds for part in parts if (seconds := part.seconds_left()) is not None]
        if self._departures.known:
            left.append(AWAY_SECONDS)
        return max(min(left), RETRY_SECONDS) if left else None

    async def _prepare(self) -> None:
        """Once as a leader, and the certificates again from time to time."""
        if not self._origin:
            await self._departures.load()
            found = await self._api.get(NAMESPACE, None, "kube-system")
            self._origin = self._plants.origin = str(found["metadata"]["uid"])
        await self._last_words.prepare()
        self._own_troubles.tell(
            self._last_words.own,
            departures=self._departures.trouble,
            authorities=self._identity.trouble,
            statuses=self.reporter.trouble,
        )
        await self._identity.refresh(
            lambda: standing_of(self.caches, self.fleet), versions_of_authorities(self.caches)
        )

    async def _act(self, declared: Declared, group: asyncio.TaskGroup) -> None:
        """Hold, make, compile, push, tell."""
        names = secret_names(declared)
        self.caches.follow_secrets(frozenset(name.namespace for name in names))
        secrets = self.caches.read_secrets(names)
        declared = with_ignored_roles(declared, secrets.values, self.faults.note)
        self._endings.begin(declared)
        await self._uninstalls.look(declared)
        off = self._uninstalls.off
        unheld = await self._holding.hold(declared, off)
        for key in (self.fleet.served.keys() - declared.resources.keys()) | off:
            self.fleet.leave(key)
        regents = frozenset(key for key in declared.deleting if key.kind == "Regent")
        leaving = (regents | self._uninstalls.asked) - off
        await self._making.look(declared, unheld, leaving, off, secrets, group)
        # Before the next push, which nobody can have accepted yet.
        await self._pushing.forget_departures(declared)
        compiled = await self._pushing.compile(self._origin, declared, unheld, off, secrets)
        self.doubted = self._pushing.push(compiled.states, declared, secrets)
        self._set_gate(next((doubt.message for doubt in self.doubted.values()), ""))
        waits = await self._uninstalls.go_on(self._endings.has_work, self.reporter.is_refused)
        await self._holding.let_go(declared, self._uninstalls.off)
        asked = self._uninstalls.asked
        said = {key: one for key, one in compiled.outcomes.items() if key not in asked}
        said |= not_held(self._patches.refused, unheld)
        said |= cannot_go(self._patches.refused, self._endings.not_remembered, declared.deleting)
        said |= {key: failed(key, fault) for key, fault in self.faults.now.items()}
        self.reporter.controller_says(self._arrivals.judged(said, declared.raw))
        if (due := self._arrivals.next_due_seconds) is not None:
            self._quiet.wake_after(due)
        self._look_at_statuses(declared)
        there = [key for key in declared.raw if key.kind == "Regent"]
        if (seconds := self.orphans.look(there, declared.doubts)) is not None:
            self._quiet.wake_after(seconds)
        if waits:
            self._quiet.wake_after(ENDING_SECONDS)

    def _tell_removed(self, found: JsonObject) -> None:
        news = News(Reference.to(found), "Warning", "FinalizerRemoved", "Hold", REMOVED)
        self.recorder.record(news)

    async def _go_on(self, declared: Declared) -> float | None:
        """With deletions, as far as they are believed."""
        meant = await self._are_deletions_meant(declared)
        believed = self.caches.believed_kinds() if meant else frozenset()
        waits = await self._endings.go_on(declared, believed, self.caches.going_kinds())
        return ENDING_SECONDS if waits else None

    async def _are_deletions_meant(self, declared: Declared) -> bool:
        """A definition that goes away deletes its objects first, and that means nothing."""
        kinds = {key.kind for key in self._endings.new_deletions(declared)}
        for kind in OUR_KINDS:
            if kind.name in kinds and not await deletions_count_while_defined(self._api, kind)():
                return False
        return True

    def _look_at_statuses(self, declared: Declared) -> None:
        """Of what waits for a first word about its present generation, and of all Regents."""
        for key, found in declared.raw.items():
            seen = (found.get("status") or {}).get("observedGeneration")
            if key.kind == "Regent" or seen != generation_of(found):
                self.reporter.look_at(key)
        self.reporter.forget_except(declared.raw)
        off = self._uninstalls.off
        seen = {key: self._is_seen(key) for key in declared.raw if key.kind == "Regent"}
        again = self._absences.look({key: it for key, it in seen.items() if key not in off})
        self.reporter.are_away(self._absences.away, declared.raw)
        if again is not None:
            self._quiet.wake_after(again)

    def _is_seen(self, regent: ResourceKey) -> bool:
        """What it says is of now, and of a server that it reaches."""
        served = self.fleet.served.get(regent)
        return served is not None and served.is_heard

    def _news(self, key: ResourceKey) -> RegentNews:
        served = self.fleet.served.get(key)
        status = served.status if served else None
        vanished = vanished_of(status)
        return RegentNews(
            status=status,
            trouble=self._uninstalls.words.get(key)
            or self._not_removed(key)
            or self.doubted.get(key)
            or self._making.not_started.get(key)
            or (served.trouble if served else NOT_MET),
            drift=status.outstanding_drift if status else None,
            is_reached=served is not None and served.is_reached,
            held=self._pushing.held.get(key, 0) + (len(vanished.resources) if vanished else 0),
            in_force_held=self._pushing.in_force_held.get(key, ()),
        )

    def _not_removed(self, key: ResourceKey) -> NotReached | None:
        why = self._teardown.refused.get(key)
        return not_removed(why) if why else None

    def status_changed(self, key: ResourceKey) -> None:
        """By us, mostly: then there is nothing to write. By others, or late: then there is.

        What is written is compared with what was heard last, and that may lag behind our own.
        """
        if self._origin:
            self.reporter.look_at(key)

    def _set_gate(self, why: str) -> None:
        if why != self.gate:
            log.info("nothing is pushed" if why else "synced", why=why)
        self.gate = why

    def met(self, regent: ResourceKey) -> None:  # noqa: ARG002 - one look is about all of them
        """Compile again, with what it has accepted and has in force."""
        self._quiet.wake()

    def said(self, regent: ResourceKey, status: StatusBody) -> None:
        """Its outcomes become status."""
        self.reporter.regent_says(regent, status)
        if (
            self._endings.are_under_way
            or regent in self._departures.known
            or self._identity.is_turning
            or self._absences.is_news(regent, is_seen=self._is_seen(regent))
        ):
            self._quiet.wake()

    def drifted(self, regent: ResourceKey, drift: Drift) -> None:
        """It becomes an Event."""
        self._drift_events.add(regent, drift)

    def changed(self, regent: ResourceKey) -> None:
        """It is reached, or not any more."""
        self.reporter.look_at(regent)
        if self._absences.is_news(regent, is_seen=self._is_seen(regent)):
            self._quiet.wake()

    def left(self, regent: ResourceKey) -> None:
        """It may come again under its name, and has to say everything anew."""
        self.reporter.regent_is_gone(regent)

"""One term as the leader: objects in, Deployments out, states pushed, outcomes back as status.

Everything that remembers is a part of the term and ends with it: what another leader did meanwhile
is read again, and nothing that was said before counts (rule 17). A look reads the caches once, and
what was not synced then is not believed. What it read goes through the stages of `_act`, as one
frozen world to which each adds what it has found. Whatever is written asks the Lease first.

A refused write is kept by the part that made it, told of its object, and tried again after a while:
it ends no look. What ends a look stops everything, so the gate says it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from controller.kube.api import KubeApi
from controller.kube.crds import deletions_count_while_defined
from controller.kube.events import EventRecorder
from controller.kube.kinds import NAMESPACE, OUR_KINDS
from controller.observe.caches import Caches
from controller.observe.debounce import Quiet
from controller.observe.reader import Declared, Reader, secret_names, with_ignored_roles
from controller.observe.world import World
from controller.pki.trust import standing_of, versions_of_authorities
from controller.regents.outcome import NotReached
from controller.term.acting import RETRY_SECONDS, Acting, Settings
from controller.term.telling import Telling
from controller.term.waking import Waking
from controller.workloads.ensure import Address
from shared.backoff import Backoff
from shared.errors import PostgRegentError
from shared.keys import ResourceKey
from shared.logging import get_logger

log = get_logger(__name__)
HEARTBEAT_SECONDS = 60.0
ENDING_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 60.0


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
        prove: Callable[[], Awaitable[None]],
        address: Address | None = None,
        before: Term | None = None,
    ) -> None:
        """`writing`, `may_write` and `prove` raise where this is not the leader.

        Of the term `before` only what is counted since the process began goes on.
        """
        self.gate = "starting"
        """Why nothing is pushed at the moment; empty when it is."""
        self._api = writing
        self._caches = caches
        self._quiet = quiet
        self.recorder = EventRecorder(writing, instance=settings.instance)
        self.acting = Acting(
            writing,
            caches,
            self.recorder,
            settings,
            wake=quiet.wake,
            may_write=may_write,
            prove=prove,
            address=address,
        )
        self.telling = Telling(writing, caches, self.recorder, self.acting, quiet)
        self.acting.fleet.subscribe(Waking(quiet, self.acting, self.telling.absences).hear)
        if before is not None:
            self.acting.faults.count = before.acting.faults.count
            self.recorder.dropped = before.recorder.dropped
            self.telling.reporter.writes = before.telling.reporter.writes
            self.telling.reporter.failed = before.telling.reporter.failed
        self._reader = Reader(self.acting.faults.note)
        self._origin = ""
        self._read_before: frozenset[ResourceKey] = frozenset()
        self._backoff = Backoff(RETRY_SECONDS, LONGEST_RETRY_SECONDS, chance=lambda: 1.0)

    async def run(self) -> None:
        """Act until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.recorder.run())
                group.create_task(self.telling.reporter.run())
                group.create_task(self._beat())
                group.create_task(self._look_for_ever(group))
        finally:
            await self.acting.end()
            self.gate, self._origin = "ended", ""

    def status_changed(self, key: ResourceKey) -> None:
        """By us, mostly: then there is nothing to write. By others, or late: then there is.

        What is written is compared with what was heard last, and that may lag behind our own.
        """
        if self._origin:
            self.telling.reporter.look_at(key)

    async def _beat(self) -> None:
        """Certificates end, and times of passes grow old, without a signal."""
        while True:
            self._quiet.wake()
            for key in self.acting.fleet.served:
                self.telling.reporter.look_at(key)
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
        if why := self._caches.why_workloads_unknown():
            self._set_gate(why)
            return None
        await self._prepare()
        world = self._read()
        if trouble := self._caches.schema_trouble():
            self._hold_back(world, trouble)
        else:
            self.acting.teardown.begin(world.declared.raw)
            if not await self._are_deletions_meant(world.declared):
                self._set_gate("A definition is being deleted, and its objects with it.")
                await self._end(world, frozenset())
                return RETRY_SECONDS
            await self._act(world, group)
        meant = await self._are_deletions_meant(world.declared)
        waits = await self._end(world, self._caches.believed_kinds() if meant else frozenset())
        return ENDING_SECONDS if waits else self.acting.retry_after()

    async def _act(self, world: World, group: asyncio.TaskGroup) -> None:
        """The stages: each takes the world, and hands it on with what it has found."""
        acting = self.acting
        world = self._with_secrets(world)
        acting.endings.begin(world.declared)  # before any Regent is told of a deletion
        world = await self._with_uninstalls(world)
        world = await self._held(world)
        self._leave(world)
        await acting.making.look(world, group)
        await acting.untold.forget_told(world.declared)  # before what nobody can have accepted yet
        world = await acting.pushing.compile(world)
        acting.pushing.push(world)
        self._set_gate(acting.pushing.why_not)
        # What these two write, the next look pushes.
        await acting.keeping.look(world, acting.pushing.doubted)
        await acting.tending.look(world)
        world = await self._uninstalled(world)
        await acting.holding.let_go(world.declared, world.off)
        self.telling.tell(world)

    async def _prepare(self) -> None:
        """Once as a leader, and the certificates again from time to time."""
        acting = self.acting
        if not self._origin:
            await acting.untold.departures.load()
            found = await self._api.get(NAMESPACE, None, "kube-system")
            self._origin = acting.plants.origin = str(found["metadata"]["uid"])
        await acting.last_words.prepare()
        self.telling.tell_own_troubles()
        await acting.identity.refresh(
            lambda: standing_of(self._caches, acting.fleet), versions_of_authorities(self._caches)
        )

    def _read(self) -> World:
        """What is declared, with the doubts of the same moment."""
        self.acting.faults.begin(self._read_before)
        declared = self._reader.read(self._caches.objects(), self._caches.doubts())
        self._caches.follow_namespaces(is_needed=declared.goes_by_labels)
        declared = replace(declared, namespaces=self._caches.labels())
        self._read_before = frozenset(declared.raw)
        off = self.acting.uninstalls.off
        return World(declared, self._origin, off=off)

    def _hold_back(self, world: World, trouble: str) -> None:
        """Push nothing: what is declared may be read wrongly."""
        self._set_gate(f"SchemaOutdated: {trouble}")
        said = NotReached("SchemaOutdated", f"{trouble} Nothing is pushed. Update the CRDs.")
        self.acting.pushing.hold_back(world, said)
        self.telling.look_at_statuses(world)

    def _with_secrets(self, world: World) -> World:
        """The Secrets that are named in it, and the roles that they say to leave alone."""
        names = secret_names(world.declared)
        self._caches.follow_secrets(frozenset(name.namespace for name in names))
        secrets = self._caches.read_secrets(names)
        declared = with_ignored_roles(world.declared, secrets.values, self.acting.faults.note)
        return replace(world, declared=declared, secrets=secrets)

    async def _with_uninstalls(self, world: World) -> World:
        """Who is asked to go, and who has gone."""
        uninstalls = self.acting.uninstalls
        await uninstalls.look(world.declared)
        return replace(world, asked=uninstalls.asked, off=uninstalls.off)

    async def _held(self, world: World) -> World:
        """Our finalizer is put on, by who is off; what it could not be put on."""
        unheld = await self.acting.holding.hold(world.declared, world.off)
        return replace(world, unheld=unheld)

    def _leave(self, world: World) -> None:
        """Talk no more to who is declared no more, or is off."""
        fleet = self.acting.fleet
        for key in (fleet.served.keys() - world.declared.resources.keys()) | world.off:
            fleet.leave(key)

    async def _uninstalled(self, world: World) -> World:
        """Who is asked to go is taken off, and may be off now."""
        uninstalls, reporter = self.acting.uninstalls, self.telling.reporter
        if await uninstalls.go_on(self.acting.endings.has_work, reporter.is_refused):
            self._quiet.wake_after(ENDING_SECONDS)
        return replace(world, off=uninstalls.off)

    async def _end(self, world: World, believed: frozenset[str]) -> bool:
        """Let go what is deleted, of the kinds that are believed. True while something waits."""
        going = self._caches.going_kinds()
        return await self.acting.endings.go_on(world.declared, believed, going)

    async def _are_deletions_meant(self, declared: Declared) -> bool:
        """A definition that goes away deletes its objects first, and that means nothing."""
        kinds = {key.kind for key in self.acting.endings.new_deletions(declared)}
        for kind in OUR_KINDS:
            if kind.name in kinds and not await deletions_count_while_defined(self._api, kind)():
                return False
        return True

    def _set_gate(self, why: str) -> None:
        if why != self.gate:
            (log.warning if why else log.info)("nothing is pushed" if why else "synced", why=why)
        self.gate = why

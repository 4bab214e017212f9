"""One connected life of a Regent: home database, lock, detectors, passes.

Ends when the lock or the home database is lost; the daemon then opens another one. Everything that
must outlive it is in the home database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import assert_never

import structlog

from regent.accept.merge import without_ended
from regent.detect.attribution import Witnesses, Writers, are_behind, likely_actor, row_versions
from regent.detect.detectors import Detectors
from regent.detect.events import Event, Taken
from regent.detect.own_sessions import OwnConnector, OwnSessions
from regent.detect.simple_events import is_simple
from regent.detect.wake import Full, Hint, LocalEvents, Wake
from regent.foundation import Foundation, founded
from regent.gate.approval import approved, waits
from regent.gate.brake_memory import is_judged, released
from regent.gate.consent import Unapproved, Waiting, Withheld
from regent.gate.takeover import Takeover, accepting, taken_over
from regent.health.board import Board
from regent.health.metrics import Metrics
from regent.home.locks import LockLost
from regent.home.turns import Turn
from regent.kinds import Address
from regent.passes.one_pass import Pass
from regent.passes.schedule import Agenda
from regent.passes.targeted import Touched
from regent.prevent.prevention import Prevention
from regent.remembered import AcceptedState, BrakeMemory
from regent.report.bodies import trouble_body
from regent.report.history import Report, held_in
from regent.resolve.unsupported import unsupported_of
from regent.server.connection import Connects
from regent.server.connections import READ_SECONDS
from regent.server.trouble import CANNOT_BE_SENT, TROUBLE, heed_cancellation
from regent.settings import RegentSettings
from regent.together import run_together
from regent.unmanaged.who import Unmanaged
from regent.upkeep import Upkeep
from shared.outcomes import Actor

log = structlog.get_logger()
LOOK_FAILED = "LookFailed"
LOCKED_OUT_SECONDS = 10.0
"""A judge that could not be told, as somebody locks its tables, is told again after so long."""
_NOBODY: frozenset[int] = frozenset()
NOBODY = Actor(certainty="Unknown", why_not="It was found by a timed or full look.")


class Engine:
    """Runs passes while everything that they need is there."""

    def __init__(
        self,
        settings: RegentSettings,
        stand: Foundation,
        *,
        connector: OwnConnector,
        own: OwnSessions,
        board: Board,
        metrics: Metrics,
    ) -> None:
        self.home = stand.home
        self.lock = stand.lock
        self.passes = stand.passes
        self.wake = Wake()
        self.latest: Pass | None = None
        self._board = board
        self._metrics = metrics
        self._own = own
        self._connections = stand.connections
        self._report = Report(settings.regent, stand.home, board, metrics)
        self._detectors = Detectors(
            stand.databases,
            connector=connector,
            connections=stand.connections,
            wake=self.wake.wake,
            own=own,
            board=board,
            metrics=metrics,
            shared_through=stand.home.database,
        )
        self._storing = asyncio.Lock()
        self._agenda = Agenda()
        self._upkeep = Upkeep(self._detectors, self._agenda)
        self._prevention = Prevention(
            stand.databases,
            lock=stand.lock,
            home=stand.home.database,
            connections=stand.connections,
            compilations=stand.passes.looker.compilations,
            without_triggers=self._detectors.without_triggers,
        )
        self.passes.before_writing = self._prevention.leave_open

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        settings: RegentSettings,
        *,
        plain: Connects,
        board: Board,
        metrics: Metrics,
        turn: Turn | None = None,
    ) -> AsyncIterator[Engine]:
        """Take everything that it stands on, and give it back at the end."""
        own = OwnSessions()
        connector = OwnConnector(plain, own)
        async with founded(settings, connector, turn=turn) as stand:
            yield cls(settings, stand, connector=connector, own=own, board=board, metrics=metrics)

    @property
    def unmanaged(self) -> tuple[Unmanaged, ...]:
        """The roles that nobody declares, as the last full pass found them."""
        return self._report.unmanaged

    @property
    def unmanaged_problems(self) -> Mapping[str, str]:
        """Why the server refuses to disable or enable some of them, by name."""
        return self._report.unmanaged_problems

    async def run(self) -> None:
        """Detect and correct until the lock is lost, or something unexpected is raised."""
        self.wake.wake(Full("start"))
        await run_together((self._watch_lock(), *self._detectors.loops(), self._pass_loop()))

    async def accept(
        self, merge: Callable[[AcceptedState | None], Awaitable[AcceptedState]]
    ) -> AcceptedState:
        """Remember what `merge` makes of the accepted state, then use it.

        A takeover that a pass ends meanwhile changes the accepted state too: so it is read, merged
        and written with nobody in between. What was refused is asked again.
        """
        async with self._storing:
            with self.passes.replacing():
                previous = self.passes.memory.accepted
                accepted = await merge(previous)
                await self.passes.make_way(accepted)
                await self._store(accepted)
            await self.passes.ask_again()
        return accepted

    async def _restate(self, edit: Callable[[AcceptedState], AcceptedState]) -> None:
        """Store what `edit` makes of the accepted state, with nobody in between."""
        async with self._storing:
            accepted = self.passes.accepted()
            changed = edit(accepted)
            if changed != accepted:
                await self._store(changed)

    async def _store(self, accepted: AcceptedState) -> None:
        self.lock.require()
        await self.home.store_accepted(accepted)
        self.passes.memory.accepted = accepted

    async def consent(self, to: Waiting) -> None:
        """Remember that a person has agreed to this, and look again."""
        self.lock.require()
        match to:
            case Withheld(digest=digest):
                await self._note(released(self.passes.memory.brake, digest))
            case Unapproved(digest=digest):
                await self._note(approved(self.passes.memory.brake, digest))
            case Takeover():
                await self._take_over(to)
            case _:
                assert_never(to)
        self.wake.wake(Full("a person agreed to what waited"))

    async def _note(self, brake: BrakeMemory) -> None:
        self.passes.memory.brake = brake
        await self.home.store_brake(brake)

    def takeovers(self) -> tuple[Takeover, ...]:
        """What may be accepted now: what the last pass saw, and a push that was refused since."""
        refused = self.passes.memory.refused_push
        seen = self.latest.takeover if self.latest else None
        if seen is not None and seen.kind == "Restore":
            seen = None  # it was a push, which may have been let in since
        found = (seen, refused.takeover if refused else None)
        return tuple(one for one in found if one is not None)

    async def _take_over(self, takeover: Takeover) -> None:
        """Obey another server last of all: the marks that passes read before are another's."""
        if takeover.kind == "Server":
            await self.home.accept_server(takeover.new_identifier)
        if takeover.disabled:
            await self.home.note_disabled_again(takeover.disabled)
        await self._restate(lambda accepted: accepting(accepted, takeover))
        if takeover.kind == "Server":
            self.passes.memory.system_identifier = takeover.new_identifier
        log.info("takeover accepted", kind=takeover.kind, token=takeover.token)

    async def _end_takeover(self, one: Pass) -> None:
        """What was taken back has its mark by now: it is taken once."""
        if one.restraint is not None or one.awaiting is not None:
            return
        ending = {end.name for end in one.desired.endings if end.is_taken_back}
        await self._restate(lambda accepted: taken_over(accepted, one.desired.adopted | ending))

    async def _forget_departed(self, one: Pass) -> None:
        """Of those whose roles are gone or released nothing needs to be known any more.

        Who was deleted and may log in by a role that has no mark is told of, and so is known.
        """
        memory, seen = self.passes.memory, self.passes.accepted()
        if waits(memory.brake):
            return  # what is in force has departed of its own, which goes with its approval
        if one.restraint is not None or not seen.departed or not is_judged(memory.brake, seen):
            return
        marks = await self.home.marks()
        holders = {
            str(mark.holder)
            for mark in marks
            if mark.regent == self.home.regent and not mark.released
        }
        holders |= {loose.holder for loose in one.unmanaged.not_ended}
        await self._restate(
            # What was pushed meanwhile is for the next pass: its marks may be to come.
            lambda accepted: without_ended(accepted, holders) if accepted is seen else accepted
        )

    async def _watch_lock(self) -> None:
        """The lock is for life: without it nothing may be written."""
        while await self.lock.check():
            try:
                async with asyncio.timeout(5):
                    await self.lock.lost.wait()
            except TimeoutError:
                continue
        lost = LockLost(way_out="It is taken again as soon as the server can be reached.")
        self._board.disconnected(trouble_body(lost, tries=0))
        raise lost

    async def _pass_loop(self) -> None:
        """A fault of ours in one pass is said and tried again; trouble with the server goes up.

        Ends where databases are let go of, which only another life can.
        """
        while True:
            hints = await self._next_hints()
            if self.passes.memory.accepted is None:
                # The board shows that nothing was accepted, which is nobody's mistake.
                continue
            self._detectors.begin()
            try:
                await self._one_pass(hints)
                if left := self.passes.left_behind():
                    log.info("databases are not served any more", databases=left)
                    return  # the next life stands on those that are
            except Exception as error:
                if isinstance(error, TROUBLE) and not isinstance(error, CANNOT_BE_SENT):
                    raise
                heed_cancellation()
                log.exception("pass failed")
                self._metrics.pass_failed()
                await self._prevention.let_through()
                self._detectors.give_again()
                self._agenda.begin()  # what was due is tried again, and not at once
                self._agenda.retry()
                self._board.say(
                    observing=f"The last pass failed ({type(error).__name__}); the log says where."
                    " It is tried again.",
                    restraint=LOOK_FAILED,
                )

    async def _next_hints(self) -> tuple[Hint, ...]:
        """The next hints, or the moment at which something falls due."""
        seconds = self._agenda.seconds()
        if seconds is None:
            return await self.wake.wait()
        try:
            async with asyncio.timeout(seconds):
                return await self.wake.wait()
        except TimeoutError:
            return (Full("due"),)

    async def _one_pass(self, hints: Sequence[Hint]) -> None:
        actor = await self._likely_actor(hints)
        await self._keep_the_detector(hints, actor)
        is_local = all(hint.is_recorded for hint in hints)
        hinted = {hint.database for hint in hints if isinstance(hint, LocalEvents)}
        taken = await self._detectors.take_events(hinted if is_local else None)
        events = {database: one.events for database, one in taken.items()}
        is_asked = self.passes.memory.overtaken.keys() <= taken.keys()
        served = {name: one for name, one in taken.items() if self.passes.serves(name)}
        if is_local and is_asked and is_simple(served) and await self._targeted(served):
            await self._detectors.forget_events(taken)
            return
        await self._full(hints, events, actor)
        await self._detectors.forget_events()

    async def _keep_the_detector(self, hints: Sequence[Hint], actor: Actor) -> None:
        """The triggers are there, or are not, as this Regent's restraint and its resource say."""
        accepted = self.passes.in_force()
        if self.latest is None:
            restrained = await self.passes.looker.restraint(accepted, self.passes.memory)
        else:
            restrained = self.latest.restraint
        spec = accepted.state.regent.spec
        await self._prevention.stand_down(spec, restrained)
        repaired = await self._upkeep.keep(spec, restrained, hints)
        await self._report.repaired(repaired, actor, datetime.now(UTC))

    async def _targeted(self, taken: dict[str, Taken]) -> bool:
        """True when the targeted pass could do it."""
        overtaken = self.passes.memory.overtaken
        for database, one in taken.items():
            left = overtaken.get(database, ())
            if not one.events and not left:
                continue
            is_new = any(event.command_tag not in ("GRANT", "REVOKE") for event in one.events)
            writers: dict[Address, frozenset[int]] = {}
            result = await self.passes.targeted(
                Touched(database, (*one.objects, *left), one.xids, with_schemas=is_new),
                may_correct=partial(self._are_all_known, database, one.events, writers),
            )
            if result is None:
                return False
            if result.drift:
                witnesses = Witnesses({database: one.events}, {database: writers}, NOBODY)
                await self._report.write(result, witnesses)
            if result.refused:
                return False
            self._agenda.confirm()
        self.passes.memory.overtaken = {}
        return True

    async def _are_all_known(
        self,
        database: str,
        events: Sequence[Event],
        writers: dict[Address, frozenset[int]],
        objects: Sequence[Address],
    ) -> bool:
        """Whether nobody wrote these objects after the events; notes who did, before we do."""
        async with self._connections.use(database, seconds=READ_SECONDS) as connection:
            writers.update(await row_versions(connection, objects))
        return not are_behind(events, writers)

    async def _full(
        self, hints: Sequence[Hint], events: dict[str, tuple[Event, ...]], actor: Actor
    ) -> None:
        self._agenda.begin()
        log.debug("pass", hints=[str(hint) for hint in hints])
        xmins: dict[str, Writers] = {}

        async def before_correcting(found: Mapping[str, tuple[Address, ...]]) -> None:
            """Which transactions wrote the drifted objects, asked before we write them.

            Then what they recorded: of whatever wrote a row that was seen, it is there by now.
            """
            for database, objects in found.items():
                with suppress(*TROUBLE):  # it is gone since: then nobody is named
                    async with self._connections.use(database, seconds=READ_SECONDS) as connection:
                        found_now = await row_versions(connection, objects)
                    earlier = xmins.get(database, {})
                    both = {one: found_now[one] | earlier.get(one, _NOBODY) for one in found_now}
                    xmins[database] = {**earlier, **both}
            for database, one in (await self._detectors.take_events()).items():
                events[database] = (*events.get(database, ()), *one.events)

        one = await self.passes.full(before_correcting=before_correcting, targeted_follows=True)
        for database in self.passes.memory.overtaken:
            self.wake.wake(LocalEvents(database))
        if self.latest is not None and self.latest.restraint != one.restraint:
            self.wake.wake(Full("restraint changed"))
        if one.server.newness and self.latest is None:
            log.warning("newer than known", said=one.server.newness)
        if one.illegible and (self.latest is None or self.latest.illegible != one.illegible):
            log.warning("names that are not UTF-8", left_alone=one.illegible)
        self.latest = one
        if one.awaiting is not None and one.awaiting.is_given:
            self.wake.wake(Full("approved"))
        await self._end_takeover(one)
        await self._forget_departed(one)
        spec = self.passes.in_force().state.regent.spec
        self._agenda.after(one, spec.resync_seconds)
        if (looked := self.passes.last_look) is not None:
            left = (change for result in one.results for change in result.remaining)
            damaged = await self._prevention.after(looked, spec, left=(*left, *one.damped))
            await self._report.repaired(damaged, actor, one.found_at, part="judge")
        if self._prevention.is_locked_out:
            self._agenda.within(LOCKED_OUT_SECONDS)
        self._board.say(not_acted_on=(*unsupported_of(spec), *self._prevention.not_acted_on))
        self._detectors.say()
        self._metrics.held.set(held_in(self.passes.accepted().state, one.outcomes.values()))
        await self._report.write(one, Witnesses(events, xmins, actor))
        if (seconds := self._report.looks_again_seconds) is not None:
            self._agenda.within(seconds)

    async def _likely_actor(self, hints: Sequence[Hint]) -> Actor:
        """Sessions do not last: asked at once, before anything is read."""
        if not any(hint.is_fleeting for hint in hints):
            return NOBODY
        async with self._connections.use(self.home.database, seconds=READ_SECONDS) as connection:
            return await likely_actor(connection, self._own)

"""A pass: look, apply, look again, and say what became of each resource.

Level-triggered (docs/architecture.md): what a pass does depends on the catalog, the accepted state
and the time alone, never on what woke it. What woke it only says who may have done it.

Long because a pass and what it leaves behind for the next one are read together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter

from regent.apply.closing import closed_by, locked_ends
from regent.apply.locked import WAIT_AGAIN_SECONDS, WAIT_SECONDS, Patience
from regent.apply.result import ChangeResult, Heed, nobody_heeds
from regent.apply.run import apply
from regent.changes import Change, Plan
from regent.gate.brake_memory import has_news, remember, superseded
from regent.gate.refusals import (
    ends_asked_at,
    keys_of,
    refusals,
    rights_of_admin,
)
from regent.home.store import Home
from regent.inspect.code_left import ending_pairs
from regent.kinds import Address
from regent.observed import ObservedServer
from regent.passes.drift import (
    NameOfDesired,
    came_since,
    drift_of,
    names_of,
    objects_of,
)
from regent.passes.look import Looked, Looker, Memory
from regent.passes.one_pass import Pass, pass_of
from regent.passes.targeted import Touched, look_at
from regent.plan.handing_over import adopted_by, sessions_ended_by, still_unfinished
from regent.remembered import AcceptedState, BrakeMemory, Mark
from regent.server.connections import Connections

BeforeCorrecting = Callable[[Mapping[str, tuple[Address, ...]]], Awaitable[None]]
ROUNDS = 4
"""How often one pass applies and looks again before it leaves the rest to the next one."""


async def dry_pass(
    looker: Looker, accepted: AcceptedState, marks: tuple[Mark, ...], memory: Memory
) -> Pass:
    """What a full pass would do. Writes and remembers nothing."""
    began = perf_counter(), datetime.now(UTC)
    looked = await looker.look(accepted, marks, memory, began[1])
    return pass_of(accepted, looked, looked, (), (), began, is_dry=True)


class Passes:
    """Runs passes over one server. One at a time: the caller sees to that."""

    def __init__(
        self,
        *,
        looker: Looker,
        home: Home,
        connections: Connections,
        served: tuple[str, ...],
        memory: Memory,
        before_write: Callable[[], None],
        heed: Heed = nobody_heeds,
    ) -> None:
        """`before_write` raises when nothing may be written: RegentLock.require."""
        self.memory = memory
        self.looker = looker
        self._home = home
        self._connections = connections
        self._served = served
        self._before_write = before_write
        self._heed = heed
        self._names = NameOfDesired()
        self._is_brake_stored = True
        self._wait_seconds = WAIT_SECONDS

    async def observe(self, accepted: AcceptedState) -> Pass:
        """A dry pass with everything that is remembered."""
        memory = self.memory.as_of_now()
        marks = await self._home.marks()
        memory.census = await self._home.census()
        return await dry_pass(self.looker, accepted, marks, memory)

    async def full(self, *, before_correcting: BeforeCorrecting | None = None) -> Pass:
        """One whole pass over the accepted state, which must be there.

        `before_correcting` gets the drifted objects by database, before they are written.
        Under a restraint it is a look, and what came since the last one is drift all the same.
        """
        await self._home.require_safe()
        accepted = self.accepted()
        began = perf_counter(), datetime.now(UTC)
        first = await self._look(accepted, began[1])
        if first.restraint is None and await self._forget_refusals(first.observed.server):
            first = await self._look(accepted, began[1])
        last = first
        drift = list(self._drift(first))
        results: list[ChangeResult] = []
        if drift and before_correcting is not None:
            await before_correcting(objects_of(drift))
        if first.restraint is None:
            await self._decide(accepted, first)
            last = await self._correct(accepted, first, results, drift, before_correcting)
            if last is not first:
                await self._decide(accepted, last)
        await self._forget_what_is_gone(last)
        await self._remember(last)
        one = pass_of(accepted, first, last, tuple(results), tuple(drift), began)
        times = (one.next_due, ends_asked_at(self.memory.refused) if last.refused else None)
        return replace(one, next_due=min((at for at in times if at is not None), default=None))

    async def _forget_refusals(self, server: ObservedServer) -> bool:
        """True where the admin's own rights are others by now: what was refused is asked again."""
        memory, found = self.memory, rights_of_admin(server)
        before, memory.rights = memory.rights, found
        if before in (None, found) or not memory.refused:
            return False
        await self.ask_again()
        return True

    async def ask_again(self) -> None:
        """Whatever the server refused for good until now."""
        self.memory.refused = {}
        await self._home.forget_unmanageable()

    async def _forget_what_is_gone(self, last: Looked) -> None:
        """What the server refused and nothing plans any more; what could not be read may come."""
        if last.unread or last.restraint is not None or not self.memory.refused:
            return
        planned = {key for one in last.refused for key in keys_of(one.change)}
        gone = self.memory.refused.keys() - planned
        if gone:
            kept = {key: one for key, one in self.memory.refused.items() if key not in gone}
            self.memory.refused = kept
            await self._home.forget_unmanageable(sorted(gone))

    async def _correct(
        self,
        accepted: AcceptedState,
        first: Looked,
        results: list[ChangeResult],
        drift: list[Change],
        before_correcting: BeforeCorrecting | None,
    ) -> Looked:
        """Apply and look again, until nothing is left or nothing goes on; the last look.

        What somebody does meanwhile is drift as well, though it is corrected in the same pass.
        """
        last, patience = first, Patience(self._wait_seconds)
        for _ in range(ROUNDS):
            if last.verdict.plan.is_empty:
                break
            if last is not first:
                await self._decide(accepted, last)
            done = await self._write(last.verdict.plan, last.observed.server, patience)
            self._note_ended(done)
            self._note_left(done, last)
            is_locked = self._note_locked(done)
            results.extend(done)
            before, last = last, await self._look(accepted, datetime.now(UTC))
            new = self._came_since(before, last)
            drift.extend(new)
            if new and before_correcting is not None:
                await before_correcting(objects_of(new))
            goes_on = is_locked or any(result.done for result in done)
            if last.restraint is not None or not goes_on:
                break
        # Who holds something for long is not waited for again and again, while others wait for us.
        self._wait_seconds = WAIT_AGAIN_SECONDS if patience.is_over else WAIT_SECONDS
        return last

    async def targeted(
        self,
        touched: Touched,
        *,
        may_correct: Callable[[Sequence[Address]], Awaitable[bool]],
    ) -> Pass | None:
        """Correct what was touched; None when only a full pass will do.

        `may_correct` is asked about the objects that differ, before they are written.
        """
        accepted = self.accepted()
        found = await look_at(touched, self.memory, self._connections, self.looker.compilations)
        if found is None:
            return None
        wanted = found.wanted
        results: tuple[ChangeResult, ...] = ()
        if not wanted.is_empty:
            if not await may_correct(objects_of(wanted.changes).get(touched.database, ())):
                return None
            await self._home.require_safe()
            patience, server = Patience(WAIT_AGAIN_SECONDS), found.looked.observed.server
            results = await self._write(wanted, server, patience, is_last_word=False)
        return found.done(results, accepted.state.revision)

    def accepted(self) -> AcceptedState:
        """What was pushed last; LookupError before the first push."""
        if self.memory.accepted is None:
            raise LookupError("no desired state was accepted yet")
        return self.memory.accepted

    async def _look(self, accepted: AcceptedState, now: datetime) -> Looked:
        memory = self.memory.as_of_now()
        marks = await self._home.marks()
        memory.census = await self._home.census()
        return await self.looker.look(accepted, marks, memory, now)

    async def _write(
        self,
        wanted: Plan,
        server: ObservedServer,
        patience: Patience,
        *,
        is_last_word: bool = True,
    ) -> tuple[ChangeResult, ...]:
        results = await apply(
            wanted,
            server=server,
            connections=self._connections,
            home=self._home,
            served=self._served,
            before_write=self._before_write,
            patience=patience,
            heed=self._heed,
        )
        refused = refusals(results, datetime.now(UTC))
        if refused and is_last_word:
            self.memory.refused = {**self.memory.refused, **refused}
            await self._home.remember_unmanageable(
                {key: (one.sqlstate, one.message) for key, one in refused.items()}
            )
        return results

    async def _decide(self, accepted: AcceptedState, looked: Looked) -> None:
        """The brake's word is remembered before anything is done about it.

        So a pass that is killed half way is finished after the restart, not judged anew by what is
        left of it; and a release that comes meanwhile is never overwritten. Where nothing is taken
        away there is no word to keep: the new baseline is stored at the end of the pass.
        """
        memory = self.memory
        brake = decided(memory.brake, looked, accepted, datetime.now(UTC))
        is_said = has_news(brake, memory.brake)
        self._is_brake_stored &= brake.baseline is memory.brake.baseline and not is_said
        memory.brake = brake
        if is_said:
            await self._store_brake()

    def _note_ended(self, done: Sequence[ChangeResult]) -> None:
        """Sessions that have ended need not end again; after a crash they may once more."""
        self._keep(without_ended(self.memory.brake, (one.change for one in done if one.done)))

    def _note_left(self, done: Sequence[ChangeResult], looked: Looked) -> None:
        """Whose membership has ended: the next look asks for the code that they may still use."""
        changes, brake = (one.change for one in done if one.done), self.memory.brake
        self._set_left(ending_pairs(changes, looked.resolution.desired, brake.left))

    def _set_left(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._keep(self.memory.brake.model_copy(update={"left": frozenset(pairs)}))

    def _keep(self, brake: BrakeMemory) -> None:
        """To be stored at the end of the pass, where it is news."""
        if brake != self.memory.brake:
            self.memory.brake = brake
            self._is_brake_stored = False

    def _note_locked(self, done: Sequence[ChangeResult]) -> bool:
        """Whose LOGIN cannot be taken loses the rest at once; True where it is one more."""
        before = self.memory.locked_ends
        self.memory.locked_ends |= locked_ends(done)
        return self.memory.locked_ends != before

    async def supersede(self, previous: AcceptedState | None) -> None:
        """Remember what a state gave, before another one takes its place."""
        brake = superseded(self.memory.brake, previous)
        if brake is not self.memory.brake:
            self.memory.brake = brake
            await self._store_brake()

    async def _store_brake(self) -> None:
        self._before_write()
        await self._home.store_brake(self.memory.brake)
        self._is_brake_stored = True

    async def _remember(self, last: Looked) -> None:
        """What shall hold from now on, and what does not yet: anything beyond that is drift."""
        memory = self.memory
        memory.unread = frozenset(last.unread)
        if last.restraint is None and not last.unread and memory.brake.left:
            self._set_left({(one.role, one.member) for one in last.code_left} & memory.brake.left)
        memory.locked_ends &= frozenset(closed_by(last.verdict.plan.changes))
        # A targeted pass knows nothing of what waits, and would give it.
        is_settled = last.verdict.plan.is_empty and not last.verdict.is_pulled
        is_settled = is_settled and not last.verdict.waiting
        memory.looked = last if is_settled and last.restraint is None else None
        desired = self._names.of(last.resolution.desired)
        update = {"in_force": desired, "still_open": names_of(last.not_done)}
        self._keep(memory.brake.model_copy(update=update))
        if not self._is_brake_stored and not last.observed.server.is_in_recovery:
            await self._store_brake()
        identifier = last.observed.server.system_identifier
        if identifier and not memory.system_identifier and last.restraint is None:
            memory.system_identifier = identifier
            await self._home.store_system_identifier(identifier)

    def _came_since(self, before: Looked, last: Looked) -> tuple[Change, ...]:
        """What differs since the look before, while the same was desired all the time."""
        if self._names.is_another(last.resolution.desired, self.memory.brake.in_force):
            return ()
        new = came_since(before.not_done, last.verdict)
        return tuple(change for change in new if change.local_to not in before.unread)

    def _drift(self, first: Looked) -> tuple[Change, ...]:
        """What differs though the same is desired as in the last pass."""
        memory, desired = self.memory, first.resolution.desired
        if first.verdict.plan.is_empty:
            return ()
        anew = self._names.anew(desired, memory.brake.in_force)
        if anew is None:
            return ()
        return drift_of(first.verdict, memory.brake.still_open, memory.unread, anew)


def decided(
    brake: BrakeMemory, looked: Looked, accepted: AcceptedState, now: datetime
) -> BrakeMemory:
    """What is remembered of a look before anything is done about it. Pure."""
    verdict, changes = looked.verdict, looked.verdict.plan.changes
    known = remember(
        brake, verdict, accepted, now, is_final=looked.is_final, holders=looked.holders
    )
    desired = looked.resolution.desired
    unfinished = still_unfinished(
        # Also where nothing declares it just now: it may come back before its mark goes.
        brake.unfinished & (frozenset(desired.roles) | frozenset(looked.holders)),
        (*looked.wanted.changes, *(one.change for one in looked.refused)),
        looked.observed.server,
        is_all_read=not looked.unread,
        strangers=looked.wanted.strangers,
    ) | adopted_by(changes)
    sessions = brake.sessions | sessions_ended_by(changes)
    sessions &= unfinished | frozenset(desired.roles)
    return known.model_copy(update={"unfinished": unfinished, "sessions": sessions})


def without_ended(brake: BrakeMemory, done: Iterable[Change]) -> BrakeMemory:
    """What is remembered less the sessions that have ended. Pure."""
    ended = sessions_ended_by(done) & brake.sessions
    if not ended:
        return brake
    return brake.model_copy(update={"sessions": brake.sessions - ended})

"""A pass: look, apply, look again, and say what became of each resource.

Level-triggered (docs/architecture.md): what a pass does depends on the catalog, the accepted state
and the time alone, never on what woke it. What woke it only says who may have done it.

Long because a pass and what it leaves behind for the next one are read together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic, perf_counter

from regent.apply.closing import closed_by, locked_ends
from regent.apply.locked import WAIT_AGAIN_SECONDS, WAIT_SECONDS, Patience
from regent.apply.result import ChangeResult, Heed, nobody_heeds
from regent.apply.run import apply
from regent.changes import Change, Plan
from regent.contention.damping import Damper
from regent.gate.approval import (
    Serving,
    approval_given,
    doubted,
    heard,
    in_force,
    is_first,
    making_way,
    put_in_force,
    served_by,
    settled,
    waits,
)
from regent.gate.brake_memory import has_news, is_judged, remember
from regent.gate.identities import Identities
from regent.gate.losses import taken_by
from regent.gate.refusals import (
    Refused,
    asked_soon_at,
    is_permanent,
    keys_of,
    refusals,
    rights_of_admin,
)
from regent.home.store import Home
from regent.inspect.code_left import ending_pairs
from regent.kinds import Address
from regent.observed import ObservedServer
from regent.passes.approving import asking, awaiting_of, planned
from regent.passes.damped import Damped, damped, still_open
from regent.passes.damped import names_of as damped_names_of
from regent.passes.drift import (
    NameOfDesired,
    came_since,
    drift_of,
    names_of,
    objects_of,
)
from regent.passes.look import Looked, Looker, Memory
from regent.passes.new_rights import NewRights
from regent.passes.one_pass import Pass, pass_of
from regent.passes.overtaken import before_it_came
from regent.passes.targeted import Touched, look_at
from regent.passes.without_effect import keys_done, without_effect
from regent.plan.connecting import in_need
from regent.plan.handing_over import adopted_by, not_yet, sessions_ended_by, still_unfinished
from regent.remembered import ALL_OPEN, LOSSES_ARE_NAMED_BY, AcceptedState, BrakeMemory, Mark, Pause
from regent.server.connections import Connections

BeforeCorrecting = Callable[[Mapping[str, tuple[Address, ...]]], Awaitable[None]]
MANY = 200
"""What is written so often, or on so many objects, makes catalogs grow."""
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
        serving: Serving,
        memory: Memory,
        before_write: Callable[[], None],
        heed: Heed = nobody_heeds,
        monotonic: Callable[[], float] = monotonic,
    ) -> None:
        """`before_write` raises when nothing may be written: RegentLock.require."""
        self.memory = memory
        self.looker = looker
        self._home = home
        self._connections = connections
        self._serving = serving
        self._before_write = before_write
        self._heed = heed
        self._names = NameOfDesired()
        self._monotonic = monotonic
        self._damper = Damper()
        self._is_brake_stored = True
        self._rights = NewRights()
        self._wait_seconds = WAIT_SECONDS
        self._paused: frozenset[int] = frozenset()
        self._is_replacing = False
        self.before_writing: Callable[[Iterable[Change]], Awaitable[None]] | None = None
        """Hears what is done next."""
        self.last_look: Looked | None = None
        """The last one at what is in force, with what came while the last full pass worked."""

    async def observe(self, accepted: AcceptedState) -> Pass:
        """A dry pass with everything that is remembered."""
        memory, marks = await self._remembered()
        return await dry_pass(self.looker, accepted, marks, memory)

    async def plan(self, accepted: AcceptedState) -> Pass:
        """The same, and whether a person must approve it first."""
        memory, marks = await self._remembered()
        return await planned(self.looker, accepted, marks, memory)

    async def _remembered(self) -> tuple[Memory, tuple[Mark, ...]]:
        memory = self.memory.as_of_now()
        marks = await self._home.marks()
        memory.census = await self._home.census()
        memory.pauses = await self._home.pauses()
        return memory, marks

    async def full(
        self,
        *,
        before_correcting: BeforeCorrecting | None = None,
        targeted_follows: bool = False,
    ) -> Pass:
        """One whole pass over the accepted state, which must be there.

        `before_correcting` gets the drifted objects by database, before they are written.
        `targeted_follows`: what others do meanwhile may be left to it, in `memory.overtaken`.
        Under a restraint it is a look, and what came since the last one is drift all the same.
        """
        await self._home.require_safe()
        pushed = self.accepted()
        self._keep(settled(self.memory.brake, pushed))
        is_waiting = waits(self.memory.brake)
        accepted = self.in_force()
        self.memory.overtaken = {}
        began, started = (perf_counter(), datetime.now(UTC)), self._monotonic()
        first = await self._look(accepted, began[1])
        asked_in = None
        if first.restraint is None:
            asked_in = await self._forget_refusals(first.observed.server)
        if asked_in == 0:
            first = await self._look(accepted, began[1])
        last = first
        if self._names.is_another(first.resolution.desired, self.memory.brake.in_force):
            self._damper.forget()
        drift = list(self._drift(first))
        results: list[ChangeResult] = []
        if drift and before_correcting is not None:
            await before_correcting(objects_of(drift))
        if first.restraint is None:
            await self._decide(accepted, first)
            last = await self._correct(
                accepted,
                first,
                results,
                drift,
                before_correcting,
                targeted_follows=targeted_follows,
            )
            if last is not first:
                await self._decide(accepted, last)
        await self._forget_what_is_gone(last)
        # As of its beginning: what was put off since then may have come due, and is not done yet.
        less = self._less(last, started)
        begun = tuple(p for p in last.paused if p.pause.name not in self.memory.brake.told_pauses)
        await self._remember(last, less)
        one = pass_of(accepted, first, last, tuple(results), tuple(drift), began)
        one = replace(one, begun_pauses=begun, damped=less.waiting)
        soon = asked_soon_at(self.memory.refused, one.corrected_at) if last.refused else None
        put_off = began[1] + timedelta(seconds=less.seconds) if less.waiting else None
        rights = began[1] + timedelta(seconds=asked_in) if asked_in else None
        ends = (began[1] + timedelta(seconds=p.pause.left_seconds) for p in last.paused)
        times = (one.next_due, soon, put_off, rights, *ends)
        one = replace(one, next_due=min((at for at in times if at is not None), default=None))
        return await self._ask(one, last, pushed) if is_waiting else one

    async def _ask(self, one: Pass, last: Looked, pushed: AcceptedState) -> Pass:
        """Look at what waits; where a person has approved just that, the next pass carries it out.

        What was pushed meanwhile is another state, and asked about by the next pass.
        """
        said = approval_given(self.memory.brake)
        looked = last
        if not is_first(self.memory.brake):
            kept = in_force(self.memory.brake, pushed)
            looked = await self._look_at(pushed, datetime.now(UTC), beside=kept)
        brake = self.memory.brake
        found = awaiting_of(looked, brake, pushed)
        if self._is_replacing:
            return asking(one, found, pushed.state.revision)
        if said.fits(found.wanted) and self.accepted() is pushed:
            found = replace(found, is_given=True)
            # What is withheld of what was approved before waits for a release of its own.
            is_shown = looked is last or not last.verdict.is_pulled
            shown = looked.verdict.digest if is_shown and looked.verdict.is_pulled else ""
            brake = put_in_force(brake, shown)
        elif not found.obstacle:
            brake = heard(brake, said)
        if brake is not self.memory.brake:
            self.memory.brake = brake
            await self._store_brake()
        return asking(one, found, pushed.state.revision)

    def _less(self, looked: Looked, now: float) -> Damped:
        """What may be done now; whose own CONNECT waits is not shut out of PUBLIC's."""
        less = damped(looked.verdict.plan, self._damper, now)
        if not less.waiting:
            return less
        shut_out = in_need(looked.resolution.desired, looked.observed, less.plan.changes)
        return still_open(less, shut_out.keys()) if shut_out else less

    async def _forget_refusals(self, server: ObservedServer) -> float | None:
        """In how many seconds what was refused is asked again, as the admin has other rights.

        0: from now on. None: not for that.
        """
        memory, found = self.memory, rights_of_admin(server)
        if memory.rights in (None, found) or not memory.refused:
            memory.rights = found
            return None
        if seconds := self._rights.seconds(self._monotonic()):
            return seconds  # the rights that are remembered stay: a later pass asks
        memory.rights = found
        await self.ask_again()
        return 0.0

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
        *,
        targeted_follows: bool,
    ) -> Looked:
        """Apply and look again, until nothing is left or nothing goes on; the last look.

        What somebody does meanwhile is drift as well, though it is corrected in the same pass.
        """
        last, patience = first, Patience(self._wait_seconds)
        sent: Counter[str] = Counter()
        for _ in range(ROUNDS):
            if last.verdict.plan.is_empty:
                break
            if last is not first:
                await self._decide(accepted, last)
            less = self._less(last, self._monotonic())
            drift[:] = less.parts(drift)
            plan = _in_order(less, last, self.memory.brake)
            if plan.is_empty:
                break
            done = await self._write(plan, last.observed.server, patience)
            self._note_corrected(done, drift)
            self._note_ended(done)
            self._note_left(done, last)
            is_locked = self._note_locked(done)
            results.extend(done)
            before, last = last, await self._look(accepted, datetime.now(UTC))
            if not last.verdict.plan.is_empty and last.restraint is None:
                sent.update(keys_done(done))
                if await self._note_without_effect(sent, last):
                    last = await self._look(accepted, datetime.now(UTC))
            new = self._came_since(before, last)
            if targeted_follows and (at_rest := self._left_to_targeted(last, new)) is not None:
                last = at_rest
                break
            drift.extend(new)
            if new and before_correcting is not None:
                await before_correcting(objects_of(new))
            # What is refused for good is planned around: another change may take its place.
            goes_on = is_locked or any(one.done or is_permanent(one) for one in done)
            if last.restraint is not None or not goes_on:
                break
        # Who holds something for long is not waited for again and again, while others wait for us.
        self._wait_seconds = WAIT_AGAIN_SECONDS if patience.is_over else WAIT_SECONDS
        return last

    def _left_to_targeted(self, last: Looked, new: Sequence[Change]) -> Looked | None:
        """The last look as it was before others went on, where a targeted pass may do the rest."""
        at_rest = before_it_came(last, new)
        if at_rest is None or damped(last.verdict.plan, self._damper, self._monotonic()).waiting:
            return None
        self.memory.overtaken = objects_of(new)
        return at_rest

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
            # In this order the connection changes its role once; where any are told, all is read.
            if await self._home.pauses():
                return None
            await self._home.require_safe()
            self._paused = frozenset()
            if damped(wanted, self._damper, self._monotonic()).waiting:
                return None
            patience, server = Patience(WAIT_AGAIN_SECONDS), found.looked.observed.server
            results = await self._write(wanted, server, patience, is_last_word=False)
            self._note_corrected(results, (one.change for one in results))
        return found.done(results, accepted.state)

    def accepted(self) -> AcceptedState:
        """What was pushed last; LookupError before the first push."""
        if self.memory.accepted is None:
            raise LookupError("no desired state was accepted yet")
        return self.memory.accepted

    def in_force(self) -> AcceptedState:
        """What passes keep true: what was pushed last, or approved last (rule 20a)."""
        return in_force(self.memory.brake, self.accepted())

    def serves(self, database: str) -> bool:
        """False for one that is served only by what waits for approval: no look sees it."""
        return database in self._served()

    def left_behind(self) -> tuple[str, ...]:
        """Databases that were served as they had been approved, and are no more."""
        known = (*self._serving.declared, *self.in_force().state.regent.spec.databases)
        return tuple(one for one in self._serving.possible if one not in known)

    def _served(self) -> tuple[str, ...]:
        return served_by(self.memory.brake, self.in_force(), self._serving)

    async def _look(self, accepted: AcceptedState, now: datetime) -> Looked:
        """At what is in force: others go by it until the next pass."""
        self.last_look = await self._look_at(accepted, now)
        return self.last_look

    async def _look_at(
        self, accepted: AcceptedState, now: datetime, beside: AcceptedState | None = None
    ) -> Looked:
        """Once more where a role was paused meanwhile: what was done to it may be in what was read.

        Whoever prolongs a pause again and again keeps nobody from being corrected: the role is held
        already. One that is resumed meanwhile is held until the next pass, which that has woken.
        """
        held = _by_role(await self._home.pauses())
        while True:
            memory = self.memory.as_of_now()
            marks = await self._home.marks()
            memory.census = await self._home.census()
            memory.pauses = tuple(held.values())
            looked = await self.looker.look(accepted, marks, memory, now, beside=beside)
            found = _by_role(await self._home.pauses())
            if found.keys() <= held.keys():
                self._paused = frozenset(held)
                return looked
            held |= found

    async def _write(
        self,
        wanted: Plan,
        server: ObservedServer,
        patience: Patience,
        *,
        is_last_word: bool = True,
    ) -> tuple[ChangeResult, ...]:
        if self.before_writing is not None:
            await self.before_writing(wanted.changes)
        results = await apply(
            wanted,
            server=server,
            connections=self._connections,
            home=self._home,
            served=self._served(),
            before_write=self._before_write,
            patience=patience,
            heed=self._heed,
            may_go_on=self._is_nobody_else_paused,
        )
        if _written(results) >= MANY:
            self._connections.plan_anew()
        refused = refusals(results, datetime.now(UTC), self.memory.refused)
        if is_last_word:
            await self._remember_refused(refused)
        return results

    async def _is_nobody_else_paused(self) -> bool:
        """Whoever has just paused a role finds left what he does to it from then on."""
        return _by_role(await self._home.pauses()).keys() <= self._paused

    async def _remember_refused(self, refused: Refused) -> None:
        if refused:
            self.memory.refused = {**self.memory.refused, **refused}
            await self._home.remember_unmanageable(refused)

    async def _note_without_effect(self, sent: Mapping[str, int], last: Looked) -> bool:
        """True where something was done again and again, and is planned all the same."""
        found = without_effect(
            sent,
            last.verdict.plan,
            self.memory.refused,
            major=last.observed.server.major,
            now=datetime.now(UTC),
        )
        await self._remember_refused(found)
        return bool(found)

    async def _decide(self, accepted: AcceptedState, looked: Looked) -> None:
        """The brake's word is remembered before anything is done about it.

        So a pass that is killed half way is finished after the restart, not judged anew by what is
        left of it; and a release that comes meanwhile is never overwritten. Where nothing is taken
        away there is no word to keep: the new baseline is stored at the end of the pass.
        """
        before = self.memory.brake
        self._keep(decided(before, looked, accepted, datetime.now(UTC)))
        if has_news(self.memory.brake, before):
            await self._store_brake()

    def _note_corrected(self, done: Sequence[ChangeResult], drift: Iterable[Change]) -> None:
        found = frozenset(drift)
        corrected = (one.change for one in done if one.done and one.change in found)
        self._damper.note(damped_names_of(corrected), self._monotonic())

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
        before, self.memory.brake = self.memory.brake, brake
        if brake.baseline is not before.baseline or has_news(brake, before):
            self._is_brake_stored = False

    def _note_locked(self, done: Sequence[ChangeResult]) -> bool:
        """Whose LOGIN cannot be taken loses the rest at once; True where it is one more."""
        before = self.memory.locked_ends
        self.memory.locked_ends |= locked_ends(done)
        return self.memory.locked_ends != before

    @contextmanager
    def replacing(self) -> Iterator[None]:
        """While another state takes the place of the one that waits, nothing is approved.

        Else the approval of the one would put the other in force.
        """
        self._is_replacing = True
        try:
            yield
        finally:
            self._is_replacing = False

    def doubt(self, was_in_force: int, *, will_be_asked: bool = False) -> bool:
        """Take nothing for approved, where a newer revision was in force than is remembered.

        True where that is so. It is stored with the next pass that may store.
        """
        known, accepted = self.memory.brake, self.memory.accepted
        if accepted is not None:
            self._keep(doubted(known, accepted, was_in_force, will_be_asked=will_be_asked))
        if self.memory.brake is known:
            return False
        self.memory.looked = None
        return True

    async def doubt_before_a_push(self, was_in_force: int, *, will_be_asked: bool) -> None:
        """The same, stored before the push that is asked about."""
        if self.doubt(was_in_force, will_be_asked=will_be_asked):
            await self._store_brake()

    async def make_way(self, accepted: AcceptedState) -> None:
        """Remember what a state gave, or that it goes on, before another one takes its place."""
        brake = making_way(self.memory.brake, self.memory.accepted, accepted)
        if brake is not self.memory.brake:
            self.memory.brake = brake
            await self._store_brake()

    async def _store_brake(self) -> None:
        self._before_write()
        await self._home.store_brake(self.memory.brake)
        self._is_brake_stored = True

    async def _remember(self, last: Looked, less: Damped) -> None:
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
        update = {
            "in_force": desired,
            # What waits as others keep undoing it is drift still, when its turn has come.
            "still_open": names_of(less.without(last.not_done)),
            "told_pauses": frozenset(one.pause.name for one in last.paused),
        }
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
        new = came_since(before.not_done, last.seen)
        return tuple(change for change in new if change.local_to not in before.unread)

    def _drift(self, first: Looked) -> tuple[Change, ...]:
        """What differs though the same is desired as in the last pass."""
        memory, desired = self.memory, first.resolution.desired
        if first.seen.plan.is_empty:
            return ()
        anew = self._names.anew(desired, memory.brake.in_force)
        if anew is None:
            return ()
        return drift_of(first.seen, memory.brake.still_open, memory.unread, anew)


def _written(results: Sequence[ChangeResult]) -> int:
    done = [one.change for one in results if one.done]
    return len(done) + sum(map(len, objects_of(done).values()))


def _by_role(pauses: Iterable[Pause]) -> dict[int, Pause]:
    return {one.role_oid: one for one in pauses}


def _in_order(less: Damped, looked: Looked, brake: BrakeMemory) -> Plan:
    """Without what hands on a role that still has what waits."""
    if not less.waiting:
        return less.plan
    unfinished = looked.resolution.desired.adopted | brake.unfinished
    return not_yet(
        less.plan,
        unfinished,
        less.waiting,
        looked.observed.server,
        is_all_read=not looked.unread,
    ).plan


def decided(
    brake: BrakeMemory, looked: Looked, accepted: AcceptedState, now: datetime
) -> BrakeMemory:
    """What is remembered of a look before anything is done about it. Pure."""
    verdict, changes = looked.verdict, looked.verdict.plan.changes
    known = remember(
        brake,
        verdict,
        accepted,
        now,
        is_final=looked.is_final,
        puts_off=bool(looked.resolution.unmanaged.waits),
        holders=looked.holders,
    )
    desired = looked.resolution.desired
    unfinished = still_unfinished(
        # Also where nothing declares it just now: it may come back before its mark goes.
        brake.unfinished & (frozenset(desired.roles) | frozenset(looked.holders)),
        (*looked.wanted.changes, *(one.change for one in looked.refused), *looked.held),
        looked.observed.server,
        is_all_read=not looked.unread,
        strangers=looked.wanted.strangers,
    ) | adopted_by(changes)
    sessions = brake.sessions | sessions_ended_by(changes)
    sessions &= unfinished | frozenset(desired.roles)
    update = {
        "unfinished": unfinished,
        "sessions": sessions,
        "owed": _owed(brake, looked, accepted),
        "named": LOSSES_ARE_NAMED_BY,
    }
    return known.model_copy(update=update)


def _owed(brake: BrakeMemory, looked: Looked, accepted: AcceptedState) -> frozenset[str]:
    """What was taken by declarations, this one among them, and was not seen to be gone."""
    takes = not is_judged(brake, accepted) or bool(brake.given) or ALL_OPEN in brake.owed
    if not takes and not brake.owed:
        return brake.owed
    changes = (*looked.wanted.changes, *(one.change for one in looked.refused))
    known = Identities.of(changes, looked.observed)

    def taken(some: Iterable[Change]) -> frozenset[str]:
        return frozenset(known.name(atom) for one in some for atom in taken_by(one))

    open_ = taken(changes)
    owed = brake.owed | open_ if takes else brake.owed
    return owed if looked.unread else owed & (open_ | taken(looked.held))


def without_ended(brake: BrakeMemory, done: Iterable[Change]) -> BrakeMemory:
    """What is remembered less the sessions that have ended. Pure."""
    ended = sessions_ended_by(done) & brake.sessions
    if not ended:
        return brake
    return brake.model_copy(update={"sessions": brake.sessions - ended})

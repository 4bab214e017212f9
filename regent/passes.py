"""A pass: look, apply, look again, and say what became of each resource.

Level-triggered (architecture 1): what a pass does depends on the catalog, the accepted state and
the time alone, never on what woke it. What woke it only says who may have done it.

A *targeted* pass reads only the rows that a local event touched, so that a GRANT on one of ten
thousand tables is corrected in milliseconds; the full pass stays the truth.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import perf_counter

from regent.apply import apply
from regent.applying.result import ChangeResult
from regent.brake import Verdict, remember
from regent.changes import Change, GrantPrivileges, Plan, RevokePrivileges
from regent.connections import Connections
from regent.desired import Desired
from regent.home import Home
from regent.inspect import inspect_changed
from regent.look import Looked, Looker, Memory
from regent.observed import Observed, ObservedServer
from regent.plan import plan_objects
from regent.reading import interest_of
from regent.refusals import is_permanent, key_of, pieces, without_refused
from regent.remembered import AcceptedState, Mark
from regent.settle import settle
from shared.outcomes import Outcome

BeforeCorrecting = Callable[[dict[str, tuple[int, ...]]], Awaitable[None]]
ROUNDS = 3
"""How often one pass applies and looks again before it leaves the rest to the next one."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass saw and did. `drift` are the changes that nobody declared anew."""

    plan: Plan
    verdict: Verdict
    results: tuple[ChangeResult, ...]
    outcomes: Mapping[str, Outcome]
    server: ObservedServer
    desired: Desired
    drift: tuple[Change, ...]
    found_at: datetime
    corrected_at: datetime
    seconds: float
    revision: int
    next_due: datetime | None = None
    is_open: bool = False
    """Something that may be done was not: worth another try soon."""
    is_targeted: bool = False

    @property
    def refused(self) -> tuple[ChangeResult, ...]:
        """What the server did not do."""
        return tuple(result for result in self.results if not result.done)


async def dry_pass(
    looker: Looker, accepted: AcceptedState, marks: tuple[Mark, ...], memory: Memory
) -> Pass:
    """What a full pass would do. Writes and remembers nothing."""
    began, found_at = perf_counter(), datetime.now(UTC)
    looked = await looker.look(accepted, marks, memory, found_at)
    drift = _drift(memory, looked)
    return _pass(accepted, looked, looked, (), drift, (began, found_at), is_observing=True)


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
    ) -> None:
        """`before_write` raises when nothing may be written: RegentLock.require."""
        self.memory = memory
        self.looker = looker
        self._home = home
        self._connections = connections
        self._served = served
        self._before_write = before_write

    async def observe(self, accepted: AcceptedState) -> Pass:
        """A dry pass with everything that is remembered."""
        return await dry_pass(self.looker, accepted, await self._home.marks(), self.memory)

    async def full(self, *, before_correcting: BeforeCorrecting | None = None) -> Pass:
        """One whole pass over the accepted state, which must be there.

        `before_correcting` gets the oids of drifted objects by database, before they are written.
        """
        accepted = self.accepted()
        began, found_at = perf_counter(), datetime.now(UTC)
        first = last = await self._look(accepted, found_at)
        drift = _drift(self.memory, first)
        if drift and before_correcting is not None:
            await before_correcting(_drifted(drift))
        results: list[ChangeResult] = []
        for _ in range(ROUNDS):
            if last.verdict.plan.is_empty:
                break
            done = await self._write(last.verdict.plan, last.observed.server)
            results.extend(done)
            last = await self._look(accepted, found_at)
            if not any(result.done for result in done):
                break
        await self._remember(accepted, first, last)
        return _pass(
            accepted, first, last, tuple(results), drift, (began, found_at), is_observing=False
        )

    async def targeted(
        self, database: str, *, oids: Sequence[int], xids: Sequence[int], with_schemas: bool
    ) -> Pass | None:
        """Correct the objects that these transactions touched; None when only a full pass will do.

        `with_schemas` reads their schemas too: a new object may imply USAGE on its schema.
        Says nothing of the resources: outcomes are a full pass's word.
        """
        looked, accepted = self.memory.looked, self.accepted()
        began, now = perf_counter(), datetime.now(UTC)
        if looked is None or looked.push_etag != accepted.push_etag:
            return None
        due = looked.resolution.next_due
        if due is not None and due <= now:
            return None
        desired, server = looked.resolution.desired, looked.observed.server
        async with self._connections.use(database) as connection:
            touched = await inspect_changed(
                connection, interest_of(desired), oids=oids, xids=xids, with_schemas=with_schemas
            )
        found_at = datetime.now(UTC)
        wanted = without_refused(
            plan_objects(desired, Observed(server, {database: touched}), database),
            self.memory.refused,
        )
        results = (
            ()
            if wanted.is_empty
            else await self._write(wanted, server, is_last_word=False)
        )
        return Pass(
            plan=wanted,
            verdict=Verdict(wanted),
            results=results,
            outcomes={},
            server=server,
            desired=desired,
            drift=tuple(result.change for result in results if result.done),
            found_at=found_at,
            corrected_at=datetime.now(UTC),
            seconds=perf_counter() - began,
            revision=accepted.state.revision,
            next_due=due,
            is_targeted=True,
        )

    def accepted(self) -> AcceptedState:
        """What was pushed last; LookupError before the first push."""
        if self.memory.accepted is None:
            raise LookupError("no desired state was accepted yet")
        return self.memory.accepted

    async def _look(self, accepted: AcceptedState, now: datetime) -> Looked:
        return await self.looker.look(accepted, await self._home.marks(), self.memory, now)

    async def _write(
        self, wanted: Plan, server: ObservedServer, *, is_last_word: bool = True
    ) -> tuple[ChangeResult, ...]:
        results = await apply(
            wanted,
            server=server,
            connections=self._connections,
            home=self._home,
            served=self._served,
            before_write=self._before_write,
        )
        refused = {
            key_of(piece): (result.sqlstate, result.message)
            for result in results
            if not result.done and is_permanent(result)
            for part in result.remaining
            for piece in pieces(part)
        }
        if refused and is_last_word:
            self.memory.refused |= frozenset(refused)
            await self._home.remember_unmanageable(refused)
        return results

    async def _remember(self, accepted: AcceptedState, first: Looked, last: Looked) -> None:
        memory = self.memory
        baseline = memory.brake.baseline
        if baseline is None or baseline.push_etag != accepted.push_etag:
            verdict = last.verdict if last.verdict.is_pulled else first.verdict
            memory.brake = remember(memory.brake, verdict, accepted, datetime.now(UTC))
            await self._home.store_brake(memory.brake)
        memory.in_force = last.resolution.desired
        memory.still_open = frozenset(key_of(change) for change in last.verdict.plan.changes)
        is_settled = last.verdict.plan.is_empty and not last.verdict.is_pulled
        memory.looked = last if is_settled else None


def _pass(
    accepted: AcceptedState,
    first: Looked,
    last: Looked,
    results: tuple[ChangeResult, ...],
    drift: tuple[Change, ...],
    began: tuple[float, datetime],
    *,
    is_observing: bool,
) -> Pass:
    return Pass(
        plan=first.wanted,
        verdict=last.verdict if last.verdict.is_pulled else first.verdict,
        results=results,
        outcomes=settle(
            last.resolution.outcomes,
            results=results,
            verdict=last.verdict,
            remaining=replace(last.verdict.plan, matches=last.wanted.matches),
            is_observing=is_observing,
        ),
        server=last.observed.server,
        desired=last.resolution.desired,
        drift=drift,
        found_at=began[1],
        corrected_at=datetime.now(UTC),
        seconds=perf_counter() - began[0],
        revision=accepted.state.revision,
        next_due=last.resolution.next_due,
        is_open=not is_observing and not last.verdict.plan.is_empty,
    )


def _drift(memory: Memory, looked: Looked) -> tuple[Change, ...]:
    """What differs though the desired state was in force before, less what stayed open."""
    changes = looked.verdict.plan.changes
    if not changes or memory.in_force is None:
        return ()
    if _declared(looked.resolution.desired) != _declared(memory.in_force):
        return ()
    return tuple(one for one in changes if key_of(one) not in memory.still_open)


def _declared(desired: Desired) -> Desired:
    """Without what only the catalog says: that a role of ours has another name now."""
    roles = {name: replace(role, renamed_from=None) for name, role in desired.roles.items()}
    return replace(desired, roles=roles)


def _drifted(changes: tuple[Change, ...]) -> dict[str, tuple[int, ...]]:
    """The oids of the objects that these changes are about, by database."""
    found: dict[str, tuple[int, ...]] = {}
    for change in changes:
        if isinstance(change, GrantPrivileges | RevokePrivileges):
            oids = tuple(one.oid for one in change.objects)
            found[change.database] = found.get(change.database, ()) + oids
    return found

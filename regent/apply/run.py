"""Carries out a plan, in its order, and says what became of every change (rules 21 to 24).

The plan is cut into stretches that go to one place: role changes to the home database, where their
marks are; privileges to their database, in short transactions; and one at a time what cannot share
a transaction (ending sessions, handing ownership on, dropping). A refused change hides no other.
What does propagate: LockHeld, LockLost, and a home database that cannot be reached.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import assert_never

from regent.apply import roles
from regent.apply.coming import Coming, coming_to
from regent.apply.defaults import alter_defaults
from regent.apply.gathering import gather
from regent.apply.handing_on import Moved, Place, hand_on_owned
from regent.apply.leaving import require_handed_on, take_its_privileges
from regent.apply.locked import Patience
from regent.apply.means import Means
from regent.apply.owning import give_to_owner
from regent.apply.privileges import PrivilegeWork
from regent.apply.result import (
    NOT_THERE,
    REFUSALS,
    ChangeResult,
    Heed,
    MayGoOn,
    StepRefusedError,
    is_passing,
    it_holds,
    nobody_heeds,
    refused,
)
from regent.apply.sessions import end_sessions, require_ended
from regent.apply.transaction import run
from regent.apply.what_helps import with_what_helps
from regent.changes import (
    Change,
    CreateOwned,
    CreateRole,
    DisableRole,
    DropRole,
    Effect,
    EndSessions,
    GatherObjects,
    GrantMembership,
    GrantPrivileges,
    HandOnOwned,
    OfAttribute,
    OfDefaults,
    OfHolder,
    OfMembership,
    OfObjects,
    OfStranger,
    Plan,
    PrivilegeChange,
    ReleaseRole,
    RenameRole,
    SetOwner,
    Work,
)
from regent.home.locks import lock_roles_in_transaction
from regent.home.store import Home
from regent.observed import ObservedServer
from regent.plan.connecting import closes
from regent.plan.handing_over import Members
from regent.plan.renames import server_after
from regent.plan.turns import Takes
from regent.server.connections import Connections
from regent.server.trouble import CONNECTION_IS_GONE, CannotConnectError, heed_cancellation
from shared.names import quote_ident

__all__ = ["ChangeResult", "apply"]


class TooEarlyError(StepRefusedError):
    """What must be taken first could not be taken yet."""

    sqlstate = "55P03"

    def __init__(self) -> None:
        super().__init__(
            "what must come before it is not done yet: its role could not be made, has another"
            " name, keeps what it is to lose, or has a member who is to leave",
            way_out="The next pass or apply tries both.",
        )


def _names_of_others(not_done: Iterable[ChangeResult]) -> frozenset[str]:
    """Names that are not those of the roles which the plan means, as it could not name them so."""
    refused_here = [one.change for one in not_done]
    renames = [one for one in refused_here if isinstance(one, RenameRole)]
    made = {one.role for one in refused_here if isinstance(one, CreateRole)}
    return frozenset(made.union(*((one.role, one.new_name) for one in renames)))


def as_too_early(results: Sequence[ChangeResult]) -> Iterator[ChangeResult]:
    """Of what names a role that could not be made or renamed in the same stretch: that it waits.

    That the role is not there would be remembered, also when it can be made again.
    """
    others = _names_of_others(one for one in results if not one.done)
    for one in results:
        is_making = isinstance(one.change, CreateRole | RenameRole)
        is_told = one.done or is_making or one.sqlstate != NOT_THERE
        if is_told or others.isdisjoint(one.change.about):
            yield one
        else:
            yield refused(one.change, TooEarlyError(), seconds=one.seconds)


def _nothing_stands_in_the_way() -> None:
    """Nobody asked to be asked."""


async def apply(
    plan: Plan,
    *,
    server: ObservedServer,
    connections: Connections,
    home: Home,
    served: Collection[str] | None = None,
    before_write: Callable[[], None] = _nothing_stands_in_the_way,
    patience: Patience | None = None,
    heed: Heed = nobody_heeds,
    may_go_on: MayGoOn = it_holds,
) -> tuple[ChangeResult, ...]:
    """One result for each change of the plan, in its order. `heed` hears of them on the way.

    `before_write` is called before each transaction and stops everything by raising: give it
    RegentLock.require. `served` limits where a leaving role's privileges are dropped; None is
    every database that can be reached. `patience` is for all that others hold. Privileges are given
    and taken in many transactions, and `may_go_on` is asked between two.
    """
    means = Means(server, connections, home, before_write, patience or Patience(), may_go_on)
    work = _Work(plan, means, served, heed)
    heed((), len(plan.changes))
    return await work.carry_out()


@dataclass(frozen=True, slots=True)
class _Work:
    plan: Plan
    means: Means
    served: Collection[str] | None
    heed: Heed
    moved: dict[str, Moved] = field(default_factory=dict)
    """By leaver: what another one handed on is as much a power of the heir as any other."""
    gathered: dict[tuple[str, str], Moved] = field(default_factory=dict)
    """By former and new owner, as `moved`."""
    results: list[ChangeResult] = field(default_factory=list)
    for_roles: Patience = field(default_factory=Patience)
    """Apart: who holds tables takes nothing from the end of a login."""

    async def carry_out(self) -> tuple[ChangeResult, ...]:
        for planned in _stretches(self.plan):
            stretch = self._without_early(planned)
            if not stretch:
                continue
            work = stretch[0].work
            match work:
                case Work.ALONE:
                    for change in stretch:
                        self._add((await self._alone(change),))
                case Work.PRIVILEGES:
                    self._add(await self._privileges(stretch))
                case Work.ROLES:
                    done = await self._roles(stretch)  # they were heard of
                    self.results.extend(as_too_early(done))
                case _:
                    assert_never(work)
        return tuple(with_what_helps(one, self.means.server) for one in self.results)

    def _without_early(self, stretch: tuple[Change, ...]) -> tuple[Change, ...]:
        """What would give somebody what could not be taken yet is left to the next pass.

        What a person must take is not waited for: whoever has the role has that for so long.
        """
        not_done = [one for one in self.results if not one.done]
        if not not_done:
            return stretch
        passing = (one for one in not_done if is_passing(one.sqlstate, one.change))
        left = [change for one in passing for change in one.remaining]
        members = Members.of(server_after(self.plan.changes, self.means.server))
        takes, others = Takes.of(left, members), _names_of_others(not_done)
        is_given_less = any(
            isinstance(one.change, GrantMembership | GrantPrivileges) for one in not_done
        )
        early = {
            id(change)
            for change in stretch
            if takes.come_before(change)
            or not others.isdisjoint(change.about)
            or (is_given_less and closes(change))  # the next look knows whom it would shut out
        }
        self._add([refused(one, TooEarlyError()) for one in stretch if id(one) in early])
        return tuple(change for change in stretch if id(change) not in early)

    def _add(self, results: Sequence[ChangeResult]) -> None:
        self.results.extend(results)
        self.heed(results, len(self.plan.changes))

    async def _privileges(self, stretch: Sequence[Change]) -> tuple[ChangeResult, ...]:
        privileges = [c for c in stretch if isinstance(c, PrivilegeChange)]
        database = privileges[0].database or self.means.home.database
        return await PrivilegeWork(self.means, database, privileges).carry_out()

    async def _roles(self, stretch: Sequence[Change]) -> tuple[ChangeResult, ...]:
        return await roles.carry_out(
            self.means.home,
            stretch,
            major=self.means.server.major,
            before_write=self.means.before_write,
            patience=self.for_roles,
            ours=self.means.connections.pids,
            is_superuser=self.means.server.admin_is_superuser,
            heed=lambda results: self.heed(results, len(self.plan.changes)),
            oids=self._oids(),
        )

    def _oids(self) -> Mapping[str, int]:
        """The roles that this plan means, by the names that it gives them."""
        after = server_after(self.plan.changes, self.means.server)
        return {name: role.oid for name, role in after.roles.items()}

    async def _alone(self, change: Change) -> ChangeResult:
        began = time.monotonic()
        try:
            match change:
                case GatherObjects():
                    done = await self._gather(change)
                    return replace(done, seconds=time.monotonic() - began)
                case EndSessions(role=role):
                    await self._end_sessions(role)
                case HandOnOwned():
                    await self._hand_on(change)
                case OfDefaults():
                    await alter_defaults(self.means, change)
                case DropRole():
                    await self._drop(change)
                case CreateOwned() | SetOwner():
                    await give_to_owner(self.means, change)
                case ReleaseRole():
                    await self._release(change)
                case OfStranger():
                    raise TypeError(f"{type(change).__name__} is not carried out alone")
                case OfHolder() | OfAttribute() | OfMembership() | OfObjects():
                    raise TypeError(f"{type(change).__name__} is not carried out alone")
                case _:
                    assert_never(change)
        except (StepRefusedError, CannotConnectError, *REFUSALS, *CONNECTION_IS_GONE) as error:
            heed_cancellation()
            return refused(change, error, seconds=time.monotonic() - began)
        return ChangeResult(change, done=True, seconds=time.monotonic() - began)

    async def _end_sessions(self, role: str) -> None:
        kept_in = (one.change for one in self.results if not one.done)
        if any(isinstance(one, DisableRole) and one.role == role for one in kept_in):
            raise TooEarlyError  # it would come back at once
        self.means.before_write()
        async with self.means.home.connection() as connection:
            await end_sessions(connection, role, ours=self.means.connections.pids)

    async def _hand_on(self, change: HandOnOwned) -> None:
        """What the leaver owned is remembered in the home database while its end goes on.

        Else what was handed on by an earlier pass or process would count as the heir's own power.
        """
        role, ended_at = change.role, change.ended_at

        async def remember(owned: Collection[Place]) -> None:
            if ended_at is not None:
                await self.means.home.note_belongings(role, ended_at, owned)

        if role not in self.moved:
            known = await self.means.home.belongings(role, ended_at) if ended_at is not None else ()
            self.moved[role] = set(known)
        await hand_on_owned(
            self.means.connections,
            change,
            self.moved[role],
            before_write=self.means.before_write,
            patience=self.means.patience,
            coming=await self._coming(change),
            remember=remember,
        )

    async def _gather(self, change: GatherObjects) -> ChangeResult:
        moved = self.gathered.setdefault((change.former, change.owner), set())
        return await gather(self.means, change, moved, await self._coming(change))

    async def _coming(self, change: HandOnOwned | GatherObjects) -> Coming:
        marks = await self.means.home.marks()
        ours = (m.role for m in marks if m.regent == self.means.home.regent and not m.released)
        return coming_to(change, self.plan, self.results, ours)

    async def _release(self, change: ReleaseRole) -> None:
        """The mark goes when access is seen to have ended: until then the end is ours to keep."""
        await require_handed_on(self.means.home, change.role, self.results)
        await self._end(change)

    async def _drop(self, change: DropRole) -> None:
        """As long as sessions go on the role stays: by nothing else could anybody find them."""
        async with self.means.home.connection() as connection:
            await roles.require_meant(connection, (change.role,), self._oids())
            await require_ended(connection, change.role, ours=self.means.connections.pids)
        await require_handed_on(self.means.home, change.role, self.results)
        await take_its_privileges(self.means, change.role, served=self.served)
        await self._end(change, f"DROP ROLE IF EXISTS {quote_ident(change.role)}")

    async def _end(self, change: DropRole | ReleaseRole, *statements: str) -> None:
        """These and the mark's end in one transaction, in which no session of the role goes on."""

        async def seen() -> None:
            await require_ended(connection, change.role, ours=self.means.connections.pids)
            await roles.require_meant(connection, (change.role,), self._oids())
            for statement in statements:
                await connection.execute(statement)
            await roles.write_marks(connection, self.means.home.regent, [change])

        self.means.before_write()
        async with self.means.home.connection() as connection:
            await run(
                connection,
                [],
                patience=self.for_roles,
                after_begin=lambda: lock_roles_in_transaction(connection),
                before_commit=seen,
            )


def _stretches(plan: Plan) -> Iterator[tuple[Change, ...]]:
    """Neighbours that are carried out together, in order. No stretch has two effects.

    What takes CONNECT from PUBLIC is one of its own: whether it may is asked when all before it
    that gives CONNECT has been tried.
    """
    for _, stretch in groupby(plan.changes, key=_place):
        yield tuple(stretch)


def _place(change: Change) -> tuple[Work, str, Effect, bool]:
    return change.work, _database(change), change.effect, closes(change)


def _database(change: Change) -> str:
    """Of slices; what is done alone opens its own connection, change by change."""
    return change.local_to or "" if change.work is Work.PRIVILEGES else ""

"""Privileges of one database, in short transactions over slices of objects (rules 22, 23).

All changes of one object are in one transaction, in the order of the plan: what a REVOKE takes
along, and a later GRANT gives back, is never missing in between. A slice that is refused is halved
until the object, and then the grantee, is found that the server refuses; the others are done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import asyncpg

from regent.apply import table_locks as gentle_locks
from regent.apply.render import render
from regent.apply.result import REFUSALS, RETRIED, VANISHED, ChangeResult, refused, sqlstate
from regent.apply.table_locks import Strength
from regent.apply.transaction import LOCK_TIMEOUT_MS, as_their_roles, patiently, run
from regent.changes import Effect, GrantPrivileges, ObjectRef, RevokePrivileges
from regent.kinds import KINDS, Address, Row
from regent.server.connections import Connections
from regent.server.trouble import CONNECTION_IS_GONE, CannotConnectError, heed_cancellation

PrivilegeChange: TypeAlias = GrantPrivileges | RevokePrivileges

OBJECTS_PER_TRANSACTION = 500
"""On 18 each named table costs a lock until the end; the table of locks has room for thousands."""

SECONDS_PER_TRANSACTION = 0.2
USE_SECONDS = 300.0
"""A transaction that takes that long is given up: the other databases wait for this pass."""
STRONG_LOCK_TIMEOUT_MS = 100
NO_SUCH_ROLE = "42704"


Grantee: TypeAlias = str | None


@dataclass(frozen=True, slots=True)
class _Scope:
    """A rectangle of the work: these objects, these grantees."""

    objects: tuple[Address, ...]
    grantees: tuple[Grantee, ...]

    def halves(self, *, grantees_first: bool) -> tuple[_Scope, _Scope] | None:
        """Two smaller ones; None for one object and one grantee."""
        by_objects, by_grantees = self._by_objects(), self._by_grantees()
        if grantees_first:
            return by_grantees or by_objects
        return by_objects or by_grantees

    def _by_objects(self) -> tuple[_Scope, _Scope] | None:
        middle = len(self.objects) // 2
        if not middle:
            return None
        return (
            replace(self, objects=self.objects[:middle]),
            replace(self, objects=self.objects[middle:]),
        )

    def _by_grantees(self) -> tuple[_Scope, _Scope] | None:
        middle = len(self.grantees) // 2
        if not middle:
            return None
        return (
            replace(self, grantees=self.grantees[:middle]),
            replace(self, grantees=self.grantees[middle:]),
        )


@dataclass(slots=True)
class _Tally:
    """What happened to one change so far."""

    failed: list[tuple[PrivilegeChange, BaseException]] = field(default_factory=list)
    seconds: float = 0.0


class PrivilegeWork:
    """One run of changes over one database."""

    def __init__(
        self,
        connections: Connections,
        database: str,
        changes: Sequence[PrivilegeChange],
        *,
        major: int,
        before_write: Callable[[], None],
    ) -> None:
        self._connections = connections
        self._database = database
        self._changes = tuple(changes)
        self._major = major
        self._before_write = before_write
        self._strength = Strength.STRONG
        self._tallies = [_Tally() for _ in changes]

    async def carry_out(self) -> tuple[ChangeResult, ...]:
        """One result for each change, in order."""
        objects = tuple(sorted({one for change in self._changes for one in change.addresses}))
        grantees = tuple(dict.fromkeys(g for change in self._changes for g in change.grantees))
        size = OBJECTS_PER_TRANSACTION
        start = 0
        while start < len(objects):
            began = time.monotonic()
            await self._scope(_Scope(objects[start : start + size], grantees))
            start += size
            size = _next_size(size, time.monotonic() - began)
        return tuple(map(self._result, self._changes, self._tallies))

    async def _scope(self, scope: _Scope) -> None:
        try:
            await self._reconnecting(scope, range(len(self._changes)))
        except CannotConnectError as error:
            self._note(scope, range(len(self._changes)), error)
        except REFUSALS as error:
            is_about_a_role = sqlstate(error) == NO_SUCH_ROLE
            if is_about_a_role and len(scope.grantees) == 1:
                self._note(scope, range(len(self._changes)), error)
                return
            halves = scope.halves(grantees_first=is_about_a_role)
            if halves is None:
                await self._change_by_change(scope)
            else:
                for half in halves:
                    await self._scope(half)

    async def _reconnecting(self, scope: _Scope, which: Collection[int]) -> None:
        """Once more on a new connection when this one breaks: GRANT and REVOKE bear it."""
        try:
            await self._together(scope, which)
        except CONNECTION_IS_GONE:
            heed_cancellation()
            try:
                await self._together(scope, which)
            except CONNECTION_IS_GONE as error:
                raise CannotConnectError("The connection broke twice.") from error

    async def _change_by_change(self, scope: _Scope) -> None:
        """One object, one grantee: leave out the changes that are refused, do the others."""
        left = [n for n, c in enumerate(self._changes) if _restrict(c, scope) is not None]
        while left:
            try:
                await self._together(scope, left)
            except REFUSALS as error:
                if sqlstate(error) in VANISHED:
                    return
                culprits = await self._culprits(scope, left) or dict.fromkeys(left, error)
                for number, reason in culprits.items():
                    self._note(scope, [number], reason)
                left = [n for n in left if n not in culprits]
            else:
                return

    async def _culprits(self, scope: _Scope, left: Sequence[int]) -> dict[int, BaseException]:
        """The first change that is refused when the ones before it are done, tried and undone.

        When it would give back what a REVOKE takes along, the REVOKE is not done either.
        """
        for place, last in enumerate(left):
            try:
                await self._together(scope, left[: place + 1], keep=False)
            except REFUSALS as error:
                revokes = [
                    n for n in left[:place] if isinstance(self._changes[n], RevokePrivileges)
                ]
                return dict.fromkeys(
                    [*(revokes if _gives_back(self._changes[last]) else []), last], error
                )
        return {}

    async def _together(self, scope: _Scope, which: Collection[int], *, keep: bool = True) -> None:
        """These changes within the scope, in one transaction; `keep=False` tries and undoes."""
        began = time.monotonic()
        restricted = {n: _restrict(self._changes[n], scope) for n in which}
        parts = {n: part for n, part in restricted.items() if part is not None}
        if not parts:
            return
        statements = [s for part in parts.values() for s in render(part, major=self._major)]
        body = as_their_roles(statements)
        if not keep:
            body += ["ROLLBACK", "BEGIN"]
        objects = {
            address: (KINDS[part.kind], one)
            for part in parts.values()
            for address, one in zip(part.addresses, part.objects, strict=True)
        }
        await self._with_locks(list(objects.values()), body)
        spent = (time.monotonic() - began) / len(parts)
        for n in parts:
            self._tallies[n].seconds += spent

    async def _with_locks(
        self, objects: Sequence[tuple[Row, ObjectRef]], body: Sequence[str]
    ) -> None:
        """With the strongest locks that are to be had."""
        locks = gentle_locks.lock(objects, self._strength)
        is_strong = self._strength is Strength.STRONG and bool(locks)
        if is_strong:
            try:
                await self._attempt([*locks, *body], STRONG_LOCK_TIMEOUT_MS, RETRIED - {"55P03"})
            except asyncpg.LockNotAvailableError:
                pass
            except asyncpg.InsufficientPrivilegeError:
                self._strength = Strength.SOFT
            else:
                return
            locks = gentle_locks.lock(objects, Strength.SOFT)
        # Of many objects one is held: to find it by halving is faster than to wait with all.
        retried = RETRIED if len(objects) == 1 else RETRIED - {"55P03"}
        await self._attempt([*locks, *body], retried=retried)

    async def _attempt(
        self,
        statements: Sequence[str],
        lock_timeout_ms: int = LOCK_TIMEOUT_MS,
        retried: Collection[str] = RETRIED,
    ) -> None:
        async def once() -> None:
            self._before_write()
            async with self._connections.use(self._database, seconds=USE_SECONDS) as connection:
                await run(connection, statements, lock_timeout_ms=lock_timeout_ms)

        # A name that is not there was dropped: it does not come back by waiting.
        await patiently(once, retried=frozenset(retried) - VANISHED)

    def _note(self, scope: _Scope, which: Collection[int], error: BaseException) -> None:
        for number in which:
            part = _restrict(self._changes[number], scope)
            if part is not None:
                self._tallies[number].failed.append((part, error))

    def _result(self, change: PrivilegeChange, tally: _Tally) -> ChangeResult:
        if not tally.failed:
            return ChangeResult(change, done=True, seconds=tally.seconds)
        first, error = tally.failed[0]
        state = sqlstate(error)
        parts = tuple(part for part, why in tally.failed if sqlstate(why) == state)
        result = refused(change, error, seconds=tally.seconds, remaining=parts)
        if parts == (change,):
            return result
        where = f"{_shown(first.objects[0])} for {first.grantees[0] or 'PUBLIC'}"
        return replace(result, message=f"Refused in part, first {where}: {result.message}")


def _next_size(size: int, seconds: float) -> int:
    """Slices that take too long get smaller, and grow again."""
    if seconds > SECONDS_PER_TRANSACTION:
        return max(size // 2, 1)
    if seconds < SECONDS_PER_TRANSACTION / 4:
        return min(size * 2, OBJECTS_PER_TRANSACTION)
    return size


def _restrict(change: PrivilegeChange, scope: _Scope) -> PrivilegeChange | None:
    """The change within the scope, objects in order of oid; None when it has no part in it."""
    inside_it = frozenset(scope.objects)
    pairs = zip(change.addresses, change.objects, strict=True)
    objects = sorted((one for at, one in pairs if at in inside_it), key=lambda one: one.oid)
    inside = frozenset(scope.grantees)
    grantees = tuple(g for g in change.grantees if g in inside)
    if not objects or not grantees:
        return None
    return replace(change, objects=tuple(objects), grantees=grantees)


def _gives_back(change: PrivilegeChange) -> bool:
    """A GRANT among narrowing changes: of what a REVOKE before it took along."""
    return isinstance(change, GrantPrivileges) and change.effect is Effect.NARROW


def _shown(thing: ObjectRef) -> str:
    return f"{thing.schema}.{thing.name}" if thing.schema else thing.name

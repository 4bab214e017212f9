"""Privileges of one database, in short transactions over slices of objects (rules 22, 23).

All changes of one object are in one transaction, in the order of the plan: what a REVOKE takes
along, and a later GRANT gives back, is never missing in between. A slice that is refused is halved
until the object, and then the grantee, is found that the server refuses; the others are done.

What others hold is not looked for by halving, where each try is a wait: one query says what is
locked and by whom, all else is done first, and then that is waited for as long as the patience of
the pass lasts (docs/adr/0007).

Long because the ways in which a slice is taken apart are read together.
"""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import asyncpg

from regent.apply import table_locks as gentle_locks
from regent.apply.becoming import Becoming
from regent.apply.locked import LOCK_IS_HELD, Locked, LockedError, look_for
from regent.apply.means import Means
from regent.apply.names import Named, meant_by_oid
from regent.apply.pieces import Piece, Tally
from regent.apply.render import render
from regent.apply.result import (
    NOT_THERE,
    REFUSALS,
    RETRIED,
    VANISHED,
    ChangeResult,
    OvertakenError,
    StepRefusedError,
    sqlstate,
)
from regent.apply.table_locks import Strength
from regent.apply.transaction import LOCK_TIMEOUT_MS, as_their_roles, patiently, run
from regent.changes import Effect, GrantPrivileges, ObjectRef, PrivilegeChange, RevokePrivileges
from regent.kinds import KINDS, Address, Lock, Row
from regent.server.trouble import CONNECTION_IS_GONE, CannotConnectError, heed_cancellation

OBJECTS_PER_TRANSACTION = 500
"""On 18 each named table costs a lock until the end; the table of locks has room for thousands."""

SECONDS_PER_TRANSACTION = 0.2
USE_SECONDS = 300.0
"""A transaction that takes that long is given up: the other databases wait for this pass."""
STRONG_LOCK_TIMEOUT_MS = 100
NO_RIGHT = "42501"


class InvalidGrantorError(StepRefusedError):
    """What no REVOKE as its grantor would take, nor one as the owner."""

    sqlstate = "0L000"


class PrivilegeWork:
    """One run of changes over one database."""

    def __init__(self, means: Means, database: str, changes: Sequence[PrivilegeChange]) -> None:
        self._means = means
        self._database = database
        self._changes = tuple(changes)
        self._becoming = Becoming.on(means.server)
        self._patience = means.patience
        self._strength = Strength.STRONG
        self._tallies = [Tally(one) for one in changes]
        for tally, one in zip(self._tallies, changes, strict=True):
            if isinstance(one, RevokePrivileges) and one.refusal:
                tally.failed.append((one, _refused_at_planning(one)))
        self._refs = [dict(zip(c.addresses, c.objects, strict=True)) for c in self._changes]
        """By change, what each address is: a slice of a large change looks up its own alone."""
        self._locked: list[Piece] = []
        self._looks_first = self._patience.is_over

    async def carry_out(self) -> tuple[ChangeResult, ...]:
        """One result for each change, in order."""
        objects = tuple(sorted(set().union(*self._refs)))
        bare = self._cannot_be_locked()
        grantees = tuple(dict.fromkeys(g for change in self._changes for g in change.grantees))
        size = OBJECTS_PER_TRANSACTION
        start = 0
        while start < len(objects):
            if start and not await self._means.may_go_on():
                rest = Piece(objects[start:], grantees)
                self._note(rest, range(len(self._changes)), OvertakenError())
                break
            began = time.monotonic()
            some = objects[start : start + size]
            if not bare.isdisjoint(some):
                some = some[: next(n for n, one in enumerate(some) if one in bare) or 1]
            slice_ = Piece(some, grantees)
            await (self._apart(slice_) if self._looks_first else self._do(slice_))
            start += len(some)
            size = _next_size(size, time.monotonic() - began)
        await self._wait_for_the_locked()
        return tuple(one.result() for one in self._tallies)

    def _cannot_be_locked(self) -> frozenset[Address]:
        """These go one per transaction, so that DDL on them meets ours as rarely as can be."""
        return frozenset(
            address
            for change, refs in zip(self._changes, self._refs, strict=True)
            for address, one in refs.items()
            if KINDS[change.kind].lock_of(one.relation_kind) is Lock.NONE
        )

    async def _do(self, piece: Piece) -> None:
        try:
            await self._reconnecting(piece, range(len(self._changes)))
        except CannotConnectError as error:
            self._note(piece, range(len(self._changes)), error)
        except asyncpg.LockNotAvailableError:
            self._looks_first = True
            await self._apart(piece, was_tried=True)
        except REFUSALS as error:
            is_about_a_role = sqlstate(error) == NOT_THERE
            if is_about_a_role and len(piece.grantees) == 1:
                self._note(piece, range(len(self._changes)), error)
                return
            halves = piece.halves(grantees_first=is_about_a_role)
            if halves is None:
                await self._change_by_change(piece)
            else:
                for half in halves:
                    await self._do(half)

    async def _apart(self, piece: Piece, *, was_tried: bool = False) -> None:
        """What nobody holds is done now, what is locked is left for later.

        Where it `was_tried` as it is and nothing is seen to be held, it is halved.
        """
        locked = await self._look(piece)
        if locked is None:
            return
        if not locked:
            await (self._halves(piece) if was_tried else self._do(piece))
            return
        here = frozenset(piece.objects) & locked.objects.keys()
        gone = tuple(g for g in piece.grantees if g in locked.roles)
        free = tuple(g for g in piece.grantees if g not in locked.roles)
        reached = tuple(one for one in piece.objects if one not in here)
        for left in (
            Piece(tuple(one for one in piece.objects if one in here), piece.grantees),
            Piece(reached, gone),
        ):
            if left.objects and left.grantees:
                self._locked.append(left)
        if not reached or not free:
            return
        rest = Piece(reached, free, is_soft=bool(locked.busy))
        if was_tried and rest == piece:
            await self._halves(piece)
        else:
            await self._do(rest)

    async def _halves(self, piece: Piece) -> None:
        """Nobody is seen to hold it, and it is not to be had."""
        halves = None if self._patience.is_over else piece.halves(grantees_first=False)
        if halves is None:
            self._locked.append(piece)
        for half in halves or ():
            await self._do(half)

    async def _look(self, piece: Piece) -> Locked | None:
        """What is held of it; None where the database cannot be asked, which is noted."""
        try:
            async with self._means.connections.use(
                self._database, seconds=USE_SECONDS
            ) as connection:
                return await look_for(connection, piece.objects, piece.grantees)
        except (CannotConnectError, *CONNECTION_IS_GONE) as error:
            heed_cancellation()
            self._note(piece, range(len(self._changes)), error)
        except REFUSALS as error:
            self._note(piece, range(len(self._changes)), error)
        return None

    async def _wait_for_the_locked(self) -> None:
        """What has come free meanwhile, then one object after another, as long as one may wait."""
        while self._locked and not self._patience.is_over:
            pieces, self._locked = self._locked, []
            for piece in pieces:
                await self._apart(piece)
            if self._locked:
                await self._wait_for_one()
        for piece in self._locked:
            locked = await self._look(piece)
            if locked is not None:
                error = LockedError(locked.holders_of(piece.objects, piece.grantees))
                self._note(piece, range(len(self._changes)), error)

    async def _wait_for_one(self) -> None:
        """In the server's own queue, so that who lets go for a moment only lets us in too.

        Any of them: the same one first in each pass would keep the others waiting for ever.
        """
        piece = self._locked.pop(random.randrange(len(self._locked)))  # noqa: S311 - keeps no secret
        chosen = random.choice(piece.objects)  # noqa: S311 - keeps no secret
        others = tuple(one for one in piece.objects if one != chosen)
        if others:
            self._locked.append(replace(piece, objects=others))
        one = Piece((chosen,), piece.grantees)
        try:
            await self._reconnecting(one, range(len(self._changes)))
        except asyncpg.LockNotAvailableError:
            self._locked.append(one)
        except CannotConnectError as error:
            self._note(one, range(len(self._changes)), error)
        except REFUSALS:
            await self._do(one)

    async def _reconnecting(self, piece: Piece, which: Collection[int]) -> None:
        """Once more on a new connection when this one breaks: GRANT and REVOKE bear it."""
        try:
            await self._together(piece, which)
        except CONNECTION_IS_GONE:
            heed_cancellation()
            try:
                await self._together(piece, which)
            except CONNECTION_IS_GONE as error:
                raise CannotConnectError("The connection broke twice.") from error

    async def _change_by_change(self, piece: Piece) -> None:
        """One object, one grantee: leave out the changes that are refused, do the others."""
        left = [n for n in range(len(self._changes)) if self._part(n, piece) is not None]
        while left:
            try:
                await self._together(piece, left)
            except asyncpg.LockNotAvailableError:
                self._locked.append(piece)
                return
            except REFUSALS as error:
                if sqlstate(error) in VANISHED:
                    return
                culprits = await self._culprits(piece, left) or dict.fromkeys(left, error)
                for number, reason in culprits.items():
                    self._note(piece, [number], reason)
                left = [n for n in left if n not in culprits]
            else:
                return

    async def _culprits(self, piece: Piece, left: Sequence[int]) -> dict[int, BaseException]:
        """The first change that is refused when the ones before it are done, tried and undone.

        When it would give back what a REVOKE takes along, the REVOKE is not done either.
        """
        for place, last in enumerate(left):
            try:
                await self._together(piece, left[: place + 1], keep=False)
            except REFUSALS as error:
                revokes = [
                    n for n in left[:place] if isinstance(self._changes[n], RevokePrivileges)
                ]
                return dict.fromkeys(
                    [*(revokes if _gives_back(self._changes[last]) else []), last], error
                )
        return {}

    async def _together(self, piece: Piece, which: Collection[int], *, keep: bool = True) -> None:
        """These changes within the piece, in one transaction; `keep=False` tries and undoes."""
        began = time.monotonic()
        parts = {n: part for n in which if (part := self._part(n, piece)) is not None}
        if not parts:
            return
        statements = [
            s for part in parts.values() for s in render(part, major=self._means.server.major)
        ]
        body = as_their_roles(statements, self._becoming)
        if not keep:
            body += ["ROLLBACK", "BEGIN"]
        objects = {
            address: (KINDS[part.kind], one)
            for part in parts.values()
            for address, one in zip(part.addresses, part.objects, strict=True)
        }
        meant = meant_by_oid(parts.values())
        await self._with_locks(list(objects.values()), body, meant, is_soft=piece.is_soft)
        spent = (time.monotonic() - began) / len(parts)
        for n in parts:
            self._tallies[n].seconds += spent

    async def _with_locks(
        self,
        objects: Sequence[tuple[Row, ObjectRef]],
        body: Sequence[str],
        meant: Mapping[Address, ObjectRef],
        *,
        is_soft: bool,
    ) -> None:
        """With the strongest locks that are to be had."""
        locks = gentle_locks.lock(objects, self._strength)
        if self._strength is Strength.STRONG and locks:
            try:
                await self._attempt([*locks, *body], meant, STRONG_LOCK_TIMEOUT_MS)
            except asyncpg.LockNotAvailableError:
                if len(objects) > 1 and not is_soft:
                    raise
            except asyncpg.InsufficientPrivilegeError:
                self._strength = Strength.SOFT
            else:
                return
            locks = gentle_locks.lock(objects, Strength.SOFT)
        await self._attempt([*locks, *body], meant)

    async def _attempt(
        self,
        statements: Sequence[str],
        meant: Mapping[Address, ObjectRef],
        lock_timeout_ms: int = LOCK_TIMEOUT_MS,
    ) -> None:
        async def once() -> None:
            self._means.before_write()
            async with self._means.connections.use(
                self._database, seconds=USE_SECONDS
            ) as connection:
                named = Named(connection, meant)
                await run(
                    connection,
                    statements,
                    lock_timeout_ms=lock_timeout_ms,
                    patience=self._patience,
                    after_begin=named.at_first if meant else None,
                    before_commit=named.at_last if meant else None,
                )

        # A name that is not there was dropped: it does not come back by waiting. For what others
        # hold there is a place of its own.
        await patiently(once, retried=RETRIED - VANISHED - {LOCK_IS_HELD})

    def _note(self, piece: Piece, which: Collection[int], error: BaseException) -> None:
        for number in which:
            part = self._part(number, piece)
            if part is not None:
                self._tallies[number].failed.append((part, error))

    def _part(self, number: int, piece: Piece) -> PrivilegeChange | None:
        """The change within the piece, objects in order of oid; None when it has no part in it."""
        change, refs = self._changes[number], self._refs[number]
        if isinstance(change, RevokePrivileges) and change.refusal:
            return None
        objects = tuple(refs[one] for one in piece.objects if one in refs)
        inside = frozenset(piece.grantees)
        grantees = tuple(g for g in change.grantees if g in inside)
        if not objects or not grantees:
            return None
        return replace(change, objects=objects, grantees=grantees)


def _refused_at_planning(change: RevokePrivileges) -> InvalidGrantorError:
    """What the owner gave wants the owner's right, what a superuser gave wants him to be none."""
    is_the_owners = all(one.owner == change.grantor for one in change.objects)
    return InvalidGrantorError(change.refusal, sqlstate=NO_RIGHT if is_the_owners else "")


def _next_size(size: int, seconds: float) -> int:
    """Slices that take too long get smaller, and grow again."""
    if seconds > SECONDS_PER_TRANSACTION:
        return max(size // 2, 1)
    if seconds < SECONDS_PER_TRANSACTION / 4:
        return min(size * 2, OBJECTS_PER_TRANSACTION)
    return size


def _gives_back(change: PrivilegeChange) -> bool:
    """A GRANT among narrowing changes: of what a REVOKE before it took along."""
    return isinstance(change, GrantPrivileges) and change.effect is Effect.NARROW

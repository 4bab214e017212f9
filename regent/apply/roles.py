"""Changes of roles, which all databases share, each in one transaction with its mark (rule 8).

They go over the home database's connection: a role of ours without a mark, or a mark without its
role, can never be committed. A batch that is refused is halved until the refused change stands
alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import assert_never

import asyncpg

from regent.apply.becoming import Becoming
from regent.apply.closing import PATIENCE_SECONDS, closed_by, insist, locked_by, tell_to_end
from regent.apply.locked import LOCK_IS_HELD, Patience
from regent.apply.render import render
from regent.apply.result import REFUSALS, RETRIED, ChangeResult, refused
from regent.apply.transaction import as_their_roles, patiently, run
from regent.apply.verifiers import BIND, QUIET, to_bind
from regent.changes import (
    AdoptRole,
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    CreateRole,
    DisableRole,
    DropRole,
    EnableRole,
    EndSessions,
    HandOnOwned,
    HandOver,
    OfDefaults,
    OfMembership,
    OfObjects,
    OfOwner,
    ReleaseRole,
    RenameRole,
    SetPassword,
)
from regent.home.database import OWNER
from regent.home.locks import lock_roles_in_transaction
from regent.home.store import Home
from regent.plan import verifier_digest
from regent.server.connection import Connection
from regent.server.trouble import CONNECTION_IS_GONE, heed_cancellation
from shared.names import quote_ident
from sql import load

CHANGES_PER_TRANSACTION = 500


async def carry_out(
    home: Home,
    changes: Sequence[Change],
    *,
    major: int,
    before_write: Callable[[], None],
    patience: Patience,
    ours: Collection[int] = (),
    is_superuser: bool = False,
    heed: Callable[[Sequence[ChangeResult]], None] = lambda _: None,
    oids: Mapping[str, int] = MappingProxyType({}),
) -> tuple[ChangeResult, ...]:
    """One result for each change, in order. `ours` are pids never to end.

    `heed` hears of each batch when it is done. `oids` are the roles that are meant, by the names
    that they have afterwards: nothing is committed of a role that somebody made anew meanwhile.

    What others hold takes nothing from the ends of logins, which have a patience of their own.
    """
    if closed_by(changes):
        patience = Patience(PATIENCE_SECONDS)
    work = _Work(home, major, before_write, patience, ours, is_superuser, oids)
    results: list[ChangeResult] = []
    for start in range(0, len(changes), CHANGES_PER_TRANSACTION):
        done = await work.batch(changes[start : start + CHANGES_PER_TRANSACTION])
        results += done
        heed(done)
    return tuple(results)


async def write_marks(  # noqa: PLR0912 - one case per kind of change
    connection: Connection,
    regent: str,
    changes: Sequence[Change],
    could_log_in: Collection[int] = (),
) -> None:
    """The marks follow the changes, inside the transaction that makes them and as its last part.

    They are written as the owner role, which may write nothing else. Those of renamed roles move
    first and all at once: a name that one of them leaves may be what another one, or a new role,
    has by now, so in any other order a mark would be written over, or taken for another's.
    `could_log_in` are oids of roles that had LOGIN before.
    """
    await connection.execute(f"SET LOCAL ROLE {quote_ident(OWNER)}")
    moved = [c for c in changes if isinstance(c, RenameRole)]
    if moved:
        before = [c.marked_as or c.role for c in moved]
        after, holders = [c.new_name for c in moved], [str(c.holder) for c in moved]
        rows = await connection.fetch(load("home/take_marks"), before, after, holders)
        await connection.executemany(load("home/put_moved_mark"), [tuple(row) for row in rows])
    new = [c for c in changes if isinstance(c, CreateRole | AdoptRole)]
    if new:
        rows = await connection.fetch(
            load("home/put_marks"),
            regent,
            [c.role for c in new],
            [str(c.holder) for c in new],
            ["created" if isinstance(c, CreateRole) else "adopted" for c in new],
        )
        if spared := {c.role for c in new}.difference(row["role"] for row in rows):
            called = ", ".join(f'"{name}"' for name in sorted(spared))
            raise ReplacedError(f"The mark of {called} is that of a role with another name now.")
    for change in changes:
        match change:
            case HandOver(role=role, holder=holder):
                await connection.execute(load("home/hand_over_mark"), role, str(holder), regent)
            case SetPassword(role=role, verifier=verifier):
                digest = verifier_digest(verifier)
                await connection.execute(load("home/note_verifier"), role, digest)
            case ClearPassword(role=role) | AlterRole(role=role, for_now=True):
                await connection.execute(load("home/note_verifier"), role, "")
            case ReleaseRole(role=role, marked_as=marked_as):
                await connection.execute(load("home/release_mark"), marked_as or role)
            case DropRole(role=role, marked_as=marked_as):
                await connection.execute(load("home/drop_mark"), marked_as or role)
            case DisableRole(role=role, oid=oid) if oid in could_log_in:
                await connection.execute(load("home/note_disabled"), regent, oid, role)
            case EnableRole(oid=oid):
                await connection.execute(load("home/note_enabled"), regent, oid)
            case DisableRole():
                pass  # it could not log in any more: there is nothing to give back
            case CreateRole() | AdoptRole() | RenameRole():
                pass  # put above, all at once
            case AlterRole() | AlterSetting() | OfMembership():
                pass  # no mark knows of it
            case OfObjects() | OfOwner() | OfDefaults() | EndSessions() | HandOnOwned():
                pass  # not a change of roles
            case _:
                assert_never(change)


@dataclass(frozen=True, slots=True)
class _Work:
    """What all batches of one stretch have in common."""

    home: Home
    major: int
    before_write: Callable[[], None]
    patience: Patience
    ours: Collection[int]
    is_superuser: bool
    oids: Mapping[str, int]

    async def batch(self, batch: Sequence[Change]) -> list[ChangeResult]:
        """One result for each; a batch that is refused is halved."""
        began = time.monotonic()
        try:
            await self._together(batch)
        except asyncpg.PostgresConnectionError as error:
            return [refused(change, error) for change in batch]
        except REFUSALS as error:
            if len(batch) == 1:
                said = await self._with_its_holder(batch[0], error)
                return [refused(batch[0], said, seconds=time.monotonic() - began)]
            middle = len(batch) // 2
            return [*await self.batch(batch[:middle]), *await self.batch(batch[middle:])]
        except CONNECTION_IS_GONE as error:
            heed_cancellation()
            # It may have been committed all the same: to try again could fail on what is done.
            return [refused(change, error) for change in batch]
        spent = (time.monotonic() - began) / len(batch)
        return [ChangeResult(change, done=True, seconds=spent) for change in batch]

    async def _together(self, batch: Sequence[Change]) -> None:
        statements = [s for change in batch for s in render(change, major=self.major)]
        closed, verifiers = closed_by(batch), to_bind(batch)
        has_ended_some = False
        could_log_in: frozenset[int] = frozenset()

        async def once() -> None:
            self.before_write()
            async with self.home.connection() as connection:

                async def begun() -> None:
                    nonlocal has_ended_some, could_log_in
                    has_ended_some = False
                    await lock_roles_in_transaction(connection)
                    could_log_in = await _could_log_in(connection, batch)
                    if closed:
                        has_ended_some = await tell_to_end(connection, closed, self.ours)
                    if verifiers:
                        if self.is_superuser:
                            await connection.execute(QUIET)
                        await connection.fetchval(BIND, verifiers)

                async def as_meant() -> None:
                    made = {change.role for change in batch if isinstance(change, CreateRole)}
                    names = {name for change in batch for name in change.about}
                    await require_meant(connection, names - made, self.oids)
                    await write_marks(connection, self.home.regent, batch, could_log_in)

                await run(
                    connection,
                    as_their_roles(statements, Becoming()),
                    patience=self.patience,
                    after_begin=begun,
                    before_commit=as_meant,
                )

        if closed and len(batch) == 1:
            await insist(once, lambda: has_ended_some)
            return
        # Of many one is held: it is found sooner by halving than by waiting with all.
        retried = RETRIED if len(batch) == 1 else RETRIED - {LOCK_IS_HELD}
        await patiently(once, retried=retried, patience=self.patience)

    async def _with_its_holder(self, change: Change, error: Exception) -> Exception:
        """The same, naming who holds the row, where a lock is not to be had."""
        if not isinstance(error, asyncpg.LockNotAvailableError) or not isinstance(
            change, AlterRole | DisableRole | SetPassword | ClearPassword | DropRole
        ):
            return error
        try:
            async with self.home.connection() as connection:
                return await locked_by(connection, change.role)
        except (asyncpg.PostgresError, *CONNECTION_IS_GONE):
            heed_cancellation()
            return error


async def require_meant(
    connection: Connection, names: Collection[str], oids: Mapping[str, int]
) -> None:
    """Raise ReplacedError where a name is another role's by now than that which was looked at.

    What this transaction has altered stays what it is until the commit.
    """
    known = [name for name in names if name in oids]
    for row in await connection.fetch(load("apply/logins"), known) if known else ():
        if row["oid"] != oids[row["role"]]:
            raise ReplacedError(f'"{row["role"]}" is another role than was looked at.')


async def _could_log_in(connection: Connection, batch: Sequence[Change]) -> frozenset[int]:
    """Which of those that are disabled have LOGIN now: to no other may it be given back.

    Raises ReplacedError where a role of this name is another one by now.
    """
    roles = {c.role: c.oid for c in batch if isinstance(c, DisableRole | EnableRole)}
    if not roles:
        return frozenset()
    rows = await connection.fetch(load("apply/logins"), list(roles))
    for row in rows:
        if roles[row["role"]] != row["oid"]:
            raise ReplacedError(f'"{row["role"]}" is another role than was looked at.')
    return frozenset(row["oid"] for row in rows if row["may_log_in"])


class ReplacedError(asyncpg.SerializationError):
    """The role was dropped and made anew since it was looked at: the next look knows it."""

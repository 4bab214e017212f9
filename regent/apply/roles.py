"""Changes of roles, which all databases share, each in one transaction with its mark (rule 8).

They go over the home database's connection: a role of ours without a mark, or a mark without its
role, can never be committed. A batch that is refused is halved until the refused change stands
alone.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import assert_never

import asyncpg

from regent.apply.held import LOCK_IS_HELD, Patience
from regent.apply.render import render
from regent.apply.result import REFUSALS, RETRIED, ChangeResult, refused
from regent.apply.transaction import as_their_roles, patiently, run
from regent.changes import (
    AdoptRole,
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    CreateRole,
    DropRole,
    EndSessions,
    GrantMembership,
    GrantPrivileges,
    HandOnOwned,
    HandOver,
    ReleaseRole,
    RenameRole,
    RevokeMembership,
    RevokePrivileges,
    SetPassword,
)
from regent.home.database import OWNER
from regent.home.locks import lock_roles_in_transaction
from regent.home.store import Home
from regent.server.connection import Connection
from regent.server.trouble import CONNECTION_IS_GONE, heed_cancellation
from shared.names import quote_ident
from shared.state import Verifier
from sql import load

CHANGES_PER_TRANSACTION = 500


def verifier_digest(verifier: Verifier) -> str:
    """What a mark keeps of a verifier, for an admin who cannot read pg_authid."""
    return hashlib.sha256(verifier.value.encode()).hexdigest()


async def carry_out(
    home: Home,
    changes: Sequence[Change],
    *,
    major: int,
    before_write: Callable[[], None],
    patience: Patience,
) -> tuple[ChangeResult, ...]:
    """One result for each change, in order."""
    results: list[ChangeResult] = []
    for start in range(0, len(changes), CHANGES_PER_TRANSACTION):
        batch = changes[start : start + CHANGES_PER_TRANSACTION]
        results += await _batch(home, batch, major, before_write, patience)
    return tuple(results)


async def write_marks(connection: Connection, regent: str, changes: Sequence[Change]) -> None:
    """The marks follow the changes, inside the transaction that makes them and as its last part.

    They are written as the owner role, which may write nothing else.
    """
    await connection.execute(f"SET LOCAL ROLE {quote_ident(OWNER)}")
    new = [c for c in changes if isinstance(c, CreateRole | AdoptRole)]
    if new:
        await connection.fetch(
            load("home/put_marks"),
            regent,
            [c.role for c in new],
            [str(c.holder) for c in new],
            ["created" if isinstance(c, CreateRole) else "adopted" for c in new],
        )
    for change in changes:
        match change:
            case RenameRole(role=role, new_name=new_name, holder=holder):
                await connection.execute(load("home/rename_mark"), role, new_name, str(holder))
            case HandOver(role=role, holder=holder):
                await connection.execute(load("home/hand_over_mark"), role, str(holder), regent)
            case SetPassword(role=role, verifier=verifier):
                digest = verifier_digest(verifier)
                await connection.execute(load("home/note_verifier"), role, digest)
            case ClearPassword(role=role):
                await connection.execute(load("home/note_verifier"), role, "")
            case ReleaseRole(role=role, marked_as=marked_as):
                await connection.execute(load("home/release_mark"), marked_as or role)
            case DropRole(role=role, marked_as=marked_as):
                await connection.execute(load("home/drop_mark"), marked_as or role)
            case CreateRole() | AdoptRole():
                pass  # put above, all at once
            case AlterRole() | AlterSetting() | GrantMembership() | RevokeMembership():
                pass  # no mark knows of it
            case GrantPrivileges() | RevokePrivileges() | EndSessions() | HandOnOwned():
                pass  # not a change of roles
            case _:
                assert_never(change)


async def _batch(
    home: Home,
    batch: Sequence[Change],
    major: int,
    before_write: Callable[[], None],
    patience: Patience,
) -> list[ChangeResult]:
    began = time.monotonic()
    try:
        await _together(home, batch, major, before_write, patience)
    except asyncpg.PostgresConnectionError as error:
        return [refused(change, error) for change in batch]
    except REFUSALS as error:
        if len(batch) == 1:
            return [refused(batch[0], error, seconds=time.monotonic() - began)]
        middle = len(batch) // 2
        return [
            *await _batch(home, batch[:middle], major, before_write, patience),
            *await _batch(home, batch[middle:], major, before_write, patience),
        ]
    except CONNECTION_IS_GONE as error:
        heed_cancellation()
        # It may have been committed all the same: to try again could fail on what is done.
        return [refused(change, error) for change in batch]
    spent = (time.monotonic() - began) / len(batch)
    return [ChangeResult(change, done=True, seconds=spent) for change in batch]


async def _together(
    home: Home,
    batch: Sequence[Change],
    major: int,
    before_write: Callable[[], None],
    patience: Patience,
) -> None:
    statements = [s for change in batch for s in render(change, major=major)]

    async def once() -> None:
        before_write()
        async with home.connection() as connection:
            await run(
                connection,
                as_their_roles(statements),
                patience=patience,
                after_begin=lambda: lock_roles_in_transaction(connection),
                before_commit=lambda: write_marks(connection, home.regent, batch),
            )

    # Of many one is held: it is found sooner by halving than by waiting with all.
    retried = RETRIED if len(batch) == 1 else RETRIED - {LOCK_IS_HELD}
    await patiently(once, retried=retried, patience=patience)

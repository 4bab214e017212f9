"""The sessions of a role end when its access does (rule 24).

A session that another user brought into the role by SET ROLE cannot be told from outside
(pg_stat_activity shows the session user alone): it keeps what the role has until the privileges go,
or until its own user's sessions end, as they do where that user's access for a time is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import asyncpg

from regent.apply.result import StepRefusedError
from regent.apply.transaction import LOCK_TIMEOUT_MS
from regent.home.locks import lock_roles_in_transaction
from regent.server.connection import Connection
from regent.server.lenient_text import is_legible, shown
from shared.memberships import with_options
from shared.names import quote_ident, quote_literal
from sql import load

PATIENCE_SECONDS = 3.0
PAUSE_SECONDS = 0.02

_MAY_NOT = (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidGrantOperationError)
"""The admin may not grant the role, or is in it the other way round."""


class AccessGoesOnError(StepRefusedError):
    """The access of a role at its end has not ended."""

    sqlstate = "55006"


class SessionsGoOnError(StepRefusedError):
    """Sessions of the role are still there."""

    sqlstate = "55006"


async def end_sessions(connection: Connection, role: str, *, ours: Collection[int] = ()) -> int:
    """How many sessions of the role were ended; all of them are gone when this returns.

    `ours` are pids never to end. Raises SessionsGoOnError when some stay, with the way out.
    """
    there = await _sessions(connection, role, ours)
    if any(row["is_ours"] for row in there):
        raise SessionsGoOnError(
            f'"{role}" is the Regent\'s own admin, whose sessions it never ends.',
            way_out="Give the resource another name, and the Regent an admin of its own.",
        )
    try:
        ended = await _tell(connection, role, ours)
    except asyncpg.InsufficientPrivilegeError as error:
        if any(row["is_superusers"] for row in there):
            raise SessionsGoOnError(
                f'The Regent may not end the sessions of "{role}", which is a superuser.',
                way_out=f"Run ALTER ROLE {quote_ident(role)} NOSUPERUSER, as a superuser.",
            ) from error
        ended = await _tell_as_a_member(connection, role, ours, error)
    if ended:
        await _until_gone(connection, role, ours)
    return ended


async def _tell(connection: Connection, role: str, ours: Collection[int]) -> int:
    """How many sessions were there and were told to end."""
    query, told = load("leaving/end_session"), 0
    for row in await _sessions(connection, role, ours):
        told += bool(await connection.fetchval(query, row["pid"], row["backend_start"], role))
    return told


async def _tell_as_a_member(
    connection: Connection, role: str, ours: Collection[int], why: Exception
) -> int:
    """The same for an admin without pg_signal_backend that may grant the role.

    A member may end the role's sessions. The admin is one in a transaction that is rolled back: the
    signals are sent all the same, and nobody, not even another session of the admin, ever has more.
    """
    options = with_options(connection.get_server_version().major, set_role=False)
    try:
        await connection.execute(f"BEGIN; SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
        try:
            await lock_roles_in_transaction(connection)
            await connection.execute(f"GRANT {quote_ident(role)} TO CURRENT_USER{options}")
            return await _tell(connection, role, ours)
        finally:
            await connection.execute("ROLLBACK")
    except _MAY_NOT as error:
        raise SessionsGoOnError(
            f'The Regent may not end the sessions of "{role}".',
            way_out="Run GRANT pg_signal_backend TO <the Regent's admin>, as a superuser.",
        ) from (why if isinstance(error, asyncpg.InsufficientPrivilegeError) else error)


async def _sessions(
    connection: Connection, role: str, ours: Collection[int]
) -> list[asyncpg.Record]:
    rows = await connection.fetch(load("leaving/sessions"), role)
    return [row for row in rows if row["pid"] not in ours]


async def _until_gone(connection: Connection, role: str, ours: Collection[int]) -> None:
    clock = asyncio.get_running_loop().time
    until = clock() + PATIENCE_SECONDS
    while left := await _sessions(connection, role, ours):
        if clock() > until:
            raise SessionsGoOnError(
                f'{len(left)} sessions of "{role}" were told to end, and have not yet '
                f"(pid {left[0]['pid']}).",
                way_out="The next pass or apply looks again.",
            )
        await asyncio.sleep(PAUSE_SECONDS)


async def require_ended(connection: Connection, role: str, *, ours: Collection[int] = ()) -> None:
    """Raise AccessGoesOnError unless the role has no LOGIN and no session, and will get none.

    A prepared transaction may have given LOGIN or a privilege already, which is seen when somebody
    commits it.
    """
    rows = await connection.fetch(load("leaving/access_left"), role, [*map(str, ours)])
    left = {row["what"]: row["detail"] for row in rows}
    if "prepared" in left:
        gid = left["prepared"]
        raise AccessGoesOnError(
            f"The prepared transaction {shown(gid)!r} changed roles or granted something, and may"
            f' bring the access of "{role}" back.',
            way_out=f"Run ROLLBACK PREPARED {quote_literal(gid)}, or commit it."
            if is_legible(gid)
            else "Roll it back or commit it: pg_prepared_xacts shows its name in its own database.",
        )
    if left:
        how = "may still log in" if "login" in left else f"has {left['sessions']} sessions"
        raise AccessGoesOnError(f'"{role}" {how}.', way_out="The next pass or apply looks again.")

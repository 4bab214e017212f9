"""A schema or database is made for its owner, or given to it, one at a time (rules 21 to 23).

What was planned is looked at again inside the transaction: one that was renamed, replaced or
given to somebody else meanwhile is the next look's business.
"""

from __future__ import annotations

import asyncpg

from regent.apply.becoming import Becoming
from regent.apply.means import Means
from regent.apply.render import render
from regent.apply.result import StepRefusedError, message
from regent.apply.transaction import as_their_roles, patiently, run
from regent.changes import CreateOwned, SetOwner
from regent.observed import ObservedServer
from regent.reach import SYSTEM_PREFIX
from regent.server.connection import Connection
from shared.memberships import with_options
from shared.names import quote_ident
from sql import load


class OwnerChangedError(StepRefusedError):
    """It is not what it was when this was planned; the next look sees what it is."""

    sqlstate = "40001"


class NotTheAdminsError(StepRefusedError):
    """The admin may not do this."""

    sqlstate = "42501"
    is_helped = True


async def give_to_owner(means: Means, change: CreateOwned | SetOwner) -> None:
    """Carry out one of these. What the admin may not do says the statement that would help.

    What all databases share is changed through the home database. CREATE DATABASE knows no
    transaction.
    """
    server, place = means.server, change.local_to or means.home.database
    statements = as_their_roles(render(change, major=server.major), Becoming.on(server))

    async def once() -> None:
        means.before_write()
        async with means.connections.use(place) as connection:
            if isinstance(change, CreateOwned) and change.local_to is None:
                await connection.execute(";".join(statements))
                return

            async def as_planned() -> None:
                if isinstance(change, SetOwner):
                    await _require(connection, change, change.former)

            async def as_meant() -> None:
                if isinstance(change, SetOwner):
                    await _require(connection, change, change.owner)

            await run(
                connection,
                statements,
                patience=means.patience,
                after_begin=as_planned,
                before_commit=as_meant,
            )

    try:
        await patiently(once, patience=means.patience)
    except asyncpg.InsufficientPrivilegeError as error:
        said = f"{message(error)}. {_would_help(change, server)}"
        raise NotTheAdminsError(said) from error


async def _require(connection: Connection, change: SetOwner, owner: str) -> None:
    read = "apply/database_owner" if change.local_to is None else "apply/schema_owner"
    row = await connection.fetchrow(load(read), change.oid)
    if row is None or (row["name"], row["owner"]) != (change.name, owner):
        raise OwnerChangedError


def _would_help(change: CreateOwned | SetOwner, server: ObservedServer) -> str:
    """What a superuser may run: it itself, or what gives the admin the right to."""
    statement = render(change, major=server.major)[0].sql
    roles = [change.owner, *([change.former] if isinstance(change, SetOwner) else [])]
    may_be_granted = not any(
        name.startswith(SYSTEM_PREFIX)
        or ((role := server.roles.get(name)) is not None and role.attributes.superuser)
        for name in roles
    )
    is_local = change.local_to is not None
    place = f" in {change.database}" if is_local else ""
    said = f"Run as a superuser{place}: {statement};"
    if not may_be_granted:
        return said
    options = with_options(server.major)
    admin = quote_ident(server.admin)
    also = (
        f"GRANT CREATE ON DATABASE {quote_ident(change.database)} TO {admin}"
        if is_local
        else f"ALTER ROLE {admin} CREATEDB"
    )
    return (
        f"{said} or let the admin do it: GRANT {', '.join(map(quote_ident, roles))} TO {admin}"
        f"{options}; {also};"
    )

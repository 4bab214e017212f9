"""A role leaves: what it owns is handed on, what it gave is given again, then it is dropped.

REASSIGN OWNED would take ACCESS EXCLUSIVE on everything at once, so ownership moves object by
object (semantics 23, 27). DROP OWNED is for privileges alone: it is run in no database in which
the role owns an object. What the role granted to others would go with it, so it is granted again
before, by the owner.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import asyncpg

from regent.applying.transaction import patiently, run
from regent.connect import CannotConnectError
from regent.connections import Connections
from regent.home import Home
from regent.home_database import Connection
from regent.observed import ObservedServer
from shared.errors import PostgRegentError
from shared.names import quote_ident
from sql import load

_ALTER = {
    "server": "SERVER",
    "foreign-data wrapper": "FOREIGN DATA WRAPPER",
    "statistics object": "STATISTICS",
    "composite type": "TYPE",
    "large object": "LARGE OBJECT",
}
"""Where ALTER wants another word than pg_identify_object has."""

_STAY = frozenset({"extension", "default acl", "user mapping"})
"""An extension's owner cannot be altered; the others are privileges in disguise."""

SHOWN = 5
ROUNDS = 3
"""Handing on is looked at again: a partition, or an object made meanwhile, comes along."""


class StillOwnsError(PostgRegentError):
    """The role still owns objects, or holds privileges where the Regent cannot take them."""


class NotHandedOnError(PostgRegentError):
    """Some objects could not be handed on."""


@dataclass(frozen=True, slots=True)
class _Owned:
    kind: str
    identity: str
    is_code: bool

    def __str__(self) -> str:
        return f"{self.kind} {self.identity}"


async def hand_on_owned(
    connections: Connections,
    database: str,
    role: str,
    to: str,
    *,
    server: ObservedServer,
    before_write: Callable[[], None],
) -> int:
    """How many objects of the database `to` owns now that were the role's.

    Each moves in a transaction of its own. Code is never handed to a role that can do more than
    its owner could: it would run with the new owner's rights. Raises NotHandedOnError, after
    everything else has moved, when something stays.
    """
    moved = 0
    refused: dict[_Owned, str] = {}
    async with connections.use(database) as connection:
        for _ in range(ROUNDS):
            owned = await _owned(connection, role)
            waiting = [o for o in owned if o not in refused]
            if not waiting:
                break
            for thing in waiting:
                why = _why_not(thing, role, to, server) or await _hand_on(
                    connection, thing, to, before_write
                )
                if why:
                    refused[thing] = why
                else:
                    moved += 1
    if refused:
        first = [f"{thing}: {why}" for thing, why in list(refused.items())[:SHOWN]]
        raise NotHandedOnError(
            f'{len(refused)} objects of "{role}" in "{database}" stay: {"; ".join(first)}.',
            way_out="Hand them on or drop them yourself, or name another reassignOwnedTo.",
        )
    return moved


async def take_its_privileges(
    home: Home,
    connections: Connections,
    role: str,
    *,
    server: ObservedServer,
    served: Collection[str] | None,
    before_write: Callable[[], None],
) -> None:
    """All that keeps the role from being dropped goes, in every database that is reached.

    `served`, where given, limits the databases. Raises StillOwnsError, which lists the places,
    when the role owns something in any database of the server.
    """
    async with home.connection() as connection:
        places = await connection.fetch(load("leaving/owned_where"), role)
    owning = {str(p["database"] or "(shared)"): int(p["owned"]) for p in places if p["owned"]}
    if owning:
        raise StillOwnsError(
            f'"{role}" still owns '
            + ", ".join(f"{count} objects in {place}" for place, count in owning.items())
            + ".",
            way_out="Name a reassignOwnedTo on the resource, or hand them on yourself.",
        )
    databases = [str(p["database"]) for p in places if p["database"]]
    shared_only = any(p["database"] is None for p in places) and not databases
    unreached: list[str] = []
    for database in databases or ([_somewhere(served, server)] if shared_only else []):
        if served is not None and database not in served:
            unreached.append(database)
            continue
        try:
            async with connections.use(database) as connection:
                await _drop_privileges(connection, role, server, before_write)
        except CannotConnectError:
            unreached.append(database)
    if unreached:
        raise StillOwnsError(
            f'"{role}" holds privileges in {", ".join(unreached)}, which this Regent does not '
            "reach.",
            way_out=f"Run DROP OWNED BY {quote_ident(role)} there, or let the Regent serve it.",
        )


async def _drop_privileges(
    connection: Connection,
    role: str,
    server: ObservedServer,
    before_write: Callable[[], None],
) -> None:
    """DROP OWNED in a database where it owns nothing, with what it gave others given again."""

    async def once() -> None:
        before_write()
        again = await _given_again(connection, role, server.major)
        await run(
            connection,
            [*_act_as(role, server), *again],
            before_commit=lambda: _drop_if_it_owns_nothing(connection, role),
        )

    await patiently(once)


async def _drop_if_it_owns_nothing(connection: Connection, role: str) -> None:
    """The last look is in the same transaction, and right before."""
    if await _owned(connection, role):
        raise StillOwnsError(f'"{role}" made a new object a moment ago.')
    await connection.execute(f"DROP OWNED BY {quote_ident(role)}")


def _act_as(role: str, server: ObservedServer) -> Sequence[str]:
    """DROP OWNED asks for the role's rights. The membership goes with the role."""
    if server.admin_is_superuser:
        return ()
    options = " WITH INHERIT TRUE, SET TRUE" if server.major >= 16 else ""
    return (f"GRANT {quote_ident(role)} TO {quote_ident(server.admin)}{options}",)


async def _given_again(connection: Connection, role: str, major: int) -> list[str]:
    """GRANTs by the owner of what the role granted to others."""
    lines: dict[str, None] = {}
    for row in await connection.fetch(load("leaving/grants_made"), role):
        column = f" ({quote_ident(row['column_name'])})" if row["column_name"] else ""
        grantee = quote_ident(row["grantee"]) if row["grantee"] is not None else "PUBLIC"
        option = " WITH GRANT OPTION" if row["is_grantable"] else ""
        lines[f"GRANT {row['privilege']}{column} ON {row['on_what']} TO {grantee}{option}"] = None
    if major >= 16:
        for row in await connection.fetch(load("leaving/memberships_made"), role):
            options = ", ".join(
                f"{word} {'TRUE' if row[f'{word.lower()}_option'] else 'FALSE'}"
                for word in ("ADMIN", "INHERIT", "SET")
            )
            group, member = quote_ident(row["group_name"]), quote_ident(row["member_name"])
            lines[f"GRANT {group} TO {member} WITH {options}"] = None
    return list(lines)


async def _owned(connection: Connection, role: str) -> list[_Owned]:
    rows = await connection.fetch(load("leaving/owned"), role)
    return [_Owned(row["kind"], row["identity"], row["is_code"]) for row in rows]


async def _hand_on(
    connection: Connection, thing: _Owned, to: str, before_write: Callable[[], None]
) -> str:
    """Nothing when it moved or is gone; else why it did not."""
    keyword = _ALTER.get(thing.kind, thing.kind.upper())
    statement = f"ALTER {keyword} {thing.identity} OWNER TO {quote_ident(to)}"

    async def once() -> None:
        before_write()
        await run(connection, [statement])

    try:
        await patiently(once)
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return ""
    except (asyncpg.UndefinedFunctionError, asyncpg.UndefinedObjectError) as error:
        return str(error).splitlines()[0]
    except asyncpg.PostgresError as error:
        return str(error).splitlines()[0]
    return ""


def _why_not(thing: _Owned, role: str, to: str, server: ObservedServer) -> str:
    if thing.kind in _STAY:
        return "its owner cannot be altered"
    if thing.is_code and _is_stronger(to, role, server):
        return f'it is code, and "{to}" can do more than "{role}"'
    return ""


def _is_stronger(to: str, than: str, server: ObservedServer) -> bool:
    """By attributes. Memberships are the resolver's to judge (semantics 12)."""
    gains, has = server.roles.get(to), server.roles.get(than)
    if gains is None:
        return False
    new, old = gains.attributes, has.attributes if has else None
    return any(
        getattr(new, name) and not (old is not None and getattr(old, name))
        for name in ("superuser", "createrole", "replication", "bypassrls")
    )


def _somewhere(served: Collection[str] | None, server: ObservedServer) -> str:
    """A database to run DROP OWNED in when only shared objects are concerned."""
    if served:
        return min(served)
    return min(name for group in server.databases for name in group.names)

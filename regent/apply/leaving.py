"""A role leaves: what it gave is given again, then it is dropped.

What it owns is handed on before (regent/apply/handing_on.py). DROP OWNED is for privileges alone:
it is run in no database in which the role owns an object. What the role granted to others would go
with it, so it is granted again before, by the owner.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import chain

import asyncpg

from regent.apply.handing_on import NotHandedOnError, owned_by
from regent.apply.locked import Holder, LockedError, look_for
from regent.apply.means import Means
from regent.apply.names import Names, read_names, require_known, require_same
from regent.apply.naming import routine_in
from regent.apply.result import (
    NOT_REACHED,
    STAYS,
    ChangeResult,
    StepRefusedError,
    is_passing,
    way_out,
)
from regent.apply.transaction import patiently, run
from regent.changes import HandOnOwned
from regent.home.store import Home
from regent.kinds import KINDS, Address
from regent.observed import ObservedServer
from regent.server.connection import Connection
from regent.server.lenient_text import is_legible, legible, shown
from regent.server.trouble import CONNECTION_IS_GONE, CannotConnectError, heed_cancellation
from shared.memberships import OPTIONS_SINCE, with_options
from shared.names import quote_ident
from shared.privileges import PARAMETER_SINCE
from sql import compose, load

IN_USE = "55006"
"""As PostgreSQL says of what somebody is using just now."""


class StillOwnsError(StepRefusedError):
    """The role still owns objects, or holds privileges where the Regent cannot take them."""

    sqlstate = STAYS


async def require_handed_on(home: Home, role: str, results: Iterable[ChangeResult]) -> None:
    """Raise NotHandedOnError while a later try may hand on what the role owns.

    Of a role that is dropped or released nobody would; and the refusal of a DROP is remembered.
    The home database knows who owns something where, also in a database that nobody can enter.
    """
    found = [
        one for one in results if isinstance(one.change, HandOnOwned) and one.change.role == role
    ]
    if not any(map(_is_put_off, found)):
        return
    async with home.connection() as connection:
        places = await connection.fetch(load("leaving/owned_where"), role)
    first = what_puts_off(found, {_database(place) for place in places if place["owned"]})
    if first is not None:
        raise NotHandedOnError(
            f'Not all that "{role}" owns is handed on: {first.message}',
            way_out=first.way_out,
            sqlstate=first.sqlstate,
        )


def what_puts_off(
    results: Sequence[ChangeResult], owning: Collection[str | None]
) -> ChangeResult | None:
    """The first of these attempts to hand on that has to be made again. Pure.

    `owning` are the databases in which the role owns something, with None for what all share. One
    that could not be entered puts nothing off where the role owns nothing in it; and what all
    share was looked at from any other.
    """
    is_looked_at = any(one.done or one.sqlstate != NOT_REACHED for one in results)
    for one in filter(_is_put_off, results):
        is_about_shared = one.sqlstate != NOT_REACHED or not is_looked_at
        if one.change.local_to in owning or (None in owning and is_about_shared):
            return one
    return None


def _is_put_off(one: ChangeResult) -> bool:
    return not one.done and is_passing(one.sqlstate)


def _database(place: asyncpg.Record) -> str | None:
    return legible(str(place["database"])) if place["database"] is not None else None


async def take_its_privileges(means: Means, role: str, *, served: Collection[str] | None) -> None:
    """All that keeps the role from being dropped goes, in every database that is reached.

    `served`, where given, limits the databases. Raises StillOwnsError, which lists the places,
    when the role owns something in any database of the server.
    """
    async with means.home.connection() as connection:
        places = await connection.fetch(load("leaving/owned_where"), role)
    owning = {_database(p) or "(shared)": int(p["owned"]) for p in places if p["owned"]}
    if owning:
        raise StillOwnsError(
            f'"{role}" still owns '
            + ", ".join(
                f"{count} {'object' if count == 1 else 'objects'} in {place}"
                for place, count in owning.items()
            )
            + ".",
            way_out="Name a reassignOwnedTo on the resource (one that is gone: declare it again"
            " with it, and delete it then), or hand them on yourself.",
        )
    databases = [legible(str(p["database"])) for p in places if p["database"]]
    shared_only = any(p["database"] is None for p in places) and not databases
    unserved: list[str] = []
    away: list[str] = []
    for database in databases or ([_somewhere(served, means.server)] if shared_only else []):
        if served is not None and database not in served:
            unserved.append(database)
            continue
        try:
            async with means.connections.use(database) as connection:
                await _drop_privileges(connection, role, means)
        except (CannotConnectError, *CONNECTION_IS_GONE):
            heed_cancellation()
            away.append(database)
    if away:
        raise StillOwnsError(
            f'"{role}" may hold privileges in {", ".join(away)}, which cannot be reached.',
            way_out=way_out(NOT_REACHED),
            sqlstate=NOT_REACHED,
        )
    if unserved:
        raise StillOwnsError(
            f'"{role}" holds privileges in {", ".join(unserved)}, which this Regent does not '
            "reach.",
            way_out=f"Run DROP OWNED BY {quote_ident(role)} there, or let the Regent serve it.",
        )


async def _drop_privileges(connection: Connection, role: str, means: Means) -> None:
    """DROP OWNED in a database where it owns nothing, with what it gave others given again."""
    server = means.server

    async def once() -> None:
        means.before_write()
        names = await read_names(connection, await _given_on(connection, role, server))
        # Before the admin is a member of the role, else the role could be whose grants these are.
        again = await _given_again(connection, role, server, names)
        memberships = await _memberships_given_again(connection, role, server)
        await run(
            connection,
            [*again, *_act_as(role, server), *memberships],
            patience=means.patience,
            before_commit=lambda: last_look(names),
        )

    async def last_look(names: Names) -> None:
        require_same(names, await read_names(connection, names))
        await _drop_if_it_owns_nothing(connection, role)

    try:
        await patiently(once, patience=means.patience)
    except asyncpg.LockNotAvailableError as error:
        raise LockedError(await _holders(connection, role)) from error


async def _holders(connection: Connection, role: str) -> Sequence[Holder]:
    """Who holds what DROP OWNED writes: the objects on which the role has privileges."""
    rows = await connection.fetch(load("leaving/depending"), role)
    known = {kind.catalog for kind in KINDS.values()}
    objects = [Address(row["catalog"], row["oid"]) for row in rows if row["catalog"] in known]
    locked = await look_for(connection, objects, [role])
    return locked.holders_of(objects, [role])


async def _drop_if_it_owns_nothing(connection: Connection, role: str) -> None:
    """The last look is in the same transaction, and right before."""
    if await owned_by(connection, role):
        raise StillOwnsError(
            f'"{role}" got a new object a moment ago.',
            way_out="The next pass or apply looks again.",
            sqlstate=IN_USE,
        )
    await connection.execute(f"DROP OWNED BY {quote_ident(role)}")


def _act_as(role: str, server: ObservedServer) -> Sequence[str]:
    """DROP OWNED asks for the role's rights. The membership goes with the role."""
    if server.admin_is_superuser:
        return ()
    options = with_options(server.major)
    return (f"GRANT {quote_ident(role)} TO {quote_ident(server.admin)}{options}",)


async def _grants(
    connection: Connection, role: str, server: ObservedServer
) -> list[asyncpg.Record]:
    """What the role granted to others."""
    parameters = (
        load("leaving/grants_made_on_parameters") if server.major >= PARAMETER_SINCE else ""
    )
    return await connection.fetch(compose("leaving/grants_made", parameters=parameters), role)


async def _given_on(
    connection: Connection, role: str, server: ObservedServer
) -> frozenset[Address]:
    """The objects that it granted something on."""
    return _objects(await _grants(connection, role, server))


def _objects(grants: Iterable[asyncpg.Record]) -> frozenset[Address]:
    return frozenset(Address(row["catalog"], row["oid"]) for row in grants)


async def _given_again(
    connection: Connection, role: str, server: ObservedServer, names: Names
) -> list[str]:
    """GRANTs by the owner of what the role granted to others; what DROP OWNED leaves is taken.

    By their `names`, which were read before: who has another one by now is not meant (ADR 40).
    """
    lines: dict[str, None] = {}
    grants = await _grants(connection, role, server)
    require_known(names, _objects(grants))
    _require_legible(role, "privileges", grants)
    orphans: dict[tuple[str, str], None] = {}
    for row in grants:
        grantee = quote_ident(row["grantee"]) if row["grantee"] is not None else "PUBLIC"
        option = " WITH GRANT OPTION" if row["is_grantable"] else ""
        lines[f"GRANT {_what(row)} TO {grantee}{option}"] = None
        if row["is_orphan"]:
            orphans[str(row["owner"]), _what(row)] = None
    taken = (_taken_by_owner(owner, what, role, server) for owner, what in orphans)
    return [*lines, *chain.from_iterable(taken)]


async def _memberships_given_again(
    connection: Connection, role: str, server: ObservedServer
) -> list[str]:
    """GRANTs of the memberships that the role gave, which end with their grantor from 16 on."""
    if server.major < OPTIONS_SINCE:
        return []
    given = await connection.fetch(load("leaving/memberships_made"), role)
    _require_legible(role, "memberships", given)
    lines: dict[str, None] = {}
    for row in given:
        options = ", ".join(
            f"{word} {'TRUE' if row[f'{word.lower()}_option'] else 'FALSE'}"
            for word in ("ADMIN", "INHERIT", "SET")
        )
        group, member = quote_ident(row["group_name"]), quote_ident(row["member_name"])
        lines[f"GRANT {group} TO {member} WITH {options}"] = None
    return list(lines)


def _what(row: asyncpg.Record) -> str:
    """A privilege and what it is on, as GRANT and REVOKE want it."""
    column = f" ({quote_ident(row['column_name'])})" if row["column_name"] else ""
    return f"{row['privilege']}{column} ON {row['on_what']} {routine_in(row)}".rstrip()


def _taken_by_owner(owner: str, what: str, role: str, server: ObservedServer) -> Iterable[str]:
    """What it gave without having the option falls with that, which it gets for it.

    As the owner: what else the admin is a member of could be taken for the one who revokes.
    """
    cut = (
        f"GRANT {what} TO {quote_ident(role)} WITH GRANT OPTION",
        f"REVOKE {what} FROM {quote_ident(role)} CASCADE",
    )
    if server.admin_is_superuser:
        return cut
    return (f"SET LOCAL ROLE {quote_ident(owner)}", *cut, "RESET ROLE")


def _require_legible(role: str, what: str, rows: Sequence[asyncpg.Record]) -> None:
    """What cannot be named cannot be given again, and would end with the role."""
    odd = [row for row in rows if not all(map(is_legible, filter(None, map(_text, row))))]
    if odd:
        raise StillOwnsError(
            f'"{role}" gave others {len(odd)} {what} that would end with it, and no statement can'
            f" give them again: a name is not UTF-8 ({shown(_text(odd[0][0]))}).",
            way_out="Rename it, or take these from the others and give them again as its owner.",
        )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _somewhere(served: Collection[str] | None, server: ObservedServer) -> str:
    """A database to run DROP OWNED in when only shared objects are concerned."""
    if served:
        return min(served)
    return min(server.database_names)

"""One reading of a server and one of its databases, for one question. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from regent.inspect import Interest, inspect_database, inspect_server
from regent.kinds import COLUMNS, CONTAINERS, DATABASES, KINDS, LOCAL, Naming
from regent.why.chains import Chains
from regent.why.target import (
    NotFoundError,
    Question,
    Target,
    called,
    find,
    new_ones,
    parts_of,
    question,
)
from sql import load

OIDS = 2**32


@dataclass(frozen=True, slots=True)
class Answered:
    """What was asked about, and what can be said of everybody."""

    database: str
    target: Target
    chains: Chains
    beside: tuple[Chains, ...]
    """What it takes besides: CONNECT on the database, USAGE on the schema."""
    columns: Mapping[str, Chains]
    """Of a table, those of its columns on which something was granted."""
    illegible: tuple[str, ...]
    """What is left out of all of it, as its name is not UTF-8."""
    is_everybodys: bool
    """Nobody needs the privilege for it."""
    later: tuple[Chains, ...] = ()
    """By default privileges: on what is made from now on of the same kind, here or everywhere."""

    def columns_of(self, role: str) -> tuple[str, ...]:
        """On which of them a role has the privilege at once, by name."""
        return tuple(
            name
            for name, one in sorted(self.columns.items())
            if any(c.is_at_once for c in one.of(role))
        )

    def lacks(self, role: str) -> tuple[str, ...]:
        """What a role has not, and without which the privilege is of no use."""
        return tuple(
            f"{one.privilege} on {one.target.shown}"
            for one in self.beside
            if one.target != self.target and not any(c.is_at_once for c in one.of(role))
        )


async def read(
    connection: asyncpg.Connection, database: str, privilege: str, text: str
) -> Answered:
    """`database` is the connection's.

    Raises NotFoundError where privilege or object are not there, or several objects are.
    """
    asked = question(privilege, text, connection.get_server_version().major)
    server = await inspect_server(connection, databases=(database,))
    interest = Interest(
        roles=frozenset(server.roles),
        columns=frozenset({asked.last_part}) if COLUMNS in asked.rows else frozenset(),
        kinds=asked.kinds | {CONTAINERS.kind},
        with_public=True,
        with_sequences=False,
        oids=_oids(asked),
    )
    observed = await inspect_database(connection, interest)
    target = find(asked, server, observed)
    is_everybodys = await _is_everybodys(connection, asked.privilege, target)
    owner = server.owner_of(database) or ""
    places = []
    if KINDS[target.kind] in LOCAL:
        places.append(Question("CONNECT", database, (DATABASES,)))
    if target.schema is not None:
        places.append(Question("USAGE", target.schema, (CONTAINERS,)))
    beside = tuple(
        Chains(server, owner, place, one.privilege)
        for one in places
        for place in called(one, server, observed)
    )
    columns = {
        one.column: Chains(server, owner, one, asked.privilege)
        for one in parts_of(target, observed)
        if asked.privilege in COLUMNS.privileges
    }
    illegible = (*server.illegible, *observed.illegible)
    if target.kind is DATABASES.kind:
        owner = target.owner  # who logs in there is looked at as its owner
    chains = Chains(server, owner, target, asked.privilege)
    later = tuple(Chains(server, owner, one, asked.privilege) for one in new_ones(target, observed))
    return Answered(database, target, chains, beside, columns, illegible, is_everybodys, later)


async def _is_everybodys(connection: asyncpg.Connection, privilege: str, target: Target) -> bool:
    """Whether anybody may do it without a privilege: SET what is an ordinary parameter.

    Raises NotFoundError for a parameter that there is not; one with a dot may come with a library.
    """
    if KINDS[target.kind].naming is not Naming.PARAMETER:
        return False
    rows = await connection.fetch(load("inspect/parameters"))
    known = {row["name"].lower(): row["is_ordinary"] for row in rows}
    if target.name not in known and "." not in target.name and not target.oid:
        raise NotFoundError(
            f"There is no parameter {target.name!r}.", way_out="SHOW ALL lists the parameters."
        )
    return privilege == "SET" and bool(known.get(target.name))


def _oids(asked: Question) -> frozenset[int]:
    by_number = any(row.naming is Naming.NUMBER for row in asked.rows)
    is_oid = by_number and asked.text.isdecimal() and int(asked.text) < OIDS
    return frozenset({int(asked.text)} if is_oid else ())


@dataclass(frozen=True, slots=True)
class RowSecurity:
    """What narrows a privilege on a table to some of its rows. `policies` speak to the role."""

    policies: tuple[str, ...]


async def read_row_security(
    connection: asyncpg.Connection, target: Target, role: str, privilege: str
) -> RowSecurity | None:
    """None where it narrows nothing: off, the role is above it, or it is no table."""
    if KINDS[target.kind].catalog != COLUMNS.catalog:
        return None
    row = await connection.fetchrow(load("why/row_security"), target.oid, role, privilege)
    return RowSecurity(tuple(row["policies"])) if row else None

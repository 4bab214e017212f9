"""What roles hold that no reading sees: asked of pg_shdepend, in one statement per pass.

Where there is something in a served database, that database is asked for its name as well.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import asyncpg

from regent.holdings import SHOWN, Holding, How, Named
from regent.kinds import KINDS
from regent.server.connections import READ_SECONDS, Connections
from regent.server.lenient_text import is_legible, legible
from regent.server.trouble import TROUBLE, heed_cancellation
from shared.patterns import matcher
from sql import load

READ = sorted({"pg_auth_members", "pg_default_acl"} | {row.catalog for row in KINDS.values()})
"""The catalogs of which a reading sees every privilege. A new kind of object narrows the guard."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The roles of one question: all that are declared, and those that are managed, by oid."""

    names: Collection[str]
    managed: Collection[int]
    ignore_schemas: tuple[str, ...] = ()


async def read_holdings(
    connections: Connections, home_database: str, served: tuple[str, ...], asked: Asked
) -> Mapping[str, tuple[Holding, ...]]:
    """By the names of the roles. A database that gives no answer is told by its catalogs."""
    managed = sorted(asked.managed)
    async with connections.use(home_database, seconds=READ_SECONDS) as connection:
        rows = await connection.fetch(
            load("inspect/holdings"), sorted(asked.names), managed, list(served), READ
        )
    roles = {row["role_oid"]: row["role"] for row in rows}
    for database in sorted({row["database"] for row in rows} & set(served)):
        here = sorted({row["role_oid"] for row in rows if row["database"] == database})
        try:
            async with connections.use(database, seconds=READ_SECONDS) as connection:
                named = await connection.fetch(load("inspect/holdings_here"), here, managed, READ)
        except TROUBLE:
            heed_cancellation()
            continue
        rows = [*(row for row in rows if row["database"] != database), *named]
    return _by_role(rows, roles, asked)


def _by_role(
    rows: Iterable[asyncpg.Record], roles: Mapping[int, str], asked: Asked
) -> Mapping[str, tuple[Holding, ...]]:
    is_ignored, managed = matcher(asked.ignore_schemas), frozenset(asked.managed)
    found: dict[str, list[Holding]] = {}
    for row in rows:
        role, schema = roles[row["role_oid"]], row["schema"]
        if schema is not None and row["role_oid"] in managed and is_ignored(schema):
            continue
        if is_legible(role):
            found.setdefault(role, []).append(_holding(row))
    return {role: tuple(holdings) for role, holdings in found.items()}


def _holding(row: asyncpg.Record) -> Holding:
    database, schema = row["database"], row["schema"]
    return Holding(
        how=How(row["how"]),
        catalog=row["catalog"],
        objects=row["objects"],
        database=None if database is None else legible(database),
        schema=None if schema is None else legible(schema),
        is_served=row["is_served"],
        named=tuple(map(_named, row["named"] or ()))[:SHOWN],
    )


def _named(text: str) -> Named:
    kind, identity, names, arguments = json.loads(text)
    return Named(
        kind, legible(identity), tuple(map(legible, names)), tuple(map(legible, arguments))
    )

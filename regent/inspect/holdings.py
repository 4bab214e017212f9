"""What roles hold that no reading sees, or that one leaves alone: asked of pg_shdepend.

One statement per pass; where there is something in a served database, that database is asked for
its name as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
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
"""The catalogs of which a reading sees every privilege. A new kind of object narrows the guard.

What is seen is not always taken: in `ignoreSchemas`, and where a name is not UTF-8, it stays.
"""

SCHEMAS = "SELECT n.oid, n.nspname::text FROM pg_catalog.pg_namespace AS n"


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
    is_ignored = matcher(asked.ignore_schemas)
    rows = [row for row in rows if row["database"] is not None or not _is_taken(row)]
    for database in sorted({row["database"] for row in rows} & set(served)):
        here = sorted({row["role_oid"] for row in rows if row["database"] == database})
        try:
            async with connections.use(database, seconds=READ_SECONDS) as connection:
                spaces = await connection.fetch(SCHEMAS)
                left = [oid for oid, name in spaces if not is_legible(name) or is_ignored(name)]
                named = await connection.fetch(
                    load("inspect/holdings_here"), here, managed, READ, left
                )
        except TROUBLE:
            heed_cancellation()
            continue
        rows = [row for row in rows if row["database"] != database]
        rows += [row for row in named if _stays_in(row, is_ignored)]
    return _by_role(rows, roles, asked)


def _is_taken(row: asyncpg.Record) -> bool:
    """Of what all databases share: what a reading sees, by a name that can be read."""
    return _is_seen(row) and _has_legible_names(row)


def _is_seen(row: asyncpg.Record) -> bool:
    """A reading sees such privileges."""
    is_privilege = row["how"] == How.PRIVILEGE.value
    return row["is_served"] and is_privilege and row["catalog"] in READ


def _stays_in(row: asyncpg.Record, is_ignored: Callable[[str], bool]) -> bool:
    """Of a served database: whether no pass takes it away."""
    schema = row["schema"]
    if not row["is_left"] or (schema is not None and is_ignored(schema)):
        return True
    return not is_legible(schema or "") or not _has_legible_names(row)


def _has_legible_names(row: asyncpg.Record) -> bool:
    return all(map(is_legible, row["named"] or ()))


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
        is_left_alone=_is_seen(row),
        named=tuple(map(_named, row["named"] or ()))[:SHOWN],
    )


def _named(text: str) -> Named:
    kind, identity, names, arguments = json.loads(text)
    if not all(map(is_legible, (identity, *names, *arguments))):
        return Named(kind, legible(identity))
    return Named(kind, identity, tuple(names), tuple(arguments))

"""The local objects of one database: schemas, tables and the like, sequences, columns.

Each reading is one statement, so one snapshot. A whole and a targeted one differ only in the
statement's head, which says what is looked at; for a targeted one, that is found out before.
"""

from __future__ import annotations

from collections.abc import Collection

import asyncpg

from regent.inspect import statements
from regent.inspect.assemble import Interest, LastReading, assemble
from regent.kinds import COLUMNS, CONTAINERS, Address
from regent.observed import ObservedDatabase
from sql import load

XIDS = 2**32
"""A row knows only the low half of the number of the transaction that wrote it."""


async def inspect_database(
    connection: asyncpg.Connection, interest: Interest, last: LastReading | None = None
) -> ObservedDatabase:
    """Everything in the connection's database, in one statement; `last` remembers it."""
    rows = await connection.fetch(
        statements.whole(connection.get_server_version().major),
        sorted(interest.roles),
        sorted(interest.columns),
        interest.with_sequences,
        statements.CATALOGS,
        sorted(interest.kinds),
        sorted(interest.oids),
        interest.with_public,
        interest.with_system_schemas,
    )
    return (last or LastReading()).of(rows, interest)


async def inspect_changed(
    connection: asyncpg.Connection,
    interest: Interest,
    *,
    objects: Collection[Address] = (),
    xids: Collection[int] = (),
    with_schemas: bool = False,
) -> ObservedDatabase:
    """Only the relations and schemas among `objects`, and those that the transactions `xids` wrote.

    What a privilege on them may follow from comes with them: with a sequence the tables that draw
    on it, with a schema everything in it. `with_schemas` reads the schemas of the relations too,
    alone: a relation that is new there may be the first to need USAGE on its schema.
    Savepoints write under numbers of their own, and columns are looked for only when a transaction
    wrote no relation and no schema: a whole reading must follow in any case.
    """
    found = await connection.fetchrow(
        load("inspect/changed"),
        [one.oid for one in objects if one.catalog == COLUMNS.catalog],
        [xid % XIDS for xid in xids],
        interest.with_sequences,
        with_schemas,
        [one.oid for one in objects if one.catalog == CONTAINERS.catalog],
    )
    if found is None:
        raise LookupError("inspect/changed gives one row always")
    rows = await connection.fetch(
        statements.part(connection.get_server_version().major),
        sorted(interest.roles),
        sorted(interest.columns),
        interest.with_sequences,
        statements.CATALOGS,
        found["relations"],
        found["spaces"],
    )
    return assemble(rows, interest, is_partial=True)

"""The judge in a served database: an event trigger, its function and what it was told.

It stands in the detector's schema, which is PostgRegent's there. Like the detector it is compared
with what these very files install, and replaced as a whole, in one transaction.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import asyncpg

import sql
from regent.prevent.in_force import Edges, InForce
from regent.prevent.opening import Written

LOCK_TIMEOUT = "2s"
TRIGGER = "ddl_command_end A CREATE SCHEMA,DROP OWNED,GRANT,REVOKE"
RELATIONS = (
    "declared classid oid, objid oid, objsubid integer, owner oid, columns smallint, edges bigint",
    (
        "declared_edge edges bigint, grantee oid, privilege text, is_grantable boolean,"
        " declared_by text"
    ),
    "declared_role role oid, declared_by text",
    "guard is_it boolean, database oid, home name, lock_key bigint, contents text",
    "judged_until",
    "not_judged",
)
UNLOGGED_SEQUENCES_SINCE = 15


@dataclass(frozen=True, slots=True)
class Guard:
    """When a judge may refuse: while a session of an admin holds this lock in the home database."""

    home: str
    lock_key: int


class Installed(NamedTuple):
    """How often it has failed so far, and what of it was not as it is installed, in words."""

    failures: int
    damage: str = ""


async def install(connection: asyncpg.Connection) -> Installed:
    """Make the judge whole. The detector's schema is there.

    Raises what asyncpg says: InsufficientPrivilegeError where the admin may not.
    """
    row = await _inspect(connection)
    damage = "; ".join(_damage_in(row))
    if not damage:
        return Installed(int(row["not_judged"]))
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        await connection.execute(sql.load("prevent/drop"))
        await connection.execute(sql.load("prevent/tables"))
        unlogged = connection.get_server_version().major >= UNLOGGED_SEQUENCES_SINCE
        await connection.execute(
            sql.compose("prevent/sequence", unlogged="UNLOGGED" if unlogged else "")
        )
        await connection.execute(sql.load("prevent/refuse_change"))
        await connection.execute(sql.load("prevent/rights"))
        await connection.execute(sql.load("prevent/trigger"))
    return Installed(0, damage)


async def remove(connection: asyncpg.Connection) -> bool:
    """Take it out, trigger first; False where there was nothing of it."""
    if not (await _inspect(connection))["is_there"]:
        return False
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        await connection.execute(sql.load("prevent/drop"))
    return True


async def tell(connection: asyncpg.Connection, found: InForce, guard: Guard) -> bool:
    """Make it judge by this, and by nothing else, from now on. Writes only what differs.

    Also from what was written, as somebody may have emptied or changed it: True where that is so.
    """
    contents = digest_of(found)
    row = await connection.fetchrow(sql.load("prevent/told"))
    is_told = row is not None and row["is_of_here"] and not row["has_new_columns"]
    if row is None or not is_told or row["contents"] != f"{contents} {row['written']}":
        values = tuple(_columns_of(found))
        async with connection.transaction(isolation="repeatable_read"):
            # What somebody else writes meanwhile is not sealed with it.
            await connection.execute(
                sql.load("prevent/tell"), guard.home, guard.lock_key, contents, *values
            )
            await connection.execute(sql.load("prevent/seal"))
    elif (row["home"], row["lock_key"]) != (guard.home, guard.lock_key):
        await connection.execute(sql.load("prevent/retell"), guard.home, guard.lock_key)
    return row is None or (row["is_of_here"] and _is_changed(row["contents"], row["written"]))


def _is_changed(contents: str, written: str) -> bool:
    """Whether other rows stand there than were sealed; of what is left open none are."""
    _, is_sealed, sealed = contents.partition(" ")
    return bool(is_sealed) and sealed != written


async def leave_open(connection: asyncpg.Connection, written: Sequence[Written]) -> None:
    """Make it forget the objects on which it was told something else, until it is told anew."""
    columns = zip(*written, strict=True)
    await connection.execute(sql.load("prevent/leave_open"), *map(list, columns))


def digest_of(found: InForce) -> str:
    """The same for the same, in every process."""
    digest = hashlib.sha256(repr((found.roles, found.columns)).encode())
    for one in found.objects:
        digest.update(repr((one.catalog, one.owner, one.edges)).encode())
        digest.update(array("Q", one.oids).tobytes())
    return digest.hexdigest()


def number_of(edges: Edges) -> int:
    """A number made of nothing but these edges: so it is the same from pass to pass."""
    digest = hashlib.sha256(repr(edges).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _columns_of(found: InForce) -> Iterator[list[object]]:
    """What tell.sql takes, from $4 on."""
    yield [oid for oid, _ in found.roles]
    yield [words for _, words in found.roles]
    held = [*(one.edges for one in found.objects), *(one.edges for one in found.columns)]
    sets = {number_of(some): some for some in held}
    edges = [(number, edge) for number, some in sets.items() for edge in some]
    yield [number for number, _ in edges]
    yield [edge.grantee for _, edge in edges]
    yield [edge.privilege for _, edge in edges]
    yield [edge.is_grantable for _, edge in edges]
    yield [edge.declared_by for _, edge in edges]
    numbered = [(one, number_of(one.edges)) for one in found.objects]
    yield [one.catalog for one, _ in numbered for _ in one.oids]
    yield [oid for one, _ in numbered for oid in one.oids]
    yield [one.owner for one, _ in numbered for _ in one.oids]
    yield [number for one, number in numbered for _ in one.oids]
    yield [one.relation for one in found.columns]
    yield [one.column for one in found.columns]
    yield [number_of(one.edges) for one in found.columns]


async def _inspect(connection: asyncpg.Connection) -> asyncpg.Record:
    row = await connection.fetchrow(sql.load("prevent/inspect"))
    if row is None:
        raise RuntimeError("prevent/inspect gives exactly one row")
    return row


def _damage_in(row: asyncpg.Record) -> Iterator[str]:
    """What is not as these files install it."""
    if not row["is_there"]:
        yield "nothing of it is there"
        return
    if row["function_body"] != sql.load("prevent/refuse_change").split("$body$")[1]:
        yield "its function is missing or was altered"
    if tuple(row["relations"] or ()) != RELATIONS:
        yield "a table or sequence of it is missing or was altered"
    if row["trigger"] != TRIGGER:
        yield "its event trigger is missing or was altered"
    if row["is_shared"]:
        yield "another role owns a part of it, or may use one"

"""Whether statements that name objects find the ones that were read, from first to last (ADR 40).

Whoever owns a schema can give a name to another object, and back. So the names are looked at as a
transaction begins and as it ends: in between no row of an object, nor of its schema, may have been
written by anybody else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

import asyncpg

from regent.changes import GrantPrivileges, ObjectRef, PrivilegeChange, RevokePrivileges
from regent.kinds import KINDS, Address, Naming
from regent.server.connection import Connection
from sql import load

_NAMED = frozenset(
    row.catalog for row in KINDS.values() if row.naming in (Naming.NAME, Naming.SIGNATURE)
)
"""The catalogs of objects whose names could be another one's by now."""


@dataclass(frozen=True, slots=True)
class Name:
    """How one object is named, and the versions of the rows that say so."""

    schema: str | None
    name: str
    arguments: str | None
    version: str
    schema_version: str | None
    is_ours: bool
    schema_is_ours: bool

    def is_of(self, ref: ObjectRef) -> bool:
        """Whether it is the name by which a statement would look for it."""
        return (self.schema, self.name, self.arguments) == (ref.schema, ref.name, ref.arguments)

    def is_still(self, before: Name) -> bool:
        """Whether nobody else has written what says so.

        A schema that we write is written before what stands in it: then nobody renames it.
        """
        same_row = self.is_ours or self.version == before.version
        return same_row and (self.schema_is_ours or self.schema_version == before.schema_version)


Names: TypeAlias = Mapping[Address, Name]


class AnotherNameError(asyncpg.InternalServerError):
    """An object that is meant has another name by now, or was just written: read again.

    With the code of `tuple concurrently updated`, which is the same trouble.
    """

    def __init__(self) -> None:
        super().__init__("Another session renamed, replaced or altered it, or its schema.")


async def read_names(connection: Connection, objects: Iterable[Address]) -> Names:
    """The names of these now; of what has none that could be another's there is nothing."""
    asked = [one for one in objects if one.catalog in _NAMED]
    if not asked:
        return {}
    rows = await connection.fetch(
        load("apply/names"), [one.catalog for one in asked], [one.oid for one in asked]
    )
    return {
        Address(row["catalog"], row["oid"]): Name(
            row["schema"],
            row["name"],
            row["arguments"],
            row["version"],
            row["schema_version"],
            row["is_ours"],
            row["schema_is_ours"],
        )
        for row in rows
    }


@dataclass(slots=True)
class Named:
    """One transaction's look at the names of what it means, as it begins and as it ends."""

    connection: Connection
    meant: Mapping[Address, ObjectRef]
    before: Names = field(default_factory=dict)

    async def at_first(self) -> None:
        """Raise AnotherNameError where one of these is not called so any more."""
        self.before = await read_names(self.connection, self.meant)
        require_known(self.before, self.meant)
        if not all(name.is_of(self.meant[one]) for one, name in self.before.items()):
            raise AnotherNameError

    async def at_last(self) -> None:
        """Raise AnotherNameError where a name may have been another one's in between."""
        require_same(self.before, await read_names(self.connection, self.before))


def require_known(names: Names, objects: Iterable[Address]) -> None:
    """Raise AnotherNameError where one of these had no name when they were read."""
    if any(one.catalog in _NAMED and one not in names for one in objects):
        raise AnotherNameError


def require_same(before: Names, after: Names) -> None:
    """Raise AnotherNameError where a name was, or may have been, another one's in between."""
    if before.keys() != after.keys() or not all(
        after[one].is_still(name) for one, name in before.items()
    ):
        raise AnotherNameError


def meant_by_oid(parts: Collection[PrivilegeChange]) -> dict[Address, ObjectRef]:
    """The objects of changes that speak of what was read, and not of whatever has the name.

    A GRANT in place of another one, and a REVOKE that takes along what others got.
    """
    return {
        address: ref
        for part in parts
        if _means_what_was_read(part)
        for address, ref in zip(part.addresses, part.objects, strict=True)
    }


def _means_what_was_read(change: PrivilegeChange) -> bool:
    match change:
        case GrantPrivileges():
            return bool(change.instead_of)
        case RevokePrivileges():
            return change.cascade or change.cut is not None
        case _:
            assert_never(change)

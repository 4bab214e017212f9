"""Makes an ObservedDatabase of the rows of sql/inspect/reading.sql. Pure.

Which objects are members of extensions comes apart from the groups: they are few, and grouping ten
thousand others by it would cost the server half as much again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from regent.inspect.acl import AclReader
from regent.observed import Acl, ObjectGroup, ObservedColumn, ObservedDatabase
from regent.server.lenient_text import is_legible, left_alone, legible
from shared.patterns import matcher
from shared.privileges import ObjectKind

SEQUENCE = "S"
AS_THEY_ARE = frozenset({"UTF8", "SQL_ASCII"})
"""Encodings of databases from which names come byte for byte."""


class Row(Protocol):
    """One row, by column name."""

    def __getitem__(self, column: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Interest:
    """What a reading must know of the declarations.

    `roles` are the managed ones, `columns` the column names that some declaration names.
    `ignore_schemas` are patterns. `with_sequences`: some declaration gives INSERT with what it
    implies.
    """

    roles: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()
    ignore_schemas: tuple[str, ...] = ()
    with_sequences: bool = True


def assemble(rows: Iterable[Row], interest: Interest, *, is_partial: bool) -> ObservedDatabase:
    """One reading. What is in ignored schemas is left out, and the ignored schemas too."""
    parts: dict[str, list[Row]] = {}
    for row in rows:
        parts.setdefault(row["part"], []).append(row)
    return _Reading(parts, interest).database(is_partial=is_partial)


class _Reading:
    """The parts of one reading and what the assembling of any of them needs."""

    def __init__(self, parts: Mapping[str, Sequence[Row]], interest: Interest) -> None:
        self._parts = parts
        self._roles = interest.roles
        self._is_ignored = matcher(interest.ignore_schemas)
        self._acls = AclReader(is_recoded=_first(parts, "database")["kind"] not in AS_THEY_ARE)
        self._illegible: list[int] = []
        self._members = frozenset(_first(parts, "member")["oids"] or ())

    def database(self, *, is_partial: bool) -> ObservedDatabase:
        """All parts together."""
        groups = (
            *(g for row in self._parts.get("schema", ()) for g in self._schema_groups(row)),
            *(g for row in self._parts.get("relation", ()) for g in self._relation_groups(row)),
        )
        columns = tuple(self._columns())
        name = _first(self._parts, "database")["names"][0]
        oids = sorted(set(self._illegible))
        return ObservedDatabase(
            name=name,
            groups=groups,
            columns=columns,
            columns_present={
                row["names"][0]: frozenset(row["oids"]) for row in self._parts.get("present", ())
            },
            default_sequences=_default_sequences(_first(self._parts, "default"), groups),
            is_partial=is_partial,
            illegible=(left_alone("objects", oids, f" of {name}"),) if oids else (),
        )

    def _legible(self, oids: Sequence[int], names: Sequence[str]) -> list[tuple[int, str]]:
        """The pairs whose names can be read; the others are counted."""
        pairs = list(zip(oids, names, strict=True))
        if is_legible("".join(names)):
            return pairs
        self._illegible += [oid for oid, name in pairs if not is_legible(name)]
        return [(oid, name) for oid, name in pairs if is_legible(name)]

    def _schema_groups(self, row: Row) -> Iterator[ObjectGroup]:
        pairs = self._legible(row["oids"], row["names"])
        kept = [(oid, name) for oid, name in pairs if not self._is_ignored(name)]
        return self._groups(row, ObjectKind.SCHEMA, None, kept)

    def _relation_groups(self, row: Row) -> Iterator[ObjectGroup]:
        if not is_legible(row["schema"]) or self._is_ignored(row["schema"]):
            return iter(())
        kind = ObjectKind.SEQUENCE if row["kind"] == SEQUENCE else ObjectKind.TABLE
        pairs = self._legible(row["oids"], row["names"])
        return self._groups(row, kind, row["schema"], pairs)

    def _groups(
        self, row: Row, kind: ObjectKind, schema: str | None, pairs: list[tuple[int, str]]
    ) -> Iterator[ObjectGroup]:
        """One group, or two where some of the objects are members of extensions."""
        acl = self._acls.read(row["acl"])
        if row["is_system"] and not self._concerns(acl):
            return
        for is_member, alike in self._split(pairs).items():
            alike.sort()
            yield ObjectGroup(
                kind=kind,
                schema=schema,
                owner=legible(row["owner"]),
                acl=acl,
                names=tuple(name for _, name in alike),
                oids=tuple(oid for oid, _ in alike),
                relation_kind=row["kind"],
                is_extension_member=is_member,
            )

    def _split(self, pairs: list[tuple[int, str]]) -> dict[bool, list[tuple[int, str]]]:
        if not pairs:
            return {}
        if self._members.isdisjoint([oid for oid, _ in pairs]):
            return {False: pairs}
        found: dict[bool, list[tuple[int, str]]] = {}
        for oid, name in pairs:
            found.setdefault(oid in self._members, []).append((oid, name))
        return found

    def _columns(self) -> Iterator[ObservedColumn]:
        for row in self._parts.get("column", ()):
            acl = self._acls.read(row["acl"])
            if not is_legible("".join((row["schema"], *row["names"]))):
                self._illegible.append(row["oids"][0])
                continue
            if self._is_ignored(row["schema"]):
                continue
            if row["is_system"] and not self._concerns(acl):
                continue
            relation, column = row["names"]
            yield ObservedColumn(
                schema=row["schema"],
                relation=relation,
                relation_oid=row["oids"][0],
                relation_kind=row["kind"],
                owner=legible(row["owner"]),
                column=column,
                acl=acl,
                is_extension_member=row["oids"][0] in self._members,
            )

    def _concerns(self, acl: Acl) -> bool:
        """True when a managed role holds something."""
        return any(item.grantee in self._roles for item in acl)


def _first(parts: Mapping[str, Sequence[Row]], part: str) -> Row:
    return parts[part][0]


def _default_sequences(row: Row, groups: Collection[ObjectGroup]) -> Mapping[int, tuple[int, ...]]:
    """Per table. Defaults may draw on relations that are no sequences; those are left out."""
    sequences = {oid for g in groups if g.kind is ObjectKind.SEQUENCE for oid in g.oids}
    found: dict[int, tuple[int, ...]] = {}
    for table, other in zip(row["oids"] or (), row["others"] or (), strict=True):
        if other in sequences:
            found[table] = (*found.get(table, ()), other)
    return found

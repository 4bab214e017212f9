"""Makes an ObservedDatabase of the rows of sql/inspect/reading.sql and its fragments. Pure.

Which objects are members of extensions comes apart from the groups: they are few, and grouping ten
thousand others by it would cost the server half as much again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from regent.inspect.acl import AclReader
from regent.kinds import COLUMNS, DRAWN_ON, LOCAL, NEW_ONES
from regent.kinds import Row as Kind
from regent.observed import (
    Acl,
    ObjectGroup,
    ObservedColumn,
    ObservedDatabase,
    ObservedDefault,
)
from regent.server.lenient_text import is_legible, left_alone, legible
from shared.patterns import matcher
from shared.privileges import ObjectKind

AS_THEY_ARE = frozenset({"UTF8", "SQL_ASCII"})
"""Encodings of databases from which names come byte for byte."""


class _Named(NamedTuple):
    """One object. Of a plain kind `arguments` are empty."""

    oid: int
    name: str
    arguments: str


class Row(Protocol):
    """One row, by column name."""

    def __getitem__(self, column: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Interest:
    """What a reading must know of the declarations.

    `roles` are the managed ones, `columns` the column names that some declaration names.
    `ignore_schemas` are patterns. `with_sequences`: some declaration gives INSERT with what it
    implies. `kinds` are those that some declaration is about, `oids` what is declared by its oid.
    """

    roles: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()
    ignore_schemas: tuple[str, ...] = ()
    with_sequences: bool = True
    kinds: frozenset[ObjectKind] = frozenset()
    oids: frozenset[int] = frozenset()


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
        self._acls = AclReader(is_recoded=_first(parts, "database")["form"] not in AS_THEY_ARE)
        self._illegible: list[int] = []
        self._members = {
            row["form"].removeprefix("pg_catalog."): frozenset(row["oids"])
            for row in parts.get("member", ())
        }
        """By catalog."""

    def database(self, *, is_partial: bool) -> ObservedDatabase:
        """All parts together."""
        groups = tuple(
            group
            for kind in LOCAL
            if kind is not COLUMNS
            for row in self._parts.get(kind.kind, ())
            for group in self._groups(kind, row)
        )
        columns = tuple(self._columns())
        defaults = tuple(self._defaults())
        name = _first(self._parts, "database")["names"][0]
        oids = sorted(set(self._illegible))
        return ObservedDatabase(
            name=name,
            groups=groups,
            columns=columns,
            defaults=defaults,
            columns_present={
                row["names"][0]: frozenset(row["oids"]) for row in self._parts.get("present", ())
            },
            default_sequences=_default_sequences(_first(self._parts, "default"), groups),
            is_partial=is_partial,
            illegible=(left_alone("objects", oids, f" of {name}"),) if oids else (),
        )

    def _groups(self, kind: Kind, row: Row) -> Iterator[ObjectGroup]:
        """One group, or two where some of the objects are members of extensions."""
        schema, acl = row["schema"], self._acls.read(row["acl"])
        if schema is not None and (not is_legible(schema) or self._is_ignored(schema)):
            return
        if row["is_system"] and not self._concerns(acl):
            return
        objects = self._legible(row)
        if kind.is_container:
            objects = [one for one in objects if not self._is_ignored(one.name)]
        for is_member, alike in self._split(kind, objects).items():
            alike.sort()
            yield ObjectGroup(
                kind=kind.kind,
                schema=schema,
                owner=legible(row["owner"]),
                acl=acl,
                names=tuple(one.name for one in alike),
                oids=tuple(one.oid for one in alike),
                relation_kind=row["form"],
                is_extension_member=is_member,
                arguments=tuple(one.arguments for one in alike) if row["arguments"] else (),
                is_out_of_reach=row["is_system"],
            )

    def _legible(self, row: Row) -> list[_Named]:
        """The objects whose names can be read; the others are counted."""
        names = row["names"]
        arguments = row["arguments"] or ("",) * len(names)
        objects = list(map(_Named, row["oids"], names, arguments))
        if is_legible("".join((*names, *(row["arguments"] or ())))):
            return objects
        kept = [one for one in objects if is_legible(one.name + one.arguments)]
        self._illegible += [one.oid for one in objects if not is_legible(one.name + one.arguments)]
        return kept

    def _split(self, kind: Kind, objects: list[_Named]) -> dict[bool, list[_Named]]:
        if not objects:
            return {}
        members = self._members.get(kind.catalog, frozenset())
        if members.isdisjoint([one.oid for one in objects]):
            return {False: objects}
        found: dict[bool, list[_Named]] = {}
        for one in objects:
            found.setdefault(one.oid in members, []).append(one)
        return found

    def _columns(self) -> Iterator[ObservedColumn]:
        members = self._members.get(COLUMNS.catalog, frozenset())
        for row in self._parts.get(COLUMNS.kind, ()):
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
                relation_kind=row["form"],
                owner=legible(row["owner"]),
                column=column,
                acl=acl,
                is_extension_member=row["oids"][0] in members,
            )

    def _defaults(self) -> Iterator[ObservedDefault]:
        """Of kinds that are known. In an ignored schema they are nobody's business."""
        for row in self._parts.get("defaults", ()):
            schema, creator, kind = row["schema"], row["owner"], NEW_ONES.get(row["form"])
            if not self._acls.knows(creator) or not is_legible(schema or ""):
                self._illegible += row["oids"]
            elif kind is not None and (schema is None or not self._is_ignored(schema)):
                yield ObservedDefault(creator, schema, kind.kind, self._acls.read(row["acl"]))

    def _concerns(self, acl: Acl) -> bool:
        """True when a managed role holds something."""
        return any(item.grantee in self._roles for item in acl)


def _first(parts: Mapping[str, Sequence[Row]], part: str) -> Row:
    return parts[part][0]


def _default_sequences(row: Row, groups: Collection[ObjectGroup]) -> Mapping[int, tuple[int, ...]]:
    """Per table. Defaults may draw on relations that are no sequences; those are left out."""
    sequences = {oid for g in groups if g.kind in DRAWN_ON for oid in g.oids}
    found: dict[int, tuple[int, ...]] = {}
    for table, other in zip(row["oids"] or (), row["others"] or (), strict=True):
        if other in sequences:
            found[table] = (*found.get(table, ()), other)
    return found

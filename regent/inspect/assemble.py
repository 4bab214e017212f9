"""Makes an ObservedDatabase of the rows of sql/inspect/reading.sql and its fragments. Pure.

Which objects are members of extensions comes apart from the groups: they are few, and grouping ten
thousand others by it would cost the server half as much again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import add
from typing import Any, Protocol

from regent.inspect.acl import AclReader
from regent.inspect.written import items
from regent.kinds import COLUMNS, CONTAINERS, DRAWN_ON, LOCAL, NEW_ONES
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


class Row(Protocol):
    """One row, by column name."""

    def __getitem__(self, column: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Interest:
    """What a reading must know of the declarations.

    `roles` are the managed ones, `columns` the column names that some declaration names.
    `ignore_schemas` are patterns. `with_sequences`: some declaration gives INSERT with what it
    implies. `kinds` are those that some declaration is about, `oids` what is declared by its oid.
    `with_public`: what PUBLIC alone has on columns and large objects is looked for.
    `with_system_schemas`: all schemas come, also those in which nobody was given anything: whoever
    says what a session lacks must know who has USAGE on pg_catalog.
    """

    roles: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()
    ignore_schemas: tuple[str, ...] = ()
    with_sequences: bool = True
    kinds: frozenset[ObjectKind] = frozenset()
    oids: frozenset[int] = frozenset()
    with_public: bool = False
    with_system_schemas: bool = False


class LastReading:
    """The last whole reading of one database: of the same rows nothing is made anew."""

    def __init__(self) -> None:
        self._last: tuple[Sequence[Row], Interest, ObservedDatabase] | None = None

    def of(self, rows: Sequence[Row], interest: Interest) -> ObservedDatabase:
        """What these rows say."""
        last = self._last
        if last is None or last[:2] != (rows, interest):
            last = rows, interest, assemble(rows, interest, is_partial=False)
            self._last = last
        return last[2]


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
        self._with_system_schemas = interest.with_system_schemas
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
        [name] = items(_first(self._parts, "database")["names"])
        oids = sorted(set(self._illegible))
        return ObservedDatabase(
            name=name,
            groups=groups,
            columns=columns,
            defaults=defaults,
            columns_present={
                name: frozenset(row["oids"])
                for row in self._parts.get("present", ())
                for name in items(row["names"])
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
        is_asked = kind is CONTAINERS and self._with_system_schemas
        if row["is_system"] and not (is_asked or self._concerns(acl)):
            return
        oids, names, arguments = row["oids"], items(row["names"]), items(row["arguments"])
        positions = self._legible(oids, names, arguments)
        if kind.is_container:
            positions = [at for at in positions if not self._is_ignored(names[at])]
        for is_member, alike in self._split(kind, oids, positions).items():
            alike.sort(key=oids.__getitem__)
            yield ObjectGroup(
                kind=kind.kind,
                schema=schema,
                owner=legible(row["owner"]),
                acl=acl,
                names=tuple(map(names.__getitem__, alike)),
                oids=tuple(map(oids.__getitem__, alike)),
                relation_kind=row["form"],
                is_extension_member=is_member,
                arguments=tuple(map(arguments.__getitem__, alike)) if arguments else (),
                is_out_of_reach=row["is_system"],
            )

    def _legible(
        self, oids: Sequence[int], names: Sequence[str], arguments: Sequence[str]
    ) -> Sequence[int]:
        """The positions of the objects whose names can be read; the others are counted."""
        if is_legible("".join((*names, *arguments))):
            return range(len(names))
        texts = list(map(add, names, arguments)) if arguments else names
        self._illegible += [oids[at] for at, one in enumerate(texts) if not is_legible(one)]
        return [at for at, one in enumerate(texts) if is_legible(one)]

    def _split(
        self, kind: Kind, oids: Sequence[int], positions: Sequence[int]
    ) -> dict[bool, list[int]]:
        """Positions by whether the objects are members of extensions."""
        members = self._members.get(kind.catalog, frozenset())
        if positions and members.isdisjoint(oids):
            return {False: list(positions)}
        found: dict[bool, list[int]] = {}
        for at in positions:
            found.setdefault(oids[at] in members, []).append(at)
        return found

    def _columns(self) -> Iterator[ObservedColumn]:
        members = self._members.get(COLUMNS.catalog, frozenset())
        for row in self._parts.get(COLUMNS.kind, ()):
            acl = self._acls.read(row["acl"])
            relation, column = items(row["names"])
            if not is_legible("".join((row["schema"], relation, column))):
                self._illegible.append(row["oids"][0])
                continue
            if self._is_ignored(row["schema"]):
                continue
            if row["is_system"] and not self._concerns(acl):
                continue
            yield ObservedColumn(
                schema=row["schema"],
                relation=relation,
                relation_oid=row["oids"][0],
                relation_kind=row["form"],
                owner=legible(row["owner"]),
                column=column,
                acl=acl,
                is_extension_member=row["oids"][0] in members,
                number=row["others"][0],
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

"""What stands where in a reading, looked up instead of searched for each owner. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from regent.kinds import LOCAL, Scope
from regent.observed import ObjectGroup, ObservedDatabase

IN_SCHEMAS = tuple(
    row.kind for row in LOCAL if row.scope is Scope.IN_SCHEMA and row.part_of is None
)
"""Tables before the sequences that go with them."""
BUILT_IN = "i"
"""The form of a routine in the server's own language (sql/inspect/kinds/routine.sql)."""
Place: TypeAlias = tuple[ObjectGroup, int]
"""The group that something is in, and its oid."""


def by_name(groups: Iterable[ObjectGroup]) -> Mapping[str, Place]:
    """Of groups of one kind that stands in no schema."""
    return {
        name: (group, oid)
        for group in groups
        for name, oid in zip(group.names, group.oids, strict=True)
    }


def by_schema(reading: ObservedDatabase) -> Mapping[str, Sequence[ObjectGroup]]:
    """What can go to a schema's owner; members of extensions stay."""
    found: dict[str, list[ObjectGroup]] = {}
    for group in reading.groups:
        is_reached = not (group.is_extension_member or group.is_out_of_reach or _is_built_in(group))
        if group.schema is not None and group.kind in IN_SCHEMAS and is_reached:
            found.setdefault(group.schema, []).append(group)
    return found


def _is_built_in(group: ObjectGroup) -> bool:
    """Constructors of ranges: they belong to whoever made the server, whoever makes the range."""
    return group.relation_kind == BUILT_IN

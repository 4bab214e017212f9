"""Default privileges as Roles declare them (ADR 35). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import Any

from regent.export.fold import ORDER
from regent.export.held import Grantee
from regent.export.later import built_in
from regent.kinds import CONTAINERS, KINDS, NEW_ONES
from regent.observed import ObservedDatabase, ObservedDefault
from regent.plan.matching import is_system
from shared.privileges import ObjectKind, PublicRight

Entry = dict[str, Any]


def entries_of(grantee: str, reading: ObservedDatabase) -> list[Entry]:
    """The `defaultPrivileges` of one role in one database."""
    found: dict[tuple[str, str | None, ObjectKind], frozenset[str]] = {}
    for row in reading.defaults:
        if row.creator != grantee and not is_system(row.schema or ""):
            given = _given(row, grantee)
            if given:
                found[row.creator, row.schema, row.kind] = given
    return _entries(found)


def entries_of_public(
    reading: ObservedDatabase, creators: Set[str], rights: Set[PublicRight]
) -> list[Entry]:
    """Those of PUBLIC: all of whom somebody names, and what others give it beyond the built-in."""
    found: dict[tuple[str, str | None, ObjectKind], frozenset[str]] = {}
    named = set(creators) | {row.creator for row in reading.defaults if _beyond(row, rights)}
    for creator in named:
        for row in NEW_ONES.values():
            if given := built_in(row.kind) & row.privileges_of(rights):
                found[creator, None, row.kind] = given
    for default in reading.defaults:
        if default.creator in named and not is_system(default.schema or ""):
            ours = KINDS[default.kind].privileges_of(rights)
            found[default.creator, default.schema, default.kind] = _given(default, None) & ours
    return _entries({place: given for place, given in found.items() if given})


def creators_in(entries: Iterable[Entry]) -> frozenset[str]:
    """Whose new objects they are about."""
    return frozenset(str(one["creator"]) for one in entries)


def passes_on(grantee: str, reading: ObservedDatabase) -> bool:
    """Whether it has a grant option by default, which no declaration gives."""
    return any(
        item.grantee == grantee and item.grantable
        for row in reading.defaults
        if row.creator != grantee
        for item in row.acl
    )


def _beyond(row: ObservedDefault, rights: Set[PublicRight]) -> bool:
    given = _given(row, None) & KINDS[row.kind].privileges_of(rights)
    return bool(given - (built_in(row.kind) if row.schema is None else frozenset()))


def _given(row: ObservedDefault, grantee: Grantee) -> frozenset[str]:
    some = (item.privileges for item in row.acl if item.grantee == grantee)
    return frozenset[str]().union(*some)


def _entries(
    found: dict[tuple[str, str | None, ObjectKind], frozenset[str]],
) -> list[Entry]:
    """Schemas in which a creator gives the same of the same kind are one entry."""
    alike: dict[tuple[str, ObjectKind, tuple[str, ...], bool], list[str]] = {}
    for (creator, schema, kind), given in found.items():
        actions = tuple(sorted(given, key=ORDER.index))
        there = alike.setdefault((creator, kind, actions, schema is None), [])
        there += [] if schema is None else [schema]
    return list(_written(alike))


def _written(
    alike: dict[tuple[str, ObjectKind, tuple[str, ...], bool], list[str]],
) -> Iterator[Entry]:
    for (creator, kind, actions, _), schemas in sorted(alike.items(), key=str):
        entry: Entry = {"creator": creator}
        if schemas:
            entry["schemas"] = sorted(schemas)
        is_schemas = kind is CONTAINERS.kind
        entry["objects"] = "schemas" if is_schemas else KINDS[kind].listed_in
        yield entry | {"actions": list(actions)}

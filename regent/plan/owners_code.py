"""What is declared on objects and not given there, as it is code as their owner: who is told. Pure.

A Permission says nothing of owners, so that is found out with the tables (ADR 48). What was written
by name is trouble; what only ALL means is a note, and all that was meant may well hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from regent.desired import DeclaredGrant, Desired
from regent.kinds import COLUMNS
from regent.observed import ObjectGroup, Observed, ObservedDatabase
from regent.plan.matching import CompiledGrants, is_temporary, owner_of_code
from regent.plan.signatures import keys_of
from shared.keys import ResourceKey


@dataclass(slots=True)
class Told:
    """By Permission."""

    troubles: dict[ResourceKey, str] = field(default_factory=dict)
    notes: dict[ResourceKey, tuple[str, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class _Objects:
    """Of one owner, under one Permission."""

    first: str
    count: int = 0


def code_not_given(desired: Desired, observed: Observed) -> Told:
    """Of the databases that were read as a whole."""
    told = Told()
    for database, declared in desired.grants.items():
        reading = observed.databases.get(database)
        bounded = tuple(one for one in declared if one.owners_code is not None and one.grantees)
        if not bounded or reading is None or reading.is_partial:
            continue
        found: dict[int, dict[str, _Objects]] = {}
        compiled = CompiledGrants(bounded, frozenset(), desired.ignore_schemas)
        for index, group, positions in _reached(compiled, reading):
            schema = f"{group.schema}." if group.schema is not None else ""
            objects = found.setdefault(index, {})
            first = f"{schema}{group.names[positions[0]]}"
            objects.setdefault(group.owner, _Objects(first)).count += len(positions)
        for index, owners in found.items():
            _tell(told, bounded[index], owners)
    return told


def _tell(told: Told, grant: DeclaredGrant, owners: Mapping[str, _Objects]) -> None:
    if grant.owners_code is None:
        return
    owner, objects = min(owners.items())
    place = f"{objects.first!r} of {owner!r}"
    if more := sum(one.count for one in owners.values()) - 1:
        place += f" and {more} more like it"
    said = f"spec.actions: {grant.owners_code.not_given(place)}"
    if grant.owners_code.named:
        told.troubles[grant.permission] = f"{said} All else of it holds."
    else:
        told.notes[grant.permission] = (said,)


def _reached(
    compiled: CompiledGrants, reading: ObservedDatabase
) -> Iterator[tuple[int, ObjectGroup, Sequence[int]]]:
    """Declarations, and the objects on which they do not give it."""
    guarded = frozenset[str]().union(
        *(one.owners_code.owners for one in compiled.grants if one.owners_code is not None)
    )
    for group in reading.groups:
        if (
            owner_of_code(group) not in guarded
            or group.is_out_of_reach
            or is_temporary(group.schema or "")
        ):
            continue
        for kind in (group.kind, COLUMNS.kind) if group.kind is COLUMNS.part_of else (group.kind,):
            rules = compiled.rules(kind, group.schema, is_extension=group.is_extension_member)
            for signature, found in rules.partition(keys_of(group)):
                positions = range(len(group.names)) if found is None else found
                for index in signature:
                    if not compiled.is_bounded_on(index, group.owner):
                        continue
                    here = _with_columns(compiled.grants[index], reading, group, positions)
                    if here:
                        yield index, group, here


def _with_columns(
    grant: DeclaredGrant, reading: ObservedDatabase, group: ObjectGroup, positions: Sequence[int]
) -> Sequence[int]:
    """Those that have one of the columns, where some are named."""
    if not grant.columns:
        return positions
    there = [reading.columns_present.get(name, ()) for name in grant.columns]
    return [p for p in positions if any(group.oids[p] in oids for oids in there)]

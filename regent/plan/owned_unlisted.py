"""What managed roles own although no `owns` lists it: said, and left with them. Pure (ADR 36)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from regent.desired import Desired, DesiredOwner
from regent.kinds import CONTAINERS, KINDS
from regent.observed import Observed
from regent.plan.matching import is_system
from shared.keys import ResourceKey
from shared.listing import first_of
from shared.privileges import ObjectKind

MOST_NAMED = 5
Target: TypeAlias = tuple[ObjectKind, str, str]
"""Kind, database, name."""


def unlisted(
    desired: Desired, observed: Observed, claims: Mapping[Target, Sequence[DesiredOwner]]
) -> Iterator[tuple[ResourceKey, str]]:
    """What managed roles own although `owns` does not list it: it stays with them."""
    for (owner, kind, place), names in _owned(desired, observed).items():
        more = sorted(
            name
            for database, name in names
            if all(one.owner != owner for one in claims.get((kind, database, name), ()))
        )
        if not more:
            continue
        row = KINDS[kind]
        what = f"the {row.one if len(more) == 1 else row.many} {first_of(more, MOST_NAMED)}{place}"
        stays = "it stays" if len(more) == 1 else "they stay"
        said = f"{owner!r} owns {what}, which spec.owns does not list: {stays} its own."
        for key in desired.roles[owner].declared_by:
            yield key, said


def _owned(
    desired: Desired, observed: Observed
) -> dict[tuple[str, ObjectKind, str], list[tuple[str, str]]]:
    """What managed roles own, by role, kind and the words for the place: (database, name)."""
    found: dict[tuple[str, ObjectKind, str], list[tuple[str, str]]] = {}
    for group in observed.server.databases:
        if group.owner in desired.roles:
            served = [(name, name) for name in group.names if name in desired.grants]
            found.setdefault((group.owner, group.kind, ""), []).extend(served)
    for database, reading in sorted(observed.databases.items()):
        for group in reading.groups:
            if group.kind is CONTAINERS.kind and group.owner in desired.roles:
                here = [(database, name) for name in group.names if not is_system(name)]
                place = f" of {database!r}"
                found.setdefault((group.owner, group.kind, place), []).extend(here)
    return found

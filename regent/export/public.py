"""Which rights of PUBLIC can be declared, and what those that cannot look like. Pure (rule 11).

CONNECT, TEMPORARY, CREATE on schemas and all that is given by hand are said exactly. EXECUTE and
USAGE are there without anybody's doing: they are declared only where everything has them, now and
later, so that one wildcard says it (ADR 59).
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from regent.export.fold import Fold, Things
from regent.export.held import Holding, Place, Spot
from regent.export.later import built_in, of_public_later
from regent.export.statements import revoke_from_public
from regent.export.unsaid import Unsaid
from regent.kinds import KINDS, LOCAL, Scope
from regent.observed import ObjectGroup, Observed
from regent.plan.matching import is_system
from shared.patterns import ANY
from shared.privileges import ObjectKind, PublicRight

BUILT_IN = {
    row.kind: right
    for row in LOCAL
    for privilege, right in row.of_public.items()
    if row.new_ones is not None and privilege in row.new_ones.of_public
}
WITHOUT_DEFAULTS = tuple(row for row in LOCAL if row.of_public and row.new_ones is None)
EVERYWHERE = frozenset(PublicRight)


def rights(observed: Observed) -> frozenset[PublicRight]:
    """Those that are declared."""
    return EVERYWHERE - {
        right for kind, right in BUILT_IN.items() if not _is_everywhere(observed, kind)
    }


def everywhere(observed: Observed, found: Holding, declared: Set[PublicRight]) -> Iterator[Fold]:
    """What PUBLIC has without anybody's doing, as one wildcard; it is taken out of what was found.

    In every schema, also those to come: else the first function of a new schema would lose it.
    """
    mine = found.of.setdefault(None, {})
    for database in observed.databases:
        for kind, right in BUILT_IN.items():
            if right in declared:
                for spot in [one for one in mine if _is_of(one, database, kind)]:
                    del mine[spot]
                yield _fold(database, kind, (ANY,))
        for row in WITHOUT_DEFAULTS:
            place = Place(database, row.kind, None)
            for spot in [Spot(place, one) for one in row.of_public]:
                if spot in mine and mine[spot] >= found.owners[place].keys():
                    del mine[spot]
                    yield _fold(database, row.kind, ())


def _is_of(spot: Spot, database: str, kind: ObjectKind) -> bool:
    return spot.place[:2] == (database, kind) and not spot.is_of_extension


def _fold(database: str, kind: ObjectKind, schemas: tuple[str, ...]) -> Fold:
    actions = tuple(KINDS[kind].privileges)
    return Fold(database, kind, schemas, Things((ANY,)), actions, (None,), is_implied=not schemas)


def unsaid(observed: Observed, declared: Set[PublicRight]) -> Iterator[Unsaid]:
    """What PUBLIC was taken, where that is not declared."""
    for kind, right in BUILT_IN.items():
        if right in declared:
            continue
        statements = [
            revoke_from_public(group, index)
            for reading in observed.databases.values()
            for group in reading.groups
            if group.kind is kind and _is_taken(group)
            for index in range(len(group.names))
        ]
        yield Unsaid(
            f"what PUBLIC has on {KINDS[kind].many}",
            "not all of them have it, or not all that will be made, and no wildcard says that:"
            f" publicPrivileges.{right} stays Ignore, and PUBLIC as it is",
            tuple(statements),
        )


def _is_everywhere(observed: Observed, kind: ObjectKind) -> bool:
    return all(
        of_public_later(reading, kind) and not any(map(_is_taken, _of_kind(reading.groups, kind)))
        for reading in observed.databases.values()
    )


def _of_kind(groups: tuple[ObjectGroup, ...], kind: ObjectKind) -> Iterator[ObjectGroup]:
    return (group for group in groups if group.kind is kind)


def _is_taken(group: ObjectGroup) -> bool:
    """Whether PUBLIC has less than it had when the objects were made."""
    is_local = KINDS[group.kind].scope is Scope.IN_SCHEMA
    if not is_local or group.is_out_of_reach or is_system(group.schema or ""):
        return False
    if group.is_extension_member:
        return False
    has = (item.privileges for item in group.acl if item.grantee is None)
    return not built_in(group.kind) <= frozenset[str]().union(*has)

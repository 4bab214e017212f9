"""Many privileges of many roles as few Permissions: what roles share is said once. Pure (ADR 59).

Each step keeps exactly what is held. Per role and privilege: the names, or a wildcard. Then roles
with the same of it share one Permission, which has all actions and all schemas that are alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic.alias_generators import to_snake

from regent.export.held import COLUMN, Grantee, Holding, Place, Spot
from regent.export.later import Later
from regent.kinds import COLUMNS, CONTAINERS, DRAWN_ON, KINDS, Scope
from shared.patterns import ANY, escaped
from shared.privileges import ObjectKind
from shared.resources import PermissionSpec

ORDER = (
    "CONNECT", "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER",
    "MAINTAIN", "EXECUTE", "USAGE", "CREATE", "TEMPORARY", "SET", "ALTER SYSTEM",
)  # fmt: skip
"""Of actions in a Permission."""
MOST_SCHEMAS = 256


class Things(NamedTuple):
    """What a Permission lists: names, and of columns the columns that each of them has."""

    names: tuple[str, ...]
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fold:
    """One Permission to be, with everyone who has it."""

    database: str
    kind: ObjectKind
    schemas: tuple[str, ...]
    things: Things
    actions: tuple[str, ...]
    grantees: tuple[Grantee, ...]
    is_grantable: bool = False
    is_of_extension: bool = False
    is_implied: bool = True


def fold(found: Holding, later: Later, grantees: Iterable[Grantee]) -> tuple[Fold, ...]:
    """All that these hold. Objects first: they say which USAGE need not be said (rule 15)."""
    folding = _Folding(found, later, tuple(grantees))
    objects = [one for one in folding.places if one.kind not in COMES_ALONG]
    sequences = [one for one in folding.places if one.kind in DRAWN_ON]
    schemas = [one for one in folding.places if one.kind is CONTAINERS.kind]
    return tuple(one for places in (objects, sequences, schemas) for one in folding.folded(places))


COMES_ALONG = DRAWN_ON | {CONTAINERS.kind}


@dataclass(slots=True)
class _Folding:
    found: Holding
    later: Later
    grantees: tuple[Grantee, ...]
    _implied: dict[Grantee, set[tuple[Place, str]]] = field(default_factory=dict)
    """USAGE that comes with what is declared already: of which place, on what."""

    @property
    def places(self) -> tuple[Place, ...]:
        found = {spot.place for one in self.grantees for spot in self.found.of.get(one, ())}
        return tuple(sorted(found, key=_place_order))

    def folded(self, places: Sequence[Place]) -> Iterator[Fold]:
        """Of places whose kinds bring nothing to each other."""
        shared: dict[tuple[Spot, Things], list[Grantee]] = {}
        here = set(places)
        for grantee in self.grantees:
            for spot, names in self.found.of.get(grantee, {}).items():
                left = self._left(grantee, spot, names) if spot.place in here else ()
                for things in self._things(grantee, spot, left) if left else ():
                    shared.setdefault((spot, things), []).append(grantee)
        actions: dict[tuple[Spot, Things, tuple[Grantee, ...]], list[str]] = {}
        for (spot, things), who in shared.items():
            alike = spot._replace(privilege="")
            actions.setdefault((alike, things, _in_order(who)), []).append(spot.privilege)
        schemas: dict[Fold, list[str]] = {}
        for (spot, things, those), privileges in actions.items():
            one = self._one(spot, things, those, tuple(sorted(privileges, key=ORDER.index)))
            there = schemas.setdefault(one, [])
            if spot.place.schema is not None:
                there.append(escaped(spot.place.schema))
        for one in sorted(schemas, key=lambda one: _fold_order(one, schemas[one])):
            yield from _within_limits(one, tuple(sorted(schemas[one])))

    def _left(self, grantee: Grantee, spot: Spot, names: Set[str]) -> Set[str]:
        """What must be said: not USAGE that something else brings, unless a list falls apart."""
        if spot.place.kind not in COMES_ALONG or spot.privilege != "USAGE" or spot.is_grantable:
            return names
        implied = self._implied.get(grantee, set())
        left = {name for name in names if (spot.place, name) not in implied}
        if KINDS[spot.place.kind].is_container:
            return left
        return names if left or self._wildcard(grantee, spot, names) else left

    def _things(self, grantee: Grantee, spot: Spot, names: Set[str]) -> Iterator[Things]:
        if spot.place.kind is COLUMNS.kind:
            yield from _by_columns(names)
            return
        yield self._wildcard(grantee, spot, names) or Things(tuple(sorted(names)))

    def _wildcard(self, grantee: Grantee, spot: Spot, names: Iterable[str]) -> Things | None:
        """A star, where everything is held but what is the role's own, and all that comes."""
        if spot.is_of_extension or KINDS[spot.place.kind].scope is not Scope.IN_SCHEMA:
            return None
        there = self.found.owners.get(spot.place, {})
        others = {name for name, owner in there.items() if owner != grantee}
        if not others or not others <= set(names) or not self.later.fits(grantee, spot):
            return None
        return Things((ANY,))

    def _one(
        self, spot: Spot, things: Things, who: tuple[Grantee, ...], actions: tuple[str, ...]
    ) -> Fold:
        place = spot.place
        is_implied = KINDS[place.kind].scope is not Scope.IN_SCHEMA or all(
            self._has_implied(one, spot, things, actions) for one in who
        )
        if is_implied:
            for one in who:
                self._note_implied(one, spot, things, actions)
        return Fold(
            place.database,
            place.kind,
            (),
            things,
            actions,
            who,
            spot.is_grantable,
            spot.is_of_extension,
            is_implied,
        )

    def _has_implied(
        self, grantee: Grantee, spot: Spot, things: Things, actions: tuple[str, ...]
    ) -> bool:
        """Whether it has all that would come with this: else that would be given."""
        place = spot.place
        name = escaped(place.schema or "")
        if not self.found.has(grantee, _schemas(place), "USAGE", name):
            return False
        if "INSERT" not in actions or KINDS[place.kind].draws_on is None:
            return True
        if things.names == (ANY,):
            usage = Spot(Place(place.database, self._drawn(place), place.schema), "USAGE")
            if not self.later.fits(grantee, usage):
                return False
        return all(self._has_sequence(grantee, place.database, *one) for one in
                   self._sequences(place, things))  # fmt: skip

    def _has_sequence(self, grantee: Grantee, database: str, schema: str, name: str) -> bool:
        if self.found.sequence_owners.get((database, schema, name)) == grantee:
            return True
        return any(
            self.found.has(grantee, Place(database, kind, schema), "USAGE", escaped(name))
            for kind in DRAWN_ON
        )

    @staticmethod
    def _drawn(place: Place) -> ObjectKind:
        return KINDS[place.kind].draws_on or place.kind

    def _note_implied(
        self, grantee: Grantee, spot: Spot, things: Things, actions: tuple[str, ...]
    ) -> None:
        place = spot.place
        noted = self._implied.setdefault(grantee, set())
        noted.add((_schemas(place), escaped(place.schema or "")))
        if "INSERT" in actions and KINDS[place.kind].draws_on is not None:
            for schema, name in self._sequences(place, things):
                noted.add((Place(place.database, self._drawn(place), schema), escaped(name)))

    def _sequences(self, place: Place, things: Things) -> Iterator[tuple[str, str]]:
        tables = self.found.default_sequences.get(
            place._replace(kind=KINDS[place.kind].part_of or place.kind), {}
        )
        for table, drawn in tables.items():
            if things.names == (ANY,) or table in things.names:
                yield from drawn


def _schemas(place: Place) -> Place:
    return Place(place.database, CONTAINERS.kind, None)


def _by_columns(names: Iterable[str]) -> Iterator[Things]:
    """Tables with the same columns together: a Permission is on each column of each table."""
    columns: dict[str, set[str]] = {}
    for name in names:
        table, _, column = name.partition(COLUMN)
        columns.setdefault(table, set()).add(column)
    alike: dict[tuple[str, ...], list[str]] = {}
    for table, some in columns.items():
        alike.setdefault(tuple(sorted(some)), []).append(table)
    for some_columns, tables in alike.items():
        yield Things(tuple(sorted(tables)), some_columns)


def _within_limits(one: Fold, schemas: tuple[str, ...]) -> Iterator[Fold]:
    most = _most_names(KINDS[one.kind].listed_in)
    names = one.things.names
    if one.kind is CONTAINERS.kind:
        schemas, names = names, ()
    for some_schemas in _chunks(schemas, MOST_SCHEMAS):
        for some in _chunks(names, most):
            for columns in _chunks(one.things.columns, MOST_SCHEMAS):
                yield Fold(
                    one.database,
                    one.kind,
                    some_schemas,
                    Things(() if KINDS[one.kind].listed_in == "" else some, columns),
                    one.actions,
                    one.grantees,
                    one.is_grantable,
                    one.is_of_extension,
                    one.is_implied,
                )


def _most_names(field: str) -> int:
    """How many the model takes; a longer list becomes two Permissions."""
    if not field:
        return MOST_SCHEMAS
    limits = PermissionSpec.model_fields[to_snake(field)].metadata
    return next(int(one.max_length) for one in limits if hasattr(one, "max_length"))


def _chunks(some: tuple[str, ...], most: int) -> Iterator[tuple[str, ...]]:
    if not some:
        yield ()
    for at in range(0, len(some), most):
        yield some[at : at + most]


def _in_order(grantees: Iterable[Grantee]) -> tuple[Grantee, ...]:
    return tuple(sorted(grantees, key=lambda one: one or ""))


def _place_order(place: Place) -> tuple[str, int, str]:
    return place.database, list(KINDS).index(place.kind), place.schema or ""


def _fold_order(one: Fold, schemas: Sequence[str]) -> tuple[object, ...]:
    kind = list(KINDS).index(one.kind)
    actions = [ORDER.index(action) for action in one.actions]
    return one.database, kind, sorted(schemas), one.things, actions, one.is_grantable

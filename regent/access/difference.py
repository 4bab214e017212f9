"""What two states differ in for each person: a role that may log in, in one of them at least. Pure.

Who is a superuser on one side is compared by its powers alone: there it has everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from regent.access.places import Held, Place, Places
from regent.access.powers import LOGIN, SUPERUSER, powers_of
from regent.access.rights import NOTHING, Access, Way, Words
from regent.observed import Acl
from regent.plan.matching import is_system
from regent.reach import SYSTEM_PREFIX


class Step(NamedTuple):
    """One word that somebody has otherwise than before, at all of these places; none: a power."""

    word: str
    before: Way
    after: Way
    places: tuple[Place, ...] = ()

    @property
    def is_gain(self) -> bool:
        """Whether it is more than before."""
        return self.after > self.before

    @property
    def size(self) -> int:
        """How many rights that are."""
        return len(self.places) or 1


@dataclass(frozen=True, slots=True)
class OfPerson:
    """What changes for one person, and how many of its rights stay as they are."""

    name: str
    steps: tuple[Step, ...]
    unchanged: int

    @property
    def gains(self) -> tuple[Step, ...]:
        """What it has more of."""
        return tuple(one for one in self.steps if one.is_gain)

    @property
    def losses(self) -> tuple[Step, ...]:
        """What it has less of."""
        return tuple(one for one in self.steps if not one.is_gain)


@dataclass(frozen=True)
class Side:
    """One of two states, with all that is asked of it."""

    places: Places
    access: Access = field(init=False)

    def __post_init__(self) -> None:
        """What is reckoned once stays."""
        object.__setattr__(self, "access", Access(self.places))

    @cached_property
    def powers(self) -> Mapping[str, Words]:
        """Of each role."""
        return powers_of(self.places.server)

    @cached_property
    def persons(self) -> frozenset[str]:
        """Who may log in."""
        return frozenset(name for name, words in self.powers.items() if LOGIN in words)

    @cached_property
    def superusers(self) -> frozenset[str]:
        """Those of them who have everything."""
        return frozenset(
            one for one in self.persons if self.powers[one].get(SUPERUSER) is Way.AT_ONCE
        )

    def powers_of(self, person: str) -> Words:
        """Who may not log in has none."""
        return self.powers[person] if person in self.persons else NOTHING

    def counted(self, besides: Set[str]) -> frozenset[str]:
        """The persons, and those of these roles that are there."""
        return self.persons.union(besides & self.places.server.roles.keys())

    def has_everything(self, role: str) -> bool:
        """Whether it is a superuser, with LOGIN or without."""
        return self.powers.get(role, NOTHING).get(SUPERUSER) is Way.AT_ONCE


class _Alike(NamedTuple):
    """Places that are alike on both sides."""

    before: Held
    after: Held
    places: list[Place]


def difference(before: Side, after: Side, besides: Set[str] = frozenset()) -> tuple[OfPerson, ...]:
    """Of every person of both sides, by name. Only what was read on both is compared.

    `besides` are roles that may not log in and are compared as if they were persons.
    """
    had, has = before.counted(besides), after.counted(besides)
    persons = had | has
    superusers = before.superusers | after.superusers
    superusers |= {x for x in besides if before.has_everything(x) or after.has_everything(x)}
    compared = persons - superusers
    both = compared & had & has
    steps: dict[str, list[Step]] = {one: [] for one in persons}
    unchanged = dict.fromkeys(persons, 0)
    for person in persons:
        ours = before.powers.get(person, NOTHING) if person in had else NOTHING
        theirs = after.powers.get(person, NOTHING) if person in has else NOTHING
        steps[person] += _steps(ours, theirs, ())
        unchanged[person] += _same(ours, theirs)
    plain = 0
    for alike in _alike(before.places, after.places):
        old = before.access.by(alike.places[0], alike.before)
        new = after.access.by(alike.places[0], alike.after)
        places = tuple(alike.places)
        judged = compared
        if old.everybody == new.everybody:  # then who has nothing of his own has what he had
            judged = (compared - both) | (compared & {*old.by_role, *new.by_role})
            common = len(old.everybody) * len(places)
            plain += common
            for person in judged & both:
                unchanged[person] -= common
        for person in judged:
            ours = old.of(person) if person in had else NOTHING
            theirs = new.of(person) if person in has else NOTHING
            if ours != theirs:
                steps[person] += _steps(ours, theirs, places)
            unchanged[person] += _same(ours, theirs) * len(places)
    for person in both:
        unchanged[person] += plain
    return tuple(
        OfPerson(name, _together(steps[name]), unchanged[name]) for name in sorted(persons)
    )


def _alike(before: Places, after: Places) -> Iterator[_Alike]:
    """By what is equal: tables that the same roles have the same on are one."""
    both = {"", *before.databases} & {"", *after.databases}
    found: dict[tuple[object, ...], _Alike] = {}
    numbers: dict[Held, int] = {}
    known: dict[int, tuple[Held, int]] = {}  # each is kept: an id is of what is there
    for place in sorted({**before.held, **after.held}):
        is_database = place.database == place.name
        if place.database not in both and not is_database:
            continue
        old, new = _known(before, after, place), _known(after, before, place)
        for one in (old, new):
            if id(one) not in known:
                known[id(one)] = one, numbers.setdefault(one, len(numbers))
        which = known[id(old)][1], known[id(new)][1]
        key = (place.kind, place.database, place.is_new, bool(place.column), *which)
        found.setdefault(key, _Alike(old, new, [])).places.append(place)
    yield from found.values()


def _known(ours: Places, theirs: Places, place: Place) -> Held:
    """What decides there on one side.

    An object of a system schema is read only where its ACL names somebody that is asked about.
    Where it was not read nobody of them was given anything; what PUBLIC and the roles of PostgreSQL
    have there nobody looked at, so it is no difference.
    """
    if place in ours.held or not is_system(place.schema):
        return ours.of(place)
    found = theirs.of(place)
    return found._replace(acl=_unnamed(found.acl), column_acl=_unnamed(found.column_acl))


def _unnamed(acl: Acl) -> Acl:
    return tuple(one for one in acl if one.grantee is None or one.grantee.startswith(SYSTEM_PREFIX))


def _steps(ours: Words, theirs: Words, places: tuple[Place, ...]) -> Iterator[Step]:
    for word in sorted({*ours, *theirs}):
        old, new = ours.get(word, Way.NONE), theirs.get(word, Way.NONE)
        if old is not new:
            yield Step(word, old, new, places)


def _same(ours: Words, theirs: Words) -> int:
    return sum(theirs.get(word) is way for word, way in ours.items())


def _together(steps: list[Step]) -> tuple[Step, ...]:
    """What changes alike at many places is one step; powers first."""
    found: dict[tuple[str, Way, Way, bool], list[Place]] = {}
    for one in steps:
        key = (one.word, one.before, one.after, bool(one.places))
        found.setdefault(key, []).extend(one.places)
    return tuple(
        Step(word, before, after, tuple(sorted(places)))
        for (word, before, after, _), places in sorted(found.items(), key=_powers_first)
    )


def _powers_first(
    each: tuple[tuple[str, Way, Way, bool], list[Place]],
) -> tuple[bool, list[Place], str, Way, Way]:
    (word, before, after, is_on_places), places = each
    return is_on_places, sorted(places)[:1], word, before, after

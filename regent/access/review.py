"""Who has access to what, and by which way: everything that one reading says of persons. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from regent.access.difference import Side
from regent.access.places import Held, Place
from regent.access.rights import Via, Way, Words
from regent.kinds import CONTAINERS, DATABASES, LOCAL

_LOCAL = frozenset(row.kind for row in LOCAL)
CONNECT, USAGE = "CONNECT", "USAGE"


class Entry(NamedTuple):
    """The same words on all of these places, by one way.

    `lacks` is what it is of no use without: CONNECT on the database, USAGE on the schema.
    """

    places: tuple[Place, ...]
    words: tuple[str, ...]
    via: Via
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One role that may log in. Of a superuser there is nothing but powers: it has everything."""

    name: str
    powers: Words
    entries: tuple[Entry, ...]
    is_superuser: bool = False


@dataclass(frozen=True, slots=True)
class Review:
    """Everybody by name, and what each of them has as PUBLIC besides."""

    persons: tuple[Reviewed, ...]
    everybody: tuple[Entry, ...]


class _Spot(NamedTuple):
    """Places of one schema that are decided on alike."""

    held: Held
    places: list[Place]


def review(side: Side) -> Review:
    """All of it, of what was read."""
    spots = list(_spots(side))
    everybody: list[Entry] = []
    for held, places in spots:
        words = side.access.by(places[0], held).everybody
        if words:
            everybody.append(Entry(tuple(places), tuple(sorted(words)), Via(None)))
    persons = [
        Reviewed(
            name,
            side.powers[name],
            () if name in side.superusers else _merged(_entries(side, spots, name)),
            name in side.superusers,
        )
        for name in sorted(side.persons)
    ]
    return Review(tuple(persons), _merged(everybody))


def _spots(side: Side) -> Iterator[_Spot]:
    found: dict[tuple[object, ...], _Spot] = {}
    for place, held in sorted(side.places.held.items(), key=_by_place):
        key = (place[:3], bool(place.column), place.is_new, id(held))
        found.setdefault(key, _Spot(held, [])).places.append(place)
    yield from found.values()


def _by_place(each: tuple[Place, Held]) -> Place:
    return each[0]


def _entries(side: Side, spots: Iterable[_Spot], name: str) -> Iterator[Entry]:
    for held, places in spots:
        if name not in side.access.by(places[0], held).by_role:
            continue
        ways: dict[Via, list[str]] = {}
        for word, via in side.access.via(places[0], held, name).items():
            ways.setdefault(via, []).append(word)
        lacks = tuple(_lacks(side, places[0], name))
        for via, words in ways.items():
            yield Entry(tuple(places), tuple(sorted(words)), via, () if via.set_role else lacks)


def _lacks(side: Side, place: Place, name: str) -> Iterator[str]:
    """What a session needs beside it and has not; of what was not read nothing is said."""
    if place.kind not in _LOCAL or place.is_new:
        return
    database = Place(place.database, DATABASES.kind, "", place.database)
    needed = [(CONNECT, database)]
    if place.schema:
        needed.append((USAGE, Place(place.database, CONTAINERS.kind, "", place.schema)))
    for word, one in needed:
        held = side.places.held.get(one)
        if held is not None and side.access.by(one, held).of(name).get(word) is not Way.AT_ONCE:
            yield f"{word} on {one.shown}"


def _merged(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """What is had alike at several spots is one entry; in order of its first place."""
    found: dict[tuple[object, ...], Entry] = {}
    for one in entries:
        key = (one.words, one.via, one.lacks)
        before = found.get(key)
        found[key] = one if before is None else one._replace(places=before.places + one.places)
    ordered = (one._replace(places=tuple(sorted(one.places))) for one in found.values())
    return tuple(sorted(ordered, key=_by_first_place))


def _by_first_place(one: Entry) -> tuple[Place, tuple[str, ...], str]:
    return one.places[0], one.words, one.via.principal or ""


def counts_of(entries: Iterable[Entry]) -> Mapping[str, int]:
    """On how many places each word is had."""
    found: dict[str, set[Place]] = {}
    for one in entries:
        for word in one.words:
            found.setdefault(word, set()).update(one.places)
    return {word: len(places) for word, places in found.items()}

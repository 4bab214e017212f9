"""How access is said: words on places, few by name and many by number. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from regent.access.difference import Step
from regent.access.places import Place
from regent.access.rights import Way
from shared.listing import first_of

BY_NAME = 3
"""So many places are named, and more are counted."""
MOST_SPOTS = 6
AFTER = "after SET ROLE"


class Said(NamedTuple):
    """One line: whether it is more or less, and what."""

    is_gain: bool
    text: str


def said_of(steps: Iterable[Step], *, everything: bool = False) -> Iterator[Said]:
    """A line for all words that change alike on the same places."""
    found: dict[tuple[Way, Way, tuple[Place, ...]], list[str]] = {}
    for one in steps:
        found.setdefault((one.before, one.after, one.places), []).append(one.word)
    for (before, after, places), words in found.items():
        on = f" on {places_in_words(places, everything=everything)}" if places else ""
        yield Said(after > before, f"{', '.join(words)}{on}{_turn(before, after)}")


def _turn(before: Way, after: Way) -> str:
    if after is Way.SET_ROLE:
        return f", now only {AFTER}" if before is Way.AT_ONCE else f", {AFTER}"
    return f", no more only {AFTER}" if before is Way.SET_ROLE and after is Way.AT_ONCE else ""


def places_in_words(places: Sequence[Place], *, everything: bool = False) -> str:
    """`table schema1.flights in mydb`, `12 tables of schema2 in mydb`."""
    spots: dict[tuple[str, str, str, bool], list[Place]] = {}
    for one in places:
        spots.setdefault((one.database, one.schema, one.words, one.is_new), []).append(one)
    if everything:
        return ", ".join(_one(place) for place in places)
    said = [
        text
        for (database, schema, words, _), some in spots.items()
        for text in _spot(database, schema, words, some)
    ]
    return first_of(said, MOST_SPOTS)


def _spot(database: str, schema: str, words: str, places: Sequence[Place]) -> Iterator[str]:
    if len(places) <= BY_NAME:
        yield from map(_one, places)
        return
    if places[0].is_new:
        yield f"new {words} of {len(places)} roles{_in(database)}"
        return
    of = f" of {schema}" if schema else ""
    yield f"{len(places):,} {words}{of}{_in(database)}"


def _one(place: Place) -> str:
    is_database = place.name == place.database and not place.schema
    return place.shown if is_database else f"{place.shown}{_in(place.database)}"


def _in(database: str) -> str:
    return f" in {database}" if database else ""

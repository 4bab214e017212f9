"""What is foreseen of a declaration is what is there once it was applied."""

from __future__ import annotations

from collections.abc import Mapping

from regent.access.difference import Side, Step, difference
from regent.access.places import Places
from regent.access.powers import powers_of
from regent.access.rights import Access, Words
from shared.privileges import ObjectKind


def as_foreseen(foreseen: Places, seen: Places) -> None:
    """Of every role, also of those that nobody logs in as, and of PUBLIC."""
    ours, theirs = Access(foreseen), Access(seen)
    for place in sorted({**foreseen.held, **seen.held}):
        if place.kind is ObjectKind.LARGE_OBJECT and place not in seen.held:
            continue  # one on which nobody was granted anything is not read
        one, other = ours.at(place), theirs.at(place)
        both = (place, foreseen.of(place), seen.of(place))
        assert one.everybody == other.everybody, both
        assert _told(one.by_role) == _told(other.by_role), both
    assert _told(powers_of(foreseen.server)) == _told(powers_of(seen.server))
    apart = difference(Side(foreseen), Side(seen))
    steps = [step for one in apart for step in one.steps if not _is_of_large_objects(step)]
    assert not steps


def _is_of_large_objects(step: Step) -> bool:
    return bool(step.places) and {one.kind for one in step.places} == {ObjectKind.LARGE_OBJECT}


def _told(words: Mapping[str, Words]) -> dict[str, Words]:
    return {role: some for role, some in words.items() if some}

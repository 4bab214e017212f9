"""A difference, done to what everybody had, is what everybody has. No server is needed for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regent.access.difference import Side, difference
from regent.access.places import Held, Place, Places
from regent.access.powers import SUPERUSER
from regent.access.rights import NOTHING, Way
from regent.observed import AclItem, ObservedMembership
from shared.privileges import ObjectKind
from tests.declared import role, server

NAMES = ("anna", "bob", "readers", "writers", "pg_read_all_data")
TABLE, OTHER, SCHEMA, COLUMN, NEW = (
    Place("mydb", ObjectKind.TABLE, "s", "t", form="r"),
    Place("mydb", ObjectKind.TABLE, "s", "u", form="r"),
    Place("mydb", ObjectKind.SCHEMA, "", "s"),
    Place("mydb", ObjectKind.COLUMN, "s", "t", "a", form="r"),
    Place("mydb", ObjectKind.ROUTINE, "", "writers", is_new=True),
)
WORDS = ("SELECT", "INSERT", "USAGE", "EXECUTE")
GRANTEES = st.sampled_from((*NAMES, None))
ITEMS = st.lists(
    st.builds(
        AclItem,
        GRANTEES,
        st.just("owner"),
        st.frozensets(st.sampled_from(WORDS), min_size=1),
        st.frozensets(st.sampled_from(WORDS)),
    ),
    max_size=3,
).map(tuple)


@st.composite
def sides(draw: st.DrawFn) -> Side:
    roles = [
        role(name, login=draw(st.booleans()), superuser=draw(st.integers(0, 5)) == 0)
        for name in NAMES
    ]
    pairs = [(g, m) for place, m in enumerate(NAMES) for g in NAMES[place + 1 :]]
    memberships = [
        ObservedMembership(
            g, m, "owner", *draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
        )
        for g, m in draw(st.lists(st.sampled_from(pairs), unique=True, max_size=4))
    ]
    shared = server(*roles)
    object.__setattr__(shared, "memberships", tuple(memberships))
    held = {}
    for place in draw(st.lists(st.sampled_from((TABLE, OTHER, SCHEMA, COLUMN, NEW)), unique=True)):
        columns = draw(ITEMS) if place is COLUMN else ()
        held[place] = Held(draw(st.sampled_from(NAMES)), draw(ITEMS), columns)
    return Side(Places(shared, held, databases=("mydb",)))


Rights = dict[tuple[str, str, Place | None], Way]


def rights(side: Side, persons: frozenset[str], places: frozenset[Place]) -> Rights:
    return dict(_rights(side, persons, places))


def _rights(
    side: Side, persons: frozenset[str], places: frozenset[Place]
) -> Iterator[tuple[tuple[str, str, Place | None], Way]]:
    for person in persons:
        for word, way in side.powers_of(person).items():
            yield (person, word, None), way
        for place in places if person in side.persons else ():
            for word, way in side.access.at(place).of(person).items():
                yield (person, word, place), way


def is_compared(one: Side, other: Side, key: tuple[str, str, Place | None]) -> bool:
    """Of a superuser, on either side, powers alone."""
    person, _, place = key
    return place is None or person not in one.superusers | other.superusers


@settings(max_examples=60)
@given(before=sides(), after=sides())
def test_a_difference_done_to_what_was_gives_what_is(before: Side, after: Side) -> None:
    persons = before.persons | after.persons
    places = frozenset({**before.places.held, **after.places.held})
    had, has = rights(before, persons, places), rights(after, persons, places)
    found = difference(before, after)
    for one in found:
        for step in one.steps:
            for place in step.places or (None,):
                key = (one.name, step.word, place)
                assert had.get(key, Way.NONE) is step.before
                assert step.is_gain is (step.after > step.before)
                had[key] = step.after
    assert _some(had, before, after) == _some(has, before, after)
    unchanged = {one.name: one.unchanged for one in found}
    was = rights(before, persons, places)
    for person in persons:
        same = [
            key
            for key, way in has.items()
            if key[0] == person and was.get(key) is way and is_compared(before, after, key)
        ]
        assert unchanged[person] == len(same)


def _some(every: Rights, before: Side, after: Side) -> Rights:
    return {key: way for key, way in every.items() if way and is_compared(before, after, key)}


@settings(max_examples=20)
@given(side=sides())
def test_nothing_differs_from_itself_and_a_superusers_objects_are_not_counted(side: Side) -> None:
    for one in difference(side, Side(side.places)):
        assert not one.steps
        words: Mapping[str, Way] = side.powers_of(one.name)
        assert words.get(SUPERUSER, Way.NONE) is not Way.AT_ONCE or one.unchanged == len(words)
        assert words is not NOTHING


def test_a_role_without_login_is_compared_where_it_is_asked_for() -> None:
    """What everybody has counts for it, too; a role that is not there has nothing."""
    roles = server(role("readers"), role("root", superuser=True))
    held = Held("owner", (AclItem("readers", "owner", frozenset({"SELECT"}), frozenset()),))
    before = Side(Places(roles, {TABLE: held}, databases=("mydb",)))
    after = Side(Places(roles, {TABLE: Held("owner", ())}, databases=("mydb",)))
    assert difference(before, after) == ()
    found = difference(before, after, {"readers", "root", "gone"})
    assert {one.name: [step.word for step in one.losses] for one in found} == {
        "readers": ["SELECT"],
        "root": [],
    }
    assert found[1].unchanged == len(before.powers["root"])


@pytest.mark.found("E500")
def test_what_was_read_of_a_system_schema_on_one_side_alone_takes_from_nobody_else() -> None:
    """`GRANT EXECUTE ON FUNCTION now() TO anna` lets one server read it, and another not."""
    public = AclItem(None, "postgres", frozenset({"EXECUTE"}), frozenset())
    annas = AclItem("anna", "postgres", frozenset({"EXECUTE"}), frozenset({"EXECUTE"}))
    shared = server(role("anna", login=True), role("bob", login=True))
    now = Place("mydb", ObjectKind.ROUTINE, "pg_catalog", "now()")
    given = Side(Places(shared, {now: Held("postgres", (public, annas))}, databases=("mydb",)))
    plain = Side(Places(shared, {}, databases=("mydb",)))
    for before, after, which in ((given, plain, "losses"), (plain, given, "gains")):
        anna, bob = difference(before, after)
        assert not bob.steps
        [step] = getattr(anna, which)
        assert (len(anna.steps), step.word) == (1, "EXECUTE WITH GRANT OPTION")

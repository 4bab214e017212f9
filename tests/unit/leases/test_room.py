"""So many leases, and so many requests at a time, and nobody's stop anybody else's."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from controller.leases.room import MOST_AT_A_TIME, MOST_IN_A_NAMESPACE, MOST_LEASES, Room, TooMany
from shared.keys import ResourceKey


def user(name: str, namespace: str = "default") -> ResourceKey:
    return ResourceKey("User", namespace, name)


def take(room: Room, stack: ExitStack, key: ResourceKey, times: int) -> None:
    """So many requests that go on."""
    for index in range(times):
        stack.enter_context(room.taken(key, f"{key.name}-{index}", set()))


def test_who_asks_for_too_many_at_a_time_stops_nobody_else() -> None:
    room = Room()
    with ExitStack() as asking:
        take(room, asking, user("a"), MOST_AT_A_TIME)
        with pytest.raises(TooMany), room.taken(user("a"), "more", set()):
            pass
        with room.taken(user("b"), "b-1", set()):
            pass
    with room.taken(user("a"), "again", set()):
        pass


def test_a_namespace_is_full_for_itself_alone() -> None:
    room = Room()
    with ExitStack() as asking:
        for index in range(MOST_IN_A_NAMESPACE // MOST_AT_A_TIME):
            take(room, asking, user(f"u{index}"), MOST_AT_A_TIME)
        with pytest.raises(TooMany, match="64 in its namespace"), room.taken(user("z"), "z", set()):
            pass
        with room.taken(user("z", "elsewhere"), "z", set()):
            pass


def test_those_under_way_count_with_those_that_are_there_and_each_once() -> None:
    room = Room()
    there = {f"a-{index}" for index in range(MOST_LEASES - 1)}
    with room.taken(user("a"), "new", there):
        with pytest.raises(TooMany, match="has 100 leases"), room.taken(user("a"), "b", there):
            pass
        with pytest.raises(TooMany), room.taken(user("a"), "b", there | {"new"}):
            pass
    with room.taken(user("a"), "b", there):
        pass


def test_one_that_fails_gives_its_place_back() -> None:
    room = Room()
    there = {f"a-{index}" for index in range(MOST_LEASES - 1)}
    with pytest.raises(ZeroDivisionError), room.taken(user("a"), "new", there):
        raise ZeroDivisionError
    with room.taken(user("a"), "b", there):
        pass

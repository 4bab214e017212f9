"""Whose deletion was seen is ended again where a server went back, and its Regent lists it."""

from __future__ import annotations

import pytest

from controller.regents.acquaintance import Acquaintance
from controller.term.pushing import MOST_ENDED, ended
from shared.keys import ResourceKey
from shared.state import DesiredState
from tests.unit.cluster.one_look import World, regent, user

LEAVER = user("here", "leaver")


@pytest.mark.found("E121")
@pytest.mark.rule("20")
async def test_who_was_seen_to_go_is_ended_again_and_who_vanished_is_not() -> None:
    """The Regent lists both once more: its server is back as it was before."""
    world, states, vanished = World(), list[DesiredState](), user("here", "vanished")
    world.declare(regent("here"))
    world.declare(LEAVER, deletionTimestamp="2026-11-27T12:00:00Z")
    link = world.serve("here").link
    link.push = states.append  # type: ignore[method-assign, assignment]
    link.acquaintance = Acquaintance("1-a", frozenset({str(LEAVER)}), {})
    await world.look()
    assert list(states[-1].deleted) == [str(LEAVER)]
    del world.caches.resources[LEAVER]
    link.acquaintance = Acquaintance("2-b", frozenset(), {})
    await world.look()
    assert list(states[-1].deleted) == []
    link.acquaintance = Acquaintance("1-a", frozenset({str(LEAVER), str(vanished)}), {})
    await world.look()
    assert list(states[-1].deleted) == [str(LEAVER)]
    assert states[-1].absent_means == "Vanished"


@pytest.mark.found("E121")
def test_who_is_made_anew_is_nobody_whose_deletion_was_seen() -> None:
    known = ended((), {LEAVER}, {LEAVER})
    assert list(known) == [LEAVER]
    assert list(ended(known, frozenset(), frozenset())) == [LEAVER]
    assert ended(known, frozenset(), {LEAVER}) == {}


@pytest.mark.found("E121")
def test_what_is_remembered_is_bounded() -> None:
    many = [ResourceKey("User", "here", str(n)) for n in range(MOST_ENDED + 1)]
    assert list(ended(many, {LEAVER}, frozenset()))[-1] == LEAVER
    assert len(ended(many, {LEAVER}, frozenset())) == MOST_ENDED

"""A look ends, however often somebody pauses while it is made (rule 26)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest

from regent.gate.approval import Serving
from regent.passes.full import Passes
from regent.passes.look import Memory
from regent.remembered import NO_CENSUS, Census, Mark, Pause
from tests.declared import NOON, accepted, state

pytestmark = [pytest.mark.rule("26"), pytest.mark.found("E238")]


def pauses(*roles: int, hours: int = 1) -> tuple[Pause, ...]:
    return tuple(Pause(n, str(n), NOON + timedelta(hours=hours), "x", "y", NOON) for n in roles)


@dataclass
class Home:
    """Answers what is paused, one after the other."""

    answers: Iterator[tuple[Pause, ...]]

    async def pauses(self) -> tuple[Pause, ...]:
        return next(self.answers)

    async def marks(self) -> tuple[Mark, ...]:
        return ()

    async def census(self) -> Census:
        return NO_CENSUS


@dataclass
class Looker:
    """Remembers who was held in each look."""

    held: list[set[int]] = field(default_factory=list)

    async def look(
        self, _accepted: object, _marks: object, memory: Memory, _now: object, *, beside: object
    ) -> None:
        assert beside is None
        self.held.append({one.role_oid for one in memory.pauses})


@pytest.mark.parametrize(
    ("answers", "looks"),
    [
        ([pauses(1), pauses(1, hours=2)], [{1}]),
        ([pauses(1), pauses(1, 2), pauses(2, hours=3)], [{1}, {1, 2}]),
        ([(), pauses(1)], [set(), {1}]),
    ],
)
async def test_it_looks_again_only_where_another_role_is_paused_by_now(
    answers: list[tuple[Pause, ...]], looks: list[set[int]]
) -> None:
    looker = Looker()
    home = Home(iter([*answers, answers[-1]]))
    passes = Passes(
        looker=cast("Any", looker),
        home=cast("Any", home),
        connections=cast("Any", None),
        serving=Serving((), ()),
        memory=Memory(),
        before_write=lambda: None,
    )
    await passes._look(accepted(state("")), NOON)
    assert looker.held == looks

"""Installations of the detector that fail are tried again later each time (B22)."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

import pytest

from regent.detect.detectors import Detectors
from regent.detect.wake import DetectorChanged
from regent.passes.schedule import Agenda
from regent.upkeep import LONGEST_SECONDS, Upkeep
from shared.resources import RegentSpec
from tests.declared import REGENT_SPEC

SPEC = RegentSpec.model_validate(REGENT_SPEC)


class Clock:
    """A time that moves when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Installing:
    """In place of Detectors: fails where it is told to, and counts."""

    def __init__(self, failing: set[str]) -> None:
        self.failing, self.failed = failing, set[str]()
        self.tries: list[str] = []

    async def install(
        self, databases: Collection[str] | None = None
    ) -> tuple[tuple[str, str], ...]:
        names = sorted(databases or ("bad", "good"))
        self.tries += names
        self.failed = self.failed - set(names) | self.failing & set(names)
        return tuple((name, "damaged") for name in names if name not in self.failing)


@pytest.mark.found("B22")
async def test_what_fails_waits_longer_each_time_and_what_is_whole_is_not_touched() -> None:
    clock, detectors, agenda = Clock(), Installing({"bad"}), Agenda()
    upkeep = Upkeep(cast(Detectors, detectors), agenda, monotonic=clock)
    await upkeep.keep(SPEC, None, ())
    waits: list[float] = []
    while len(waits) < 12:
        due = agenda.repair_at
        if due is None:
            await upkeep.keep(SPEC, None, ())
            continue
        before = len(detectors.tries)
        clock.now = due - 1e-6
        await upkeep.keep(SPEC, None, (DetectorChanged("bad"),))
        assert len(detectors.tries) == before, "not before its time, whoever asks"
        clock.now = due
        await upkeep.keep(SPEC, None, ())
        assert agenda.repair_at is not None
        waits.append(agenda.repair_at - due)
    assert detectors.tries.count("good") == 1
    assert waits[5] > 4 * waits[0]
    assert LONGEST_SECONDS / 2 <= waits[-1] <= LONGEST_SECONDS
    detectors.failing.clear()
    clock.now = agenda.repair_at or clock.now
    assert await upkeep.keep(SPEC, None, ()) == (("bad", "damaged"),)
    assert agenda.repair_at is None
    assert await upkeep.keep(SPEC, None, ()) == ()

"""Keeps the triggers in the served databases: installed where they shall be, repaired when damaged.

Somebody may drop them in a loop: that must not become a loop of ours, so after a few repairs there
is one a second. Where the installation itself fails, it is tried again later each time. Meanwhile
full passes go on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from time import monotonic

from regent.detect.detectors import Detectors
from regent.detect.wake import Allowance, DetectorChanged, Hint
from regent.gate.restraint import OBSERVING, declared_restraint, why_no_triggers
from regent.passes.schedule import Agenda
from shared.backoff import Backoff
from shared.resources import RegentSpec
from shared.state import Trouble

REPAIRS_AT_ONCE = 5
REPAIRS_PER_SECOND = 1.0
FIRST_SECONDS = 0.5
LONGEST_SECONDS = 60.0

Repairs = tuple[tuple[str, str], ...]
"""(database, what was wrong) of each."""


class Upkeep:
    """What is to be done about the detectors before a pass."""

    def __init__(
        self,
        detectors: Detectors,
        agenda: Agenda,
        *,
        monotonic: Callable[[], float] = monotonic,
    ) -> None:
        """The clock is an argument for tests; it never jumps."""
        self._now = monotonic
        self._detectors = detectors
        self._agenda = agenda
        self._allowance = Allowance(REPAIRS_AT_ONCE, REPAIRS_PER_SECOND, monotonic)
        self._no_triggers: str | None = None
        """Why there are none; empty when they are installed, None before that was decided."""
        self._damaged: set[str] = set()
        self._failing: dict[str, Backoff] = {}
        self._not_before: dict[str, float] = {}
        self._allowed_at: float | None = None

    async def keep(
        self, spec: RegentSpec, restrained: Trouble | None, hints: Sequence[Hint]
    ) -> Repairs:
        """Install, repair or leave it; the repairs of what was whole before.

        `restrained` is that of the last pass; what the resource declares may be newer.
        """
        if restrained is None or restrained.reason == OBSERVING:
            restrained = declared_restraint(spec)
        why = why_no_triggers(spec, restrained)
        before, self._no_triggers = self._no_triggers, why
        if not why and before == "":
            return await self._repair(hints)
        self._damaged.clear()
        self._not_before.clear()
        self._allowed_at = self._agenda.repair_at = None
        if not why:
            await self._detectors.install()
            self._note_failures(self._detectors.failed, self._now())
        elif why != before:
            self._detectors.poll(why)
        return ()

    async def _repair(self, hints: Sequence[Hint]) -> Repairs:
        self._damaged.update(one.database for one in hints if isinstance(one, DetectorChanged))
        waiting = self._damaged | self._detectors.failed
        if not waiting:
            return ()
        now = self._now()
        due = {name for name in waiting if self._not_before.get(name, now) <= now}
        if due and self._allowed_at is None:
            self._allowed_at = now + self._allowance.take()
        if not due or (self._allowed_at is not None and self._allowed_at > now):
            self._agenda.repair_at = self._next(waiting)
            return ()
        self._allowed_at = None
        self._damaged -= due
        repaired = await self._detectors.install(due)
        self._note_failures(due, now)
        self._agenda.repair_at = self._next(self._damaged | self._detectors.failed)
        return repaired

    def _note_failures(self, tried: Collection[str], now: float) -> None:
        """Whatever failed waits, longer each time; what succeeded begins anew."""
        for name in tried:
            if name in self._detectors.failed:
                backoff = self._failing.setdefault(name, Backoff(FIRST_SECONDS, LONGEST_SECONDS))
                self._not_before[name] = now + backoff.after()
            else:
                self._failing.pop(name, None)
                self._not_before.pop(name, None)

    def _next(self, waiting: Collection[str]) -> float | None:
        """When the first of these may be repaired."""
        times = [at for name in waiting if (at := self._not_before.get(name)) is not None]
        return min(times, default=None) if self._allowed_at is None else self._allowed_at

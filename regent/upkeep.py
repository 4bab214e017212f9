"""Keeps the triggers in the served databases: installed where they shall be, repaired when damaged.

Somebody may drop them in a loop: that must not become a loop of ours, so after a few repairs there
is one a second. Meanwhile full passes go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic

from regent.agenda import Agenda
from regent.detectors import Detectors
from regent.restraint import OBSERVING, declared_restraint, why_no_triggers
from regent.wake import Allowance, DetectorChanged, Hint
from shared.resources import RegentSpec
from shared.state import Trouble

REPAIRS_AT_ONCE = 5
REPAIRS_PER_SECOND = 1.0

Repairs = tuple[tuple[str, str], ...]
"""(database, what was wrong) of each."""


class Upkeep:
    """What is to be done about the detectors before a pass."""

    def __init__(self, detectors: Detectors, agenda: Agenda) -> None:
        self._detectors = detectors
        self._agenda = agenda
        self._allowance = Allowance(REPAIRS_AT_ONCE, REPAIRS_PER_SECOND, monotonic)
        self._no_triggers: str | None = None
        """Why there are none; empty when they are installed, None before that was decided."""
        self._damaged: set[str] = set()

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
        if not why:
            await self._detectors.install()
        elif why != before:
            self._detectors.poll(why)
        return ()

    async def _repair(self, hints: Sequence[Hint]) -> Repairs:
        self._damaged.update(one.database for one in hints if isinstance(one, DetectorChanged))
        self._damaged.update(self._detectors.failed)
        if not self._damaged:
            return ()
        now, agenda = datetime.now(UTC), self._agenda
        if agenda.repair_at is None:
            agenda.repair_at = now + timedelta(seconds=self._allowance.take())
        if agenda.repair_at > now:
            return ()
        agenda.repair_at = None
        damaged, self._damaged = self._damaged, set()
        return await self._detectors.install(damaged)

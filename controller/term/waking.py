"""Which of what Regents say is worth a look of its own. Statuses alone are not."""

from __future__ import annotations

from typing import assert_never

from controller.observe.debounce import Quiet
from controller.regents.heard import Changed, Drifted, Heard, Left, Met, Said, Took
from controller.status.absences import Absences
from controller.term.acting import Acting
from shared.keys import ResourceKey


class Waking:
    """Rings for the next look. It hears the fleet."""

    def __init__(self, quiet: Quiet, acting: Acting, absences: Absences) -> None:
        self._quiet = quiet
        self._acting = acting
        self._absences = absences

    def hear(self, heard: Heard) -> None:
        """Ring where the last look waits for this, or knows it otherwise."""
        if self._is_worth_a_look(heard):
            self._quiet.wake()

    def _is_worth_a_look(self, heard: Heard) -> bool:
        match heard:
            case Met():
                return True  # compile again, with what it has accepted and has in force
            case Said(regent=regent):
                return self._acting.awaits(regent) or self._is_back_or_away(regent)
            case Changed(regent=regent):
                return self._is_back_or_away(regent)
            case Took() | Drifted() | Left():
                return False
            case _:
                assert_never(heard)

    def _is_back_or_away(self, regent: ResourceKey) -> bool:
        return self._absences.is_news(regent, is_seen=self._acting.fleet.hears(regent))

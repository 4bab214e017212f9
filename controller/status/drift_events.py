"""Drift becomes one Event a burst: on its Regent, and on each Role and User that it is about.

Who, what and what was done (rule 30). When is the Event's own: so the same deed again is one more
of the same series, and not another Event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import assert_never

from controller.kube.events import EventRecorder, News, Reference
from controller.kube.kinds import JsonObject
from controller.regents.heard import Changed, Drifted, Heard, Left, Met, Said, Took
from shared.drift_text import timeless
from shared.keys import ResourceKey
from shared.outcomes import CONTENDED, PAUSED, REPORTED, Drift
from shared.utc import utc

BURST_SECONDS = 0.3
SHOWN = 5
ABOUT = frozenset({"Role", "User"})
LONG_AGO = timedelta(minutes=1)
MOST_ABOUT = 50
"""Of one burst: a role that is dropped with all its grants is no reason to flood."""


class DriftEvents:
    """Collects what was found within a moment."""

    def __init__(
        self,
        recorder: EventRecorder,
        find: Callable[[ResourceKey], JsonObject | None],
        burst_seconds: float = BURST_SECONDS,
    ) -> None:
        self._recorder = recorder
        self._find = find
        self._seconds = burst_seconds
        self._bursts: dict[ResourceKey, list[Drift]] = {}

    def hear(self, heard: Heard) -> None:
        """Of what is heard drift alone becomes an Event."""
        match heard:
            case Drifted(regent=regent, drift=drift):
                self.add(regent, drift)
            case Met() | Took() | Said() | Changed() | Left():
                pass
            case _:
                assert_never(heard)

    def add(self, regent: ResourceKey, drift: Drift) -> None:
        """One drift; it is told with those that follow at once."""
        burst = self._bursts.get(regent)
        if burst is not None:
            burst.append(drift)
            return
        self._bursts[regent] = [drift]
        asyncio.get_running_loop().call_later(self._seconds, self._tell, regent)

    def _tell(self, regent: ResourceKey) -> None:
        burst = self._bursts.pop(regent)
        for key, drifts in [(regent, burst), *_by_resource(burst)]:
            found = self._find(key)
            if found is not None:
                for part in _apart(drifts):
                    self._recorder.record(_news(Reference.to(found), part))


def _apart(drifts: Sequence[Drift]) -> Iterator[Sequence[Drift]]:
    """What is contended, paused or only reported has Events of its own."""
    told = (REPORTED, CONTENDED, PAUSED)
    parts = (
        [drift for drift in drifts if drift.correction not in told],
        *([drift for drift in drifts if drift.correction == one] for one in told),
    )
    return (part for part in parts if part)


def _by_resource(burst: Sequence[Drift]) -> Iterator[tuple[ResourceKey, list[Drift]]]:
    """The drifts about each Role and User."""
    found: dict[str, list[Drift]] = {}
    for drift in burst:
        for resource in drift.resources:
            if resource.partition("/")[0] in ABOUT:
                found.setdefault(resource, []).append(drift)
    for resource in list(found)[:MOST_ABOUT]:
        yield ResourceKey.parse(resource), found[resource]


def _news(about: Reference, drifts: Sequence[Drift]) -> News:
    match drifts[0].correction:
        case "reported":
            return News(about, "Warning", "UnmanagedRole", "Report", note_of(drifts))
        case "contended":
            return News(about, "Warning", "Contended", "Report", note_of(drifts))
        case "paused":
            return News(about, "Warning", "Paused", "Report", note_of(drifts))
    reason = "DriftCorrected" if all(drift.corrected_at for drift in drifts) else "DriftFound"
    return News(about, "Warning", reason, "Correct", note_of(drifts))


def note_of(burst: Sequence[Drift]) -> str:
    """The words of one Event: the first few differences and who made them."""
    lines = list(dict.fromkeys(map(_line, burst)))
    more = len(lines) - SHOWN
    return "; ".join(lines[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _line(drift: Drift) -> str:
    where = f"in {drift.database}: " if drift.database else ""
    return f"{where}{timeless(drift)}{_at(drift)}"


def _at(drift: Drift) -> str:
    """Only where the Event's own time would mislead: as of what was done while nobody looked."""
    if drift.happened_at is None or drift.found_at - drift.happened_at < LONG_AGO:
        return ""
    return f" (done at {utc(drift.happened_at)})"

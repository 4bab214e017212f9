"""Drift becomes one Event a burst on its Regent: who, what and when (semantics 30)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from controller.kube.events import EventRecorder, News, Reference
from controller.kube.kinds import JsonObject
from shared.keys import ResourceKey
from shared.outcomes import Actor, Drift

BURST_SECONDS = 0.3
SHOWN = 5


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
        found = self._find(regent)
        if found is None:
            return
        corrected = all(drift.corrected_at for drift in burst)
        reason = "DriftCorrected" if corrected else "DriftFound"
        news = News(Reference.to(found), "Warning", reason, "Correct", note_of(burst))
        self._recorder.record(news)


def note_of(burst: Sequence[Drift]) -> str:
    """The words of one Event: the first few differences, who made them, when."""
    lines = [_line(drift) for drift in burst[:SHOWN]]
    more = len(burst) - SHOWN
    return "; ".join(lines) + (f"; and {more} more" if more > 0 else "")


def _line(drift: Drift) -> str:
    where = f" in {drift.database}" if drift.database else ""
    at = (drift.happened_at or drift.found_at).isoformat(timespec="seconds")
    done = "corrected" if drift.corrected_at else f"not corrected {drift.error}".strip()
    return f"{drift.what}{where}: {who(drift.actor)} at {at.replace('+00:00', 'Z')}, {done}"


def who(actor: Actor) -> str:
    """`by intruder (as app_owner, psql, 10.0.0.7)`; `probably by` where it is not recorded."""
    if actor.certainty == "Unknown" or not actor.session_user:
        return f"by somebody unknown ({actor.why_not.rstrip('.')})" if actor.why_not else "by ?"
    role = f"as {actor.role}" if actor.role and actor.role != actor.session_user else ""
    details = ", ".join(part for part in (role, actor.application, actor.client) if part)
    probably = "probably " if actor.certainty == "Probable" else ""
    return f"{probably}by {actor.session_user}" + (f" ({details})" if details else "")

"""What is told of roles whose correction is paused (rule 26). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from regent.gate.pauses import Paused
from regent.passes.one_pass import Pass
from shared.http import PauseBody
from shared.outcomes import PAUSED, Actor, Drift
from shared.utc import utc

SHOWN = 50


def pause_bodies(paused: Iterable[Paused]) -> tuple[PauseBody, ...]:
    """The first of them, for the status."""
    return tuple(
        PauseBody(
            role=one.name,
            until=one.pause.until,
            reason=one.pause.reason,
            by=one.pause.by,
            since=one.pause.since,
            held=len(one.held),
            not_held=one.not_held,
            resources=tuple(map(str, one.declared_by)),
        )
        for one in islice(paused, SHOWN)
    )


def begun_pauses(regent: str, one: Pass) -> tuple[Drift, ...]:
    """One entry of the history for each role that has just been paused."""
    return tuple(
        Drift(
            regent=regent,
            what=f"paused: {paused.name}",
            deed=_deed(paused),
            correction=PAUSED,
            object=paused.name,
            role=paused.name,
            resources=tuple(map(str, paused.declared_by)),
            happened_at=paused.pause.since,
            found_at=one.found_at,
            corrected_at=one.corrected_at,
            actor=Actor(certainty="Recorded", session_user=paused.pause.by),
            action=PAUSED,
        )
        for paused in one.begun_pauses
    )


def _deed(paused: Paused) -> str:
    pause = paused.pause
    until = f"was paused until {utc(pause.until)} ({pause.reason})"
    nothing = f", which holds nothing: {paused.not_held}" if paused.not_held else ""
    return f"the correction of {paused.name} {until}{nothing}"


def why_held(one: Pass) -> dict[object, str]:
    """Of each change that waits for the end of a pause, until when."""
    return {
        change: f"paused until {utc(paused.pause.until)}, by {paused.pause.by}"
        for paused in one.paused
        for change in paused.held
    }

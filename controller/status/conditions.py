"""Outcomes become a resource's status, with the conditions that every Kubernetes tool reads. Pure.

A resource may be on several Regents: it is as ready as the least ready of them (rule 29).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from shared.http import StatusBody
from shared.keys import ResourceKey
from shared.outcomes import Outcome, State
from shared.utc import utc

MAX_REGENTS = 64
MAX_LEFTOVERS = 100
REMEMBERED = ("serverIdentifier", "acceptedRevision")
"""Stays when the Regent does not say it any more: this is how a lost home database is noticed."""
SEVERITY: Mapping[State, int] = {"Ready": 0, "Reconciling": 1, "Stalled": 2}


Truth = Literal["True", "False", "Unknown"]
"""What the status of a condition may be."""


def truth(holds: bool) -> Truth:
    """Of what is known."""
    return "True" if holds else "False"


def worst(outcomes: Mapping[ResourceKey | None, Outcome]) -> Outcome:
    """The least ready of the outcomes; the first by the Regent's name among equals."""
    ordered = sorted(outcomes.items(), key=lambda item: str(item[0] or ""))
    return max((outcome for _, outcome in ordered), key=lambda one: SEVERITY[one.state])


def resource_status(
    outcomes: Mapping[ResourceKey | None, Outcome],
    before: Mapping[str, Any],
    now: datetime,
    *,
    unknown: str = "",
) -> dict[str, Any]:
    """The status of a Permission, Role or User. The key None is the controller's own outcome.

    Of the reason `unknown` Ready is Unknown.

    `before` is the status that it replaces: a condition that did not change keeps its time.
    """
    shown = worst(outcomes)
    regents = {key: outcome for key, outcome in outcomes.items() if key is not None}
    ready: Truth | None = "Unknown" if shown.reason == unknown else None
    status: dict[str, Any] = {
        "observedGeneration": shown.generation,
        "conditions": conditions(shown, before, now, ready=ready),
    }
    if regents:
        status["regents"] = [
            _regent_entry(key, regents[key]) for key in sorted(regents)[:MAX_REGENTS]
        ]
        status["regentCount"] = len(regents)
    return status


def conditions(
    shown: Outcome, before: Mapping[str, Any], now: datetime, *, ready: Truth | None = None
) -> list[dict[str, Any]]:
    """`Ready`, and `Reconciling` or `Stalled` where it is not; `ready` is Unknown at first."""
    found = [_condition("Ready", ready or truth(shown.is_ready), shown, before, now)]
    if not shown.is_ready:
        found.append(_condition(shown.state, "True", shown, before, now))
    return found


def regent_status(
    shown: Outcome, status: StatusBody | None, before: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """The status of a Regent: its own outcome, and what its process says."""
    written: dict[str, Any] = {
        "observedGeneration": shown.generation,
        "conditions": conditions(shown, before, now),
    }
    remembered = {name: before[name] for name in REMEMBERED if before.get(name)}
    if status is None:
        return written | remembered
    said = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    written["serverIdentifier"] = said.get("systemIdentifier", "")
    for name in (
        "acceptedRevision", "appliedRevision", "managedRoles", "detector", "brake", "approval",
        "takeover",
        "unmanaged",
    ):  # fmt: skip
        if name in said:
            written[name] = said[name]
    written |= {name: value for name, value in remembered.items() if not written.get(name)}
    written["leftovers"] = said["leftovers"]
    written["contended"] = said["contended"]
    written["paused"] = said["paused"]
    return written


def _regent_entry(key: ResourceKey, outcome: Outcome) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "namespace": key.namespace,
        "name": key.name,
        "state": outcome.state,
        "reason": outcome.reason,
    }
    if outcome.matches is not None:
        entry["matches"] = outcome.matches
    if outcome.notes:
        entry["notes"] = list(outcome.notes)
    return entry


def transition(
    kind: str,
    status: Truth,
    reason: str,
    message: str,
    generation: int,
    before: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """One condition; its time is kept while its status is the same."""
    earlier = next((c for c in before.get("conditions", ()) if c.get("type") == kind), None)
    same = earlier is not None and earlier.get("status") == status
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": generation,
        "lastTransitionTime": earlier["lastTransitionTime"] if same and earlier else utc(now),
    }


def _condition(
    kind: str, status: Truth, shown: Outcome, before: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    return transition(kind, status, shown.reason, shown.message, shown.generation, before, now)

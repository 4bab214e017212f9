"""What statuses say, as `local --status-dir` and a cluster keep them: both in one form. Pure.

A status says by its conditions what was known when it was written. So what nobody writes any more
is not believed to be so still: see `Alive`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from regent.checkup.findings import Level
from shared.resources.regent import DEFAULT_RESYNC_SECONDS
from shared.utc import utc

GRACE = timedelta(minutes=3)
"""After two passes that did not come: status is written once a minute, and a leader may change."""
OBSERVING = "Observing"
READY, DETECTOR = "Ready", "DetectorHealthy"
GOOD = {READY: "True", DETECTOR: "True", "Drifted": "False",
        "Contended": "False", "Paused": "False"}  # fmt: skip
"""What a condition says where all is well. Others repeat in other words what Ready says."""


@dataclass(frozen=True, slots=True)
class Told:
    """One condition of one resource, `kind/namespace/name`; empty of what is about all of them."""

    resource: str
    condition: str
    level: Level
    reason: str
    message: str

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "resource": self.resource,
            "condition": self.condition,
            "level": self.level,
            "reason": self.reason,
            "message": self.message,
        }


COLUMNS = ("resource", "condition", "level", "reason", "message")


def told_by(document: Mapping[str, Any], now: datetime, *, is_live: bool = True) -> list[Told]:
    """What one resource's status says. With `is_live` its passes must have gone on until now."""
    metadata, status = document.get("metadata") or {}, document.get("status") or {}
    name = f"{document.get('kind')}/{metadata.get('namespace')}/{metadata.get('name')}"
    found = [_of(name, one) for one in status.get("conditions") or () if one.get("type") in GOOD]
    if not any(one.condition == READY for one in found):
        said = "Nothing was said about it: nobody has looked at it yet, or nobody serves it."
        found.insert(0, Told(name, READY, "Unknown", "NothingSaid", said))
    if document.get("kind") == "Regent" and not any(one.condition == DETECTOR for one in found):
        found += _detector(name, status.get("detector") or {})
    generation = int(metadata.get("generation") or 0)
    if generation > int(status.get("observedGeneration") or 0):
        said = "It was changed, and what is said of it is of before: no controller has seen it."
        found.append(Told(name, READY, "Unknown", "NotObserved", said))
    if is_live and document.get("kind") == "Regent":
        found += _late(name, document, now)
    return found


def _of(name: str, condition: Mapping[str, Any]) -> Told:
    kind, status = str(condition["type"]), str(condition.get("status"))
    reason, message = str(condition.get("reason")), str(condition.get("message"))
    return Told(name, kind, _level(kind, status, reason), reason, message)


def _level(kind: str, status: str, reason: str) -> Level:
    if status == GOOD[kind]:
        return "Fine"
    if reason == OBSERVING:
        return "Note"
    if status not in ("True", "False"):
        return "Unknown"
    return "Waits" if kind == "Paused" else "Fault"


def _detector(name: str, said: Mapping[str, Any]) -> Iterable[Told]:
    """Of a Regent of `local`, whose status has no condition of its own for it."""
    if said.get("mode") in (None, "None"):
        return
    level: Level = "Fine" if said.get("healthy") else "Fault"
    message = str(said.get("message") or f"It learns of changes by {said['mode']}.")
    yield Told(name, DETECTOR, level, str(said["mode"]), message)


def _late(name: str, document: Mapping[str, Any], now: datetime) -> Iterable[Told]:
    """Its passes come by themselves: where none did, nobody runs, or nobody writes it down."""
    spec, status = document.get("spec") or {}, document.get("status") or {}
    if spec.get("suspend") or "lastPassTime" not in status:
        return
    every = timedelta(seconds=int(spec.get("resyncSeconds") or DEFAULT_RESYNC_SECONDS))
    last = datetime.fromisoformat(str(status["lastPassTime"]))
    if now - last > 2 * every + GRACE:
        said = (
            f"Its last pass that was written down ended at {utc(last)}: the Regent or the"
            " controller does not run. See their pods: kubectl get pods -A -l"
            " app.kubernetes.io/name=postgregent-regent"
        )
        yield Told(name, "Alive", "Unknown", "Late", said)

"""Objects in every state that the controller gives them, as the API server would show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from controller.status.patch import RegentNews, status_of, status_of_regent
from shared.crds.definitions import kinds
from shared.http import BrakeBody, DetectorBody, Leftover, LossBody, StatusBody, TakeoverBody
from shared.keys import Kind, ResourceKey
from shared.outcomes import Outcome, State
from shared.resources import API_VERSION

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UNSEEN: Mapping[str, Any] = {"observedGeneration": -1}
"""What the definition's default gives an object that nobody has looked at."""
GENERATION = 2
REGENT = ResourceKey("Regent", "default", "main")


@dataclass(frozen=True, slots=True)
class Case:
    """An object, and what tools shall make of it: kstatus' word and Argo CD's."""

    name: str
    found: dict[str, Any]
    kstatus: str
    argo: str

    def __str__(self) -> str:
        return f"{self.found['kind']} {self.name}"


def manifest(kind: Kind, status: Mapping[str, Any], **metadata: Any) -> dict[str, Any]:
    """An object of this kind with this status."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": "it", "namespace": "default", "generation": GENERATION, **metadata},
        "spec": {},
        "status": dict(status),
    }


def outcome(kind: Kind, state: State, generation: int = GENERATION) -> Outcome:
    """What a Regent says of it."""
    words = {"Ready": "Applied", "Reconciling": "SecretNotFound", "Stalled": "NameConflict"}
    return Outcome(
        resource=f"{kind}/default/it",
        generation=generation,
        state=state,
        reason=words[state],
        message=f"It is {state}.",
        matches=3 if kind == "Permission" else None,
        notes=("One newline was cut.",),
    )


def status(kind: Kind, state: State, generation: int = GENERATION) -> dict[str, Any]:
    """The status that the controller writes then."""
    found = manifest(kind, UNSEEN)
    said = outcome(kind, state, generation)
    if kind == "Regent":
        news = RegentNews(everything_said(), drift=1, held=2)
        return status_of_regent(found, REGENT, news, said, NOW)
    written = status_of(found, None, {REGENT: said}, NOW)
    assert written is not None
    return written


def everything_said() -> StatusBody:
    """All that a Regent can say of itself."""
    loss = LossBody(role="r", kind="Table", privilege="SELECT", detail="schema1.flights")
    return StatusBody(
        sequence=7,
        system_identifier="7412345678901234567",
        accepted_revision=1_767_323_045_000,
        takeover=TakeoverBody(needed=True, token="9f86d081884c7d65", message="Another server."),
        applied_revision=1_767_323_045_000,
        last_pass_time=NOW,
        managed_roles=2,
        observing="The server is another one.",
        detector=DetectorBody(mode="Polling", healthy=False, message="No triggers."),
        brake=BrakeBody(pulled=True, digest="d", loss_count=60, losses=(loss,) * 50, message="m"),
        leftovers=(Leftover(role="r", database="mydb", what="w", message="m"),) * 100,
    )


def cases() -> list[Case]:
    """Every kind in every state."""
    return [case for kind in kinds() for case in _of(kind)]


def _of(kind: Kind) -> list[Case]:
    ready = status(kind, "Ready")
    # What is being deleted keeps its status; Argo CD judges deletion by itself.
    going = manifest(kind, ready, deletionTimestamp="2026-01-02T03:04:05Z")
    stale = manifest(kind, ready, generation=GENERATION + 1)
    return [
        Case("that nobody has seen", manifest(kind, UNSEEN), "InProgress", "Progressing"),
        Case("that is in force", manifest(kind, ready), "Current", "Healthy"),
        Case(
            "that waits",
            manifest(kind, status(kind, "Reconciling")),
            "InProgress",
            "Progressing",
        ),
        Case(
            "that a person must change",
            manifest(kind, status(kind, "Stalled")),
            "Failed",
            "Degraded",
        ),
        Case("that was changed", stale, "InProgress", "Progressing"),
        Case("that is deleted", going, "Terminating", "Healthy"),
        *([] if kind == "Regent" else [_behind(kind)]),
    ]


def _behind(kind: Kind) -> Case:
    """The controller has seen the new generation, its Regent has not yet."""
    found = manifest(kind, status(kind, "Ready", GENERATION - 1))
    return Case("whose Regent knows the old one", found, "InProgress", "Progressing")

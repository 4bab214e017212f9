"""For how long a Lease is whose, by our own clock. No I/O."""

from __future__ import annotations

import math
import os
import socket
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from controller.kube.kinds import JsonObject


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a Lease is good; its leader gives up well before the others take over."""

    lease_seconds: float = 15.0
    renew_seconds: float = 10.0
    retry_seconds: float = 2.0

    def __post_init__(self) -> None:
        if not self.retry_seconds < self.renew_seconds < self.lease_seconds:
            raise ValueError(f"retry < renew < lease does not hold in {self}")


@dataclass(frozen=True, slots=True)
class Observation:
    """A Lease as it was last seen to change, and when that was by our own clock."""

    holder: str
    version: str
    lease_seconds: float
    since: float

    def after(self, found: JsonObject, now: float, usual_seconds: float) -> Observation:
        """The same, while the Lease is the same; one that begins now, when it changed."""
        if found["metadata"]["resourceVersion"] == self.version:
            return self
        return Observation.of(found, now, usual_seconds)

    @classmethod
    def of(cls, found: JsonObject, now: float, usual_seconds: float) -> Observation:
        """A Lease seen for the first time."""
        spec = found.get("spec") or {}
        return cls(
            holder=spec.get("holderIdentity") or "",
            version=found["metadata"]["resourceVersion"],
            lease_seconds=float(spec.get("leaseDurationSeconds") or usual_seconds),
            since=now,
        )

    def is_free_for(self, identity: str, now: float) -> bool:
        """Nobody holds it, we do, or its holder has been silent for the whole of its time."""
        return self.holder in {"", identity} or now - self.since >= self.lease_seconds


def steady_clock() -> float:
    """Seconds that also pass while the process is stopped or the machine sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def own_identity() -> str:
    """Of this process and no other, also not of the same pod's next container."""
    return f"{socket.gethostname()}_{os.getpid()}_{uuid.uuid4().hex[:12]}"


def new_spec(terms: Terms, identity: str, transitions: int) -> JsonObject:
    """Of a Lease that somebody takes now."""
    now = now_text()
    return {
        "holderIdentity": identity,
        "leaseDurationSeconds": math.ceil(terms.lease_seconds),
        "acquireTime": now,
        "renewTime": now,
        "leaseTransitions": transitions,
    }


def now_text() -> str:
    """For people; nobody compares it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

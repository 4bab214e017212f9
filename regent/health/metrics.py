"""What a Regent counts, for Prometheus. An instance has its own registry: no module state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0)


@dataclass(frozen=True, slots=True)
class Health:
    """One detector: `triggers`, `listener` or `watcher`, of a database, or of none."""

    detector: str
    database: str
    healthy: bool


@dataclass(slots=True, eq=False)
class MaybeKnown(Collector):
    """A gauge that is left out while nobody knows its value: 0 would say that all is well."""

    name: str
    text: str
    value: float | None = None

    def collect(self) -> Iterable[Metric]:
        """It, with a value or without."""
        yield GaugeMetricFamily(self.name, self.text, value=self.value)


class Metrics:
    """The numbers of one Regent. Labels hold kinds, never names of roles or objects."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.passes = self._counter("passes", "Passes that ended, by how.", "result")
        self.pass_seconds = Histogram(
            "postgregent_pass_seconds",
            "How long one pass took.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.correction_seconds = Histogram(
            "postgregent_correction_seconds",
            "From a change that was not declared to its correction, where the first is known.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.drift_found = self._counter("drift_found", "Differences that appeared.", "kind")
        self.drift_corrected = self._counter("drift_corrected", "Differences corrected.", "kind")
        self.changes_applied = self._counter("changes_applied", "Changes written.", "kind")
        self.changes_refused = self._counter(
            "changes_refused", "Changes that the server refused.", "kind"
        )
        self.pushes = self._counter("pushes", "Desired states received, by answer.", "result")
        for result in ("Nothing", "Applied", "Refused", "Failed"):
            self.passes.labels(result=result)  # increase() needs a 0 before the first one
        self._health: Callable[[], Iterable[Health]] | None = None
        self._detectors: set[tuple[str, str]] = set()
        self.drift_outstanding = MaybeKnown(
            "postgregent_drift_outstanding", "Differences not corrected yet; absent: not known."
        )
        self.registry.register(self.drift_outstanding)
        self.unmanaged_roles = MaybeKnown(
            "postgregent_unmanaged_roles",
            "Roles that may log in and that nobody declares; absent: the Regent does not ask.",
        )
        self.registry.register(self.unmanaged_roles)
        self.refused = self._gauge(
            "refused_changes", "Changes that would be to do, and that the server refuses."
        )
        self.contended = self._gauge(
            "contended_edges", "Corrections that others undo at least five times in a minute."
        )
        self.paused = self._gauge("paused_roles", "Roles whose correction somebody paused.")
        self.unread = self._gauge(
            "databases_unread", "Served databases that the last pass could not read."
        )
        self.held = self._gauge("held_resources", "Resources that could not be compiled.")
        self.managed_roles = self._gauge("managed_roles", "Roles in our authority.")
        self.brake_pulled = self._gauge("brake_pulled", "1 while the brake withholds losses.")
        self.losses_withheld = self._gauge("losses_withheld", "What the brake withholds.")
        self.approval_waits = self._gauge(
            "awaiting_approval", "1 while something is declared that nobody has approved."
        )
        self.changes_awaiting = self._gauge(
            "changes_awaiting_approval", "Changes that wait for approval."
        )
        self.last_pass = self._gauge(
            "last_pass_timestamp_seconds", "When the last pass ended, as Unix time."
        )
        self._healthy = Gauge(
            "postgregent_detector_healthy",
            "1 while this detector works.",
            ["detector", "database"],
            registry=self.registry,
        )

    def pass_failed(self) -> None:
        """A pass could not end, or could not begin: the server is not reached, or refuses."""
        self.passes.labels(result="Failed").inc()

    def pass_ended(self, *, result: str, seconds: float, at: datetime) -> None:
        """One pass is over; `result` is `Nothing`, `Applied` or `Refused`."""
        self.passes.labels(result=result).inc()
        self.pass_seconds.observe(seconds)
        self.last_pass.set(at.timestamp())

    def follow(self, health: Callable[[], Iterable[Health]]) -> None:
        """Ask this about the detectors at each scrape, until `disconnected`."""
        self._health = health

    def disconnected(self) -> None:
        """No detector works, and what was outstanding is not known to be so."""
        self._health = None
        self.drift_outstanding.value = self.unmanaged_roles.value = None

    def brake(self, *, pulled: bool, losses: int) -> None:
        """Whether the brake is pulled, and how many losses it withholds."""
        self.brake_pulled.set(pulled)
        self.losses_withheld.set(losses)

    def approval(self, *, waits: bool, changes: int) -> None:
        """Whether something waits for approval, and how many changes it would make."""
        self.approval_waits.set(waits)
        self.changes_awaiting.set(changes)

    def render(self) -> bytes:
        """Everything in Prometheus' text format."""
        self._look_at_detectors()
        return generate_latest(self.registry)

    def _look_at_detectors(self) -> None:
        """One that was there and is not any more does not work; nor does one that stopped."""
        found = {(one.detector, one.database): one.healthy for one in self._asked()}
        if self._health is not None:
            for gone in self._detectors - found.keys():
                self._healthy.remove(*gone)
            self._detectors &= found.keys()
        self._detectors |= found.keys()
        for name in self._detectors:
            self._healthy.labels(*name).set(found.get(name, False))

    def _asked(self) -> Iterable[Health]:
        return self._health() if self._health is not None else ()

    def _counter(self, name: str, text: str, label: str) -> Counter:
        return Counter(f"postgregent_{name}", text, [label], registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"postgregent_{name}", text, registry=self.registry)

"""What a Regent counts, for Prometheus. An instance has its own registry: no module state."""

from __future__ import annotations

from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0)


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
        self.drift_outstanding = self._gauge("drift_outstanding", "Differences not corrected yet.")
        self.held = self._gauge("held_resources", "Resources that could not be compiled.")
        self.managed_roles = self._gauge("managed_roles", "Roles in our authority.")
        self.brake_pulled = self._gauge("brake_pulled", "1 while the brake withholds losses.")
        self.losses_withheld = self._gauge("losses_withheld", "What the brake withholds.")
        self.last_pass = self._gauge(
            "last_pass_timestamp_seconds", "When the last pass ended, as Unix time."
        )
        self._healthy = Gauge(
            "postgregent_detector_healthy",
            "1 while this detector works.",
            ["detector", "database"],
            registry=self.registry,
        )

    def pass_ended(self, *, result: str, seconds: float, at: datetime) -> None:
        """One pass is over; `result` is `Nothing`, `Applied`, `Refused` or `Failed`."""
        self.passes.labels(result=result).inc()
        self.pass_seconds.observe(seconds)
        self.last_pass.set(at.timestamp())

    def detector(self, detector: str, database: str, *, healthy: bool) -> None:
        """The state of the listener or watcher of one database; `` for shared catalogs."""
        self._healthy.labels(detector=detector, database=database).set(healthy)

    def brake(self, *, pulled: bool, losses: int) -> None:
        """Whether the brake is pulled, and how many losses it withholds."""
        self.brake_pulled.set(pulled)
        self.losses_withheld.set(losses)

    def render(self) -> bytes:
        """Everything in Prometheus' text format, whose type is CONTENT_TYPE."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, label: str) -> Counter:
        return Counter(f"postgregent_{name}", text, [label], registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"postgregent_{name}", text, registry=self.registry)

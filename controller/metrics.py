"""What the controller counts, read at each scrape; labels never hold names of resources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PREFIX = "postgregent_controller_"
GAUGES: Mapping[str, str] = {
    "leader": "1 for the controller that acts.",
    "synced": "1 while pushes are made, if not to all.",
    "regents": "Regents that the controller talks to.",
    "regents_reached": "Those that answer and reach their server.",
    "regents_not_pushed": "Regents to which nothing is pushed.",
    "regents_not_as_declared": "Regents that run, and not as they are declared.",
    "regents_stalled": "Regents that wait for a person, but for those that are told to observe.",
    "regents_unwatched": "Regents in namespaces that are not watched.",
    "namespaces_unread": "Watched namespaces, 1 for the whole cluster, that cannot be read whole.",
    "leftovers": "What Regents could not take away of deleted resources, such as LOGIN.",
    "leases": "Leases that there are.",
}
COUNTERS: Mapping[str, str] = {
    "status_writes": "Status patches.",
    "status_writes_failed": "Status patches that failed.",
    "events_dropped": "Events that could not be sent.",
    "faults": "Parts of looks that failed unexpectedly.",
    "leases_issued": "Leases that were in force in time, and whose password was answered.",
}


@dataclass(frozen=True, slots=True)
class Counted:
    """By the names of the metrics: how it is now, and what happened since the start."""

    leader: bool = False
    synced: bool = False
    regents: int = 0
    regents_reached: int = 0
    regents_not_pushed: int = 0
    regents_not_as_declared: int = 0
    regents_stalled: int = 0
    regents_unwatched: int = 0
    namespaces_unread: int = 0
    leftovers: int = 0
    leases: int = 0
    status_writes: int = 0
    status_writes_failed: int = 0
    events_dropped: int = 0
    faults: int = 0
    leases_issued: int = 0


class ControllerMetrics(Collector):
    """The numbers of one controller, asked for each time."""

    def __init__(self, count: Callable[[], Counted]) -> None:
        self._count = count
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """All of them, now."""
        counted = self._count()
        for name, text in GAUGES.items():
            yield GaugeMetricFamily(f"{PREFIX}{name}", text, value=getattr(counted, name))
        for name, text in COUNTERS.items():
            yield CounterMetricFamily(f"{PREFIX}{name}", text, value=getattr(counted, name))

    def render(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)

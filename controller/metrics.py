"""What the controller counts, read at each scrape; labels never hold names of resources."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Counted(Protocol):
    """What there is to count."""

    def is_leader(self) -> bool:
        """Whether this one acts."""
        ...

    def is_synced(self) -> bool:
        """Whether pushes are made, if not to all."""
        ...

    def regents(self) -> tuple[int, int]:
        """Those that we talk to, and those of them that answer and reach their server."""
        ...

    def regents_not_pushed(self) -> int:
        """Those to which nothing is pushed."""
        ...

    def regents_unwatched(self) -> int:
        """Those that run in namespaces which are not watched."""
        ...

    def status_writes(self) -> int:
        """Since the start."""
        ...

    def status_writes_failed(self) -> int:
        """Since the start."""
        ...

    def events_dropped(self) -> int:
        """Since the start."""
        ...

    def faults(self) -> int:
        """Since the start."""
        ...


class ControllerMetrics(Collector):
    """The numbers of one controller."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """All of them, now."""
        one = self._counted
        yield _gauge("leader", "1 for the controller that acts.", one.is_leader())
        yield _gauge("synced", "1 while pushes are made, if not to all.", one.is_synced())
        known, reached = one.regents()
        yield _gauge("regents", "Regents that the controller talks to.", known)
        yield _gauge("regents_reached", "Those that answer and reach their server.", reached)
        unpushed = one.regents_not_pushed()
        yield _gauge("regents_not_pushed", "Regents to which nothing is pushed.", unpushed)
        unwatched = one.regents_unwatched()
        yield _gauge("regents_unwatched", "Regents in namespaces that are not watched.", unwatched)
        yield _counter("status_writes", "Status patches.", one.status_writes())
        failed = one.status_writes_failed()
        yield _counter("status_writes_failed", "Status patches that failed.", failed)
        yield _counter("events_dropped", "Events that could not be sent.", one.events_dropped())
        yield _counter("faults", "Parts of looks that failed unexpectedly.", one.faults())

    def render(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"postgregent_controller_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"postgregent_controller_{name}", text, value=value)

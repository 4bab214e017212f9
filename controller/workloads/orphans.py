"""What runs for a Regent that is gone, or in a namespace that is not watched any more.

Its finalizer was removed by hand, or an API server came back from an older backup. It goes on as it
was accepted, and is not removed: absence is no decision (rule 17). But it has no status of its own
any more, so an Event says it beside its Deployment, in the controller's namespace.

Of a namespace that was dropped from `watch.namespaces` nothing is read: its resources keep their
last conditions, and whoever is deleted there keeps LOGIN. That is told likewise, and counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from controller.kube.events import EventRecorder, News, Reference
from controller.kube.kinds import DEPLOYMENT, JsonObject, is_deleting
from controller.names import REGENT_NAME, REGENT_NAMESPACE, workload_name
from controller.observe.caches import Caches
from controller.observe.doubts import EVERYWHERE, Doubts
from shared.keys import ResourceKey
from shared.logging import get_logger

log = get_logger(__name__)
PATIENCE_SECONDS = 10.0
"""A Regent that ends well is heard to be gone a moment before its Deployment is."""


class Orphans:
    """Tells of each once."""

    def __init__(
        self,
        caches: Caches,
        recorder: EventRecorder,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._caches = caches
        self._recorder = recorder
        self._clock = clock
        self._since: dict[str, float] = {}
        self._told: set[str] = set()
        self.unwatched: frozenset[str] = frozenset()
        """The Deployments of Regents in namespaces that are not watched."""

    def look(self, regents: Iterable[ResourceKey], doubts: Doubts) -> float | None:
        """`regents` are all that there are, but for `doubts`. When to look again, in seconds."""
        self._look_for_unwatched()
        named = {workload_name(key) for key in regents}
        found = {
            name: one
            for (_, name), one in self._caches.workloads(DEPLOYMENT).items()
            if name not in named and self._is_orphan(one, doubts)
        }
        now = self._clock()
        self._since = {name: self._since.get(name, now) for name in found}
        self._told &= found.keys()
        for name in found.keys() - self._told:
            if now - self._since[name] >= PATIENCE_SECONDS:
                self._told.add(name)
                self._tell(found[name])
        left = [self._since[name] + PATIENCE_SECONDS - now for name in found.keys() - self._told]
        return min(left, default=None)

    def _is_orphan(self, deployment: JsonObject, doubts: Doubts) -> bool:
        """Of a namespace that is watched, and of which everything was known."""
        namespace = _labels(deployment).get(REGENT_NAMESPACE)
        if namespace is None or is_deleting(deployment):
            return False
        return self._is_watched(namespace) and not doubts.why_not_synced(namespace)

    def _is_watched(self, namespace: str) -> bool:
        watched = self._caches.namespaces
        return EVERYWHERE in watched or namespace in watched

    def _look_for_unwatched(self) -> None:
        """They are told when they are met first."""
        found = {
            name: one
            for (_, name), one in self._caches.workloads(DEPLOYMENT).items()
            if (namespace := _labels(one).get(REGENT_NAMESPACE)) is not None
            and not is_deleting(one)
            and not self._is_watched(namespace)
        }
        for name in sorted(found.keys() - self.unwatched):
            self._tell_unwatched(found[name])
        self.unwatched = frozenset(found)

    def _tell_unwatched(self, deployment: JsonObject) -> None:
        namespace, whose = _labels(deployment)[REGENT_NAMESPACE], _whose(deployment)
        log.warning("a Regent runs in a namespace that is not watched", regent=whose)
        note = (
            f"Its Regent {whose} is in a namespace that is not in watch.namespaces. It goes on as"
            " it was declared last; resources there keep their last conditions, and who is deleted"
            " there keeps LOGIN. Add the namespace again, or run `postgregent uninstall"
            f" --kubernetes -n {namespace}`."
        )
        self._record(deployment, "RegentUnwatched", note)

    def _tell(self, deployment: JsonObject) -> None:
        note = (
            f"Its Regent {_whose(deployment)} is gone from the API server without a deletion that"
            " the controller saw. It goes on as it was declared last. Apply the Regent again; to"
            " remove it, delete it then."
        )
        self._record(deployment, "RegentVanished", note)

    def _record(self, deployment: JsonObject, reason: str, note: str) -> None:
        whole = {**deployment, "apiVersion": DEPLOYMENT.api_version, "kind": DEPLOYMENT.name}
        self._recorder.record(News(Reference.to(whole), "Warning", reason, "Hold", note))


def _whose(deployment: JsonObject) -> str:
    labels = _labels(deployment)
    return f"{labels[REGENT_NAMESPACE]}/{labels.get(REGENT_NAME)}"


def _labels(deployment: JsonObject) -> dict[str, str]:
    return deployment["metadata"].get("labels") or {}

"""What runs for a Regent that is not there any more, though nobody was seen to delete it.

Its finalizer was removed by hand, or an API server came back from an older backup. It goes on as it
was accepted, and is not removed: absence is no decision (rule 17). But it has no status of its own
any more, so an Event says it beside its Deployment, in the controller's namespace.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from controller.kube.events import EventRecorder, News, Reference
from controller.kube.kinds import DEPLOYMENT, JsonObject, is_deleting
from controller.names import REGENT_NAME, REGENT_NAMESPACE, workload_name
from controller.observe.caches import Caches
from controller.observe.moment import EVERYWHERE, Doubts
from shared.keys import ResourceKey

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

    def look(self, regents: Iterable[ResourceKey], doubts: Doubts) -> float | None:
        """`regents` are all that there are, but for `doubts`. When to look again, in seconds."""
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
        watched = self._caches.namespaces
        is_watched = EVERYWHERE in watched or namespace in watched
        return is_watched and not doubts.why_not_synced(namespace)

    def _tell(self, deployment: JsonObject) -> None:
        labels = _labels(deployment)
        whose = f"{labels[REGENT_NAMESPACE]}/{labels.get(REGENT_NAME)}"
        note = (
            f"Its Regent {whose} is gone from the API server without a deletion that the controller"
            " saw. It goes on as it was declared last. Apply the Regent again; to remove it, delete"
            " it then."
        )
        whole = {**deployment, "apiVersion": DEPLOYMENT.api_version, "kind": DEPLOYMENT.name}
        about = Reference.to(whole)
        self._recorder.record(News(about, "Warning", "RegentVanished", "Hold", note))


def _labels(deployment: JsonObject) -> dict[str, str]:
    return deployment["metadata"].get("labels") or {}

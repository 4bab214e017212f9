"""What comes before its Regent is no mistake yet.

A commit brings Regent, Roles and Users together, and the API server tells of them one by one: in
the moment between, a Role has no Regent. A GitOps engine that reads `Stalled` gives the commit up.
So it waits as something that may come by itself (rule 29), as long as a Role that lists an
unknown Permission (rule 18); what was told to be stalled before stays so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from controller.core.placement import REGENT_GONE
from controller.kube.kinds import JsonObject, generation_of
from controller.status.patch import is_stalled, ready_condition
from shared.keys import ResourceKey
from shared.outcomes import Outcome

PATIENCE_SECONDS = 60.0
AWAITED = frozenset({"NoRegent", REGENT_GONE})


class Arrivals:
    """Remembers since when each generation of a resource has lacked a Regent."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[tuple[ResourceKey, int], float] = {}
        self.next_due_seconds: float | None = None
        """When something that is awaited has been for long enough."""

    def judged(
        self, outcomes: Mapping[ResourceKey, Outcome], raw: Mapping[ResourceKey, JsonObject]
    ) -> dict[ResourceKey, Outcome]:
        """The outcomes, where a Regent may still come `Reconciling` instead of `Stalled`."""
        now, judged = self._clock(), dict(outcomes)
        since: dict[tuple[ResourceKey, int], float] = {}
        for key, outcome in outcomes.items():
            if outcome.reason not in AWAITED or key not in raw or _is_told(raw[key]):
                continue
            awaited = key, generation_of(raw[key])
            since[awaited] = self._since.get(awaited, now)
            if now - since[awaited] < PATIENCE_SECONDS:
                judged[key] = outcome.model_copy(update={"state": "Reconciling"})
        left = [PATIENCE_SECONDS - (now - began) for began in since.values()]
        self.next_due_seconds = min((seconds for seconds in left if seconds > 0), default=None)
        self._since = since
        return judged


def _is_told(found: JsonObject) -> bool:
    status = found.get("status") or {}
    return (
        status.get("observedGeneration") == generation_of(found)
        and ready_condition(status).get("reason") in AWAITED
        and is_stalled(status)
    )

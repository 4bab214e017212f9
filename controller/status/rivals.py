"""Somebody else writes the same statuses, such as the controller of a second release of the chart.

Each of the two writes what it knows over what the other wrote, without end, and `kubectl wait` is
right or wrong by chance. A status that was written, and is another one in a newer version of its
object though there was nothing else to say, was overwritten. Once may be anybody; again and again
is told, and from then on that status is written seldom.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.kube.cache import version_of
from controller.kube.kinds import JsonObject
from controller.status.patch import is_news
from shared.keys import ResourceKey
from shared.logging import get_logger

log = get_logger(__name__)
MOST_OVERWRITTEN = 5
"""So often within a minute is no hand."""
WITHIN_SECONDS = 60.0
PACE_SECONDS = 30.0
"""Between two writes of one that is fought over."""
OVER_AFTER_SECONDS = 300.0


@dataclass(slots=True)
class _Written:
    status: Mapping[str, Any]
    version: int
    at: float


@dataclass(slots=True)
class _Overwritten:
    times: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_OVERWRITTEN))
    is_told: bool = False

    def is_often(self) -> bool:
        return len(self.times) == MOST_OVERWRITTEN and (
            self.times[-1] - self.times[0] <= WITHIN_SECONDS
        )


class Rivals:
    """What was written, and which of it somebody else overwrites."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._written: dict[ResourceKey, _Written] = {}
        self._overwritten: dict[ResourceKey, _Overwritten] = {}

    @property
    def trouble(self) -> str:
        """Which statuses somebody else writes as well, and what to do; empty where nobody does."""
        fought = sorted(key for key in self._overwritten if self._is_fought_over(key))
        if not fought:
            return ""
        return (
            f"The status of {fought[0]} is overwritten by another controller, again and again:"
            " probably two releases of the chart watch the same namespaces, and conditions there"
            " are right or wrong by chance. Give them watch.namespaces that have none in common, or"
            " uninstall one of them; what it made for its Regents stays and goes on running until"
            " you delete it in the namespace of that release: kubectl delete configmap,deployment,"
            "service,networkpolicy,serviceaccount,secret -n NAMESPACE"
            " -l app.kubernetes.io/managed-by=postgregent"
        )

    def wrote(self, key: ResourceKey, status: Mapping[str, Any], answer: JsonObject) -> None:
        """The API server took this status, and answered so."""
        self._written[key] = _Written(status, version_of(answer), self._clock())

    def seconds_to_wait(self, key: ResourceKey, found: JsonObject, status: JsonObject) -> float:
        """Before this status may be written, which is another one than was found."""
        written = self._written.get(key)
        if written is None:
            return 0.0
        if self._is_overwritten(written, found, status):
            written.version = version_of(found)  # counted once
            self._note_overwritten(key)
        if not self._is_fought_over(key):
            return 0.0
        return max(0.0, written.at + PACE_SECONDS - self._clock())

    def forget_except(self, kept: Mapping[ResourceKey, Any]) -> None:
        """What is not there any more is written by nobody."""
        for key in self._written.keys() - kept.keys():
            del self._written[key]
            self._overwritten.pop(key, None)

    def _note_overwritten(self, key: ResourceKey) -> None:
        """Once more, or anew where it was over."""
        now, seen = self._clock(), self._overwritten.get(key)
        if seen is None or now - seen.times[-1] > OVER_AFTER_SECONDS:
            seen = self._overwritten[key] = _Overwritten()
        seen.times.append(now)
        if seen.is_often() and not seen.is_told:
            seen.is_told = True
            log.warning("another controller overwrites a status", resource=str(key))

    def _is_overwritten(self, written: _Written, found: JsonObject, status: JsonObject) -> bool:
        """Not where we have something else to say, and not where what was found is older."""
        before = found.get("status") or {}
        is_newer = 0 < written.version < version_of(found)
        return is_newer and is_news(written.status, before) and not is_news(status, written.status)

    def _is_fought_over(self, key: ResourceKey) -> bool:
        """From when it happened often, until it has not happened for some minutes."""
        seen = self._overwritten.get(key)
        return (
            seen is not None
            and seen.is_told
            and self._clock() - seen.times[-1] <= OVER_AFTER_SECONDS
        )

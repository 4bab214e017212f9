"""How often one edge is corrected while others keep undoing it (rule 26). Pure: times are given.

An edge that was corrected TIMES within a minute is damped: what narrows goes on five times a
second, what gives back comes once a minute. It is damped until nobody undid it for two minutes.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from regent.contention.tally import MOST_EDGES, SECONDS, TIMES

NARROWING_SECONDS = 0.2
GIVING_SECONDS = 60.0
QUIET_SECONDS = 120.0


@dataclass(slots=True)
class _Edge:
    times: deque[float] = field(default_factory=lambda: deque(maxlen=TIMES))
    is_damped: bool = False


class Damper:
    """When each edge was corrected lately. Bounded as the tally is."""

    def __init__(self) -> None:
        self._edges: OrderedDict[Hashable, _Edge] = OrderedDict()

    def note(self, corrected: Iterable[Hashable], now: float) -> None:
        """These were corrected: somebody had undone them."""
        for name in corrected:
            edge = self._edges.setdefault(name, _Edge())
            if edge.times and now - edge.times[-1] >= QUIET_SECONDS:
                edge.is_damped = False
            edge.times.append(now)
            is_often = len(edge.times) == TIMES and now - edge.times[0] < SECONDS
            edge.is_damped = edge.is_damped or is_often
            self._edges.move_to_end(name)
            while len(self._edges) > MOST_EDGES:
                self._edges.popitem(last=False)

    def forget(self) -> None:
        """Something else is desired: what a push wants is no correction, and waits for nothing."""
        self._edges.clear()

    @property
    def is_damping(self) -> bool:
        """Whether any edge may have to wait."""
        return any(edge.is_damped for edge in self._edges.values())

    def waits(self, name: Hashable, now: float, *, gives: bool) -> float:
        """The seconds until it may be corrected again; 0: now."""
        edge = self._edges.get(name)
        if edge is None or not edge.is_damped:
            return 0.0
        since = now - edge.times[-1]
        if since >= QUIET_SECONDS:
            return 0.0
        return max(0.0, (GIVING_SECONDS if gives else NARROWING_SECONDS) - since)

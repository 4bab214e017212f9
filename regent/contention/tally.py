"""How often each edge was corrected within the last minute, and by whom it was undone (rule 26).

Pure: the time is an argument. Bounded: whoever undoes thousands of things costs no more memory than
MOST_EDGES of them; those that were corrected longest ago are forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

SECONDS = 60.0
TIMES = 5
MOST_EDGES = 1_000
MOST_COUNTED = 100
"""Of one edge; it is not said more exactly how often it was undone."""
MOST_PEOPLE = 3


@dataclass(frozen=True, slots=True)
class Corrected:
    """One edge that was corrected, in words, and who had undone it, as far as it is known."""

    edge: str
    by: str
    role: str | None = None
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contended:
    """An edge that was corrected at least TIMES within SECONDS."""

    edge: str
    times: int
    by: tuple[str, ...]
    role: str | None = None
    resources: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.edge}: undone {self.times} times within a minute, {', '.join(self.by)}"


@dataclass(slots=True)
class _Edge:
    last: Corrected
    times: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_COUNTED))
    people: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_PEOPLE))


class Tally:
    """What was corrected lately, edge by edge."""

    def __init__(self) -> None:
        self._edges: OrderedDict[str, _Edge] = OrderedDict()

    def note(self, corrected: Iterable[Corrected], now: float) -> tuple[Contended, ...]:
        """Count these; the edges that are contended by it and were not before."""
        begun = []
        for one in corrected:
            edge = self._edges.setdefault(one.edge, _Edge(one))
            was = _is_contended(edge, now)
            edge.last = one
            edge.times.append(now)
            if one.by not in edge.people:
                edge.people.append(one.by)
            self._edges.move_to_end(one.edge)
            if not was and _is_contended(edge, now):
                begun.append(_contended(edge))
            while len(self._edges) > MOST_EDGES:
                self._edges.popitem(last=False)
        return tuple(begun)

    def contended(self, now: float) -> tuple[Contended, ...]:
        """All that are contended now, the most often undone first. Forgets what is over."""
        for name in [name for name, edge in self._edges.items() if not _recent(edge, now)]:
            del self._edges[name]
        found = [_contended(e) for e in self._edges.values() if _is_contended(e, now)]
        return tuple(sorted(found, key=lambda one: (-one.times, one.edge)))


def _recent(edge: _Edge, now: float) -> int:
    while edge.times and now - edge.times[0] >= SECONDS:
        edge.times.popleft()
    return len(edge.times)


def _is_contended(edge: _Edge, now: float) -> bool:
    return _recent(edge, now) >= TIMES


def _contended(edge: _Edge) -> Contended:
    last = edge.last
    return Contended(last.edge, len(edge.times), tuple(edge.people), last.role, last.resources)

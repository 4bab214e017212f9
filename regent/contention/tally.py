"""How often each edge was corrected within the last minute, and by whom it was undone (rule 26).

Pure: the time is an argument. Bounded: whoever undoes thousands of things costs no more memory than
MOST_EDGES of them; those that were corrected longest ago are forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Container, Iterable
from dataclasses import dataclass, field, replace

from shared.drift_text import undone
from shared.outcomes import CONTENDED_TIMES

SECONDS = 60.0
TIMES = CONTENDED_TIMES
MOST_EDGES = 1_000
MOST_OF_ONE = 200
"""Edges of one change that are counted, and damped: of a thousand tables the first say enough."""
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
    is_access: bool = False
    """It is whether somebody can log in at all."""


@dataclass(frozen=True, slots=True)
class Contended:
    """An edge that was corrected at least TIMES within SECONDS."""

    edge: str
    times: int
    by: tuple[str, ...]
    role: str | None = None
    resources: tuple[str, ...] = ()
    waits: bool = False
    """Whether it is put off now."""
    is_access: bool = False

    def __str__(self) -> str:
        later = "; it is done less often now, and waits" if self.waits else ""
        return f"{self.edge}: {undone(self.times)}, {', '.join(self.by)}{later}"


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

    def contended(self, now: float, waiting: Container[str] = frozenset()) -> tuple[Contended, ...]:
        """All that are contended now, the most often undone first. Forgets what is over.

        Those that are `waiting` are, however seldom they are corrected: for that they wait.
        """
        over = [n for n, e in self._edges.items() if not _recent(e, now) and n not in waiting]
        for name in over:
            del self._edges[name]
        found = [
            replace(_contended(edge), waits=name in waiting)
            for name, edge in self._edges.items()
            if name in waiting or _is_contended(edge, now)
        ]
        return tuple(sorted(found, key=lambda one: (-one.times, one.edge)))


def _recent(edge: _Edge, now: float) -> int:
    while edge.times and now - edge.times[0] >= SECONDS:
        edge.times.popleft()
    return len(edge.times)


def _is_contended(edge: _Edge, now: float) -> bool:
    return _recent(edge, now) >= TIMES


def _contended(edge: _Edge) -> Contended:
    last = edge.last
    return Contended(
        last.edge,
        len(edge.times),
        tuple(edge.people),
        last.role,
        last.resources,
        is_access=last.is_access,
    )

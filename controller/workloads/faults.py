"""What failed unexpectedly in one Regent's part of a look: a mistake of ours that stops no other.

It is logged with its trace, counted, and told as that Regent's outcome until a look comes through
it. Each such look is made again after a while that doubles. What fails between two looks, as at
hearing what a Regent says, is told by the next one.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager

from controller.kube.retries import Retries
from controller.regents.outcome import LOOK_FAILED, NotReached
from shared.keys import ResourceKey
from shared.logging import get_logger

log = get_logger(__name__)


class Faults:
    """`count` is of all since the start; `now` are those of the present look."""

    def __init__(self) -> None:
        self.count = 0
        self.now: dict[ResourceKey, NotReached] = {}
        self._before: frozenset[ResourceKey] = frozenset()
        self._between: dict[ResourceKey, NotReached] = {}
        self.retries: Retries[ResourceKey] = Retries()

    def begin(self, kept: Container[ResourceKey]) -> None:
        """Another look begins; what the last one came through is no fault any more."""
        for key in self._before - self.now.keys():
            self.retries.succeeded(key)
        self._before, self.now, self._between = frozenset(self.now), self._between, {}
        self.retries.begin()
        self.retries.forget_except(kept)
        for key in self.now:
            self.retries.is_due(key)  # where it is not, a look is made when it is

    @contextmanager
    def apart(self, about: ResourceKey, doing: str) -> Iterator[None]:
        """What fails in here is noted of this resource, and goes no further."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - logged and told below; others go on
            self.note(about, doing, error)

    def note_between(self, about: ResourceKey, doing: str, error: Exception) -> None:
        """Something failed that is no part of a look: the next one tells it."""
        self.note(about, doing, error)
        self._between[about] = self.now[about]

    def note(self, about: ResourceKey, doing: str, error: Exception) -> None:
        """Something failed while it was `doing` its part for this resource."""
        log.error("a part of the look failed", about=str(about), doing=doing, exc_info=error)
        self.count += 1
        self.now[about] = NotReached(
            LOOK_FAILED,
            f"The controller failed at {doing} ({type(error).__name__}), by a mistake of"
            " PostgRegent's; it is tried again. The controller's log has the trace: please report"
            " it.",
        )
        self.retries.failed(about)

"""Which state a Regent goes by, as far as it says so, against what we know. Pure.

A server that is back with an older data directory, and somebody's `apply`, leave a Regent with
another state than was pushed to it, while its process answers all the time (rule 17).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from shared.http import StatusBody

Etag = str | None
"""None where nothing was accepted."""


class Stands(Enum):
    """What a status says of the state that its Regent goes by."""

    AS_KNOWN = auto()
    LATE = auto()
    """It was said before what we know by now."""
    ELSEWHERE = auto()


@dataclass(slots=True)
class Footing:
    """What a status may say without being news: a request takes a while, and pushes go meanwhile.

    `is_behind` from when a Regent was seen to go by another state, until a pass has looked with
    what was pushed to it anew. What was known outlives a conversation that fails.
    """

    is_behind: bool = False
    _is_met: bool = False
    _known: Etag = None
    _sent: str = ""
    """The push whose answer we have not seen: it may be the accepted one by now."""
    _possible: set[Etag] = field(default_factory=set)

    def met(self, etag: Etag) -> None:
        """It was asked what it has accepted."""
        if self._is_met and not self._is_ours(etag):
            self.is_behind = True
        self._is_met = True
        self._knows(etag)

    def asks(self) -> None:
        """A status is asked for."""
        self._possible = {self._known}

    def sends(self, etag: str) -> None:
        """A push of this name goes."""
        self._sent = etag

    def is_taken(self, etag: str) -> None:
        """It has accepted that push."""
        self._knows(etag)

    def hears(self, status: StatusBody) -> Stands:
        """What this status says."""
        said = said_by(status)
        if not self._is_met or said == "" or self._is_ours(said):
            return Stands.AS_KNOWN
        if said in self._possible:
            return Stands.LATE
        self.is_behind = True
        return Stands.ELSEWHERE

    def is_seen(self, status: StatusBody) -> bool:
        """Whether a pass has looked with what we know to be accepted."""
        is_of_it = self._known is not None and said_by(status) in ("", self._known)
        is_applied = status.applied_revision == status.accepted_revision
        return is_of_it and status.looked and is_applied

    def _knows(self, etag: Etag) -> None:
        self._possible.add(etag)
        self._known, self._sent = etag, ""

    def _is_ours(self, etag: Etag) -> bool:
        return etag == self._known or (etag is not None and etag == self._sent)


def said_by(status: StatusBody) -> Etag:
    """What it has accepted; empty where it is of a version that does not say."""
    return None if status.accepted_revision is None else status.accepted_etag

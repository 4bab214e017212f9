"""Regents whose home database was put back to an older copy, as their status shows it (rule 28a).

Their server is the same, and what they have accepted is older than what their status remembers of
them. They are pushed to anew (ADR 34), and roles made since then have no mark: who declares them is
ExistsUnmanaged. That is no loss of all marks, so no takeover waits; it is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from controller.regents.outcome import NotReached
from shared.http import StatusBody
from shared.keys import ResourceKey
from shared.listing import first_of
from shared.outcomes import EXISTS_UNMANAGED
from shared.utc import utc

REASON = "HomeDatabaseOlder"
SHOWN = 5
OLDEST, NEWEST = 1_000_000_000_000, 10_000_000_000_000
"""Milliseconds from 2001 to 2286."""


class _Older(NamedTuple):
    """The revision that it had accepted before, and the one that it knew of then."""

    knew: int
    knows: int

    def __str__(self) -> str:
        return (
            "Its home database was put back to an older copy, or its server is one: it knew the"
            f" push of {_when(self.knows)}, and had accepted the one of {_when(self.knew)}."
        )


class OlderHomes:
    """What was noticed of each Regent, until nothing of it is left."""

    def __init__(self) -> None:
        self._noticed: dict[ResourceKey, _Older] = {}

    def hear(self, regent: ResourceKey, status: StatusBody, before: Mapping[str, Any]) -> str:
        """What is to be told of this status, where it is news; `before` is that of the cluster."""
        knows, knew = status.accepted_revision, before.get("acceptedRevision")
        is_same = before.get("serverIdentifier") == status.system_identifier
        if not (knows and knew and is_same) or status.takeover.needed:
            return ""
        earlier = self._noticed.get(regent, _Older(0, 0)).knew
        if knows >= knew:
            if _is_judged(status, earlier) and not _unmanaged(status):
                self.forget(regent)
            return ""
        if earlier >= knew:
            return ""
        self._noticed[regent] = found = _Older(knew, knows)
        return f"{found} It is pushed to anew; what it says of its roles tells more."

    def lack_of(self, regent: ResourceKey, status: StatusBody | None) -> NotReached | None:
        """What is not as before, while it is pushed to anew and while roles have no mark."""
        found = self._noticed.get(regent)
        if found is None or status is None:
            return None
        if not (unmanaged := _unmanaged(status)):
            is_over = _is_judged(status, found.knew)
            return None if is_over else NotReached(REASON, f"{found} It is pushed to anew.")
        said = (
            f"{first_of(unmanaged, SHOWN)}: a role of that name was made since, perhaps by"
            " PostgRegent, and nothing says so any more. Where it was, set adopt: true; and look"
            " for roles of Users that were deleted since then: they may still log in."
        )
        return NotReached(REASON, f"{found} {said}")

    def forget(self, regent: ResourceKey) -> None:
        """It is over, or we talk to it no more."""
        self._noticed.pop(regent, None)


def _is_judged(status: StatusBody, revision: int) -> bool:
    """Whether a pass has looked with a push that is not older."""
    applied = status.applied_revision or 0
    return status.looked and applied == status.accepted_revision and applied >= revision


def _unmanaged(status: StatusBody) -> list[str]:
    return [one.resource for one in status.resources if one.reason == EXISTS_UNMANAGED]


def _when(revision: int) -> str:
    """Revisions of a controller are milliseconds; others are told as they are."""
    if not OLDEST < revision < NEWEST:
        return f"revision {revision}"
    return utc(datetime.fromtimestamp(revision / 1000, UTC))

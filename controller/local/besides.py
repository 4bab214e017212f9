"""What a Regent's status says besides the outcomes, as lines: who leaves and stays, what resumed.

A deleted resource has no outcome, and the end of a pause is no drift: both are told here. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from controller.status.board import Line
from shared.http import Leftover, StatusBody
from shared.keys import ResourceKey
from shared.utc import utc

MOST_PAUSES = 50
"""Of a status."""


def lines_besides(
    regent: ResourceKey, before: StatusBody | None, status: StatusBody, at: datetime
) -> list[Line]:
    """What is new in a status. One that has not looked yet knows nothing of either."""
    if not status.looked:
        return []
    known = before if before is not None and before.looked else None
    return [
        *_who_stays(regent, known, status, at),
        *_resumed(known, status, at),
        *_unapproved(regent, known, status, at),
    ]


def _who_stays(
    regent: ResourceKey, before: StatusBody | None, status: StatusBody, at: datetime
) -> Iterator[Line]:
    """A line for each role that cannot be taken away wholly, with the first that is left of it."""
    told = {one.role for one in before.leftovers} if before else set()
    left: dict[str, list[Leftover]] = {}
    for one in status.leftovers:
        left.setdefault(one.role, []).append(one)
    for role, found in left.items():
        if role in told:
            continue
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        first = found[0]
        message = f"of {role!r}: {first.what}{more}. {first.message}".rstrip()
        yield Line(at, str(regent), "left", "", message)


def _unapproved(
    regent: ResourceKey, before: StatusBody | None, status: StatusBody, at: datetime
) -> Iterator[Line]:
    """What waits for approval, once per digest; the Regent's own line says how to approve it."""
    waits = status.approval
    if not waits.digest or (before is not None and before.approval.digest == waits.digest):
        return
    for what in waits.changes:
        yield Line(at, str(regent), "waits", "", f"for approval: {what}")
    if waits.change_count > len(waits.changes):
        more = waits.change_count - len(waits.changes)
        yield Line(at, str(regent), "waits", "", f"for approval: and {more} more")


def _resumed(before: StatusBody | None, status: StatusBody, at: datetime) -> Iterator[Line]:
    """A line for each pause that is over; not where there are more than a status holds."""
    if before is None or len(status.paused) >= MOST_PAUSES:
        return
    still = {one.role for one in status.paused}
    for one in before.paused:
        if one.role not in still:
            early = f", before its time ({utc(one.until)})" if at < one.until else ""
            message = f"{one.role!r} is paused no longer{early}: what differs is corrected."
            yield Line(at, "pause", "over", "", message)

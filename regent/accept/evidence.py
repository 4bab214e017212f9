"""What proves that the API server went back in time, as after a restore of etcd. Pure.

A uid is given once and a generation only grows (rule 28a). So an object whose end was accepted
and that is there again under its own uid, and one whose generation is lower than the accepted one,
were both brought back from a copy; no clock takes part in that. What is deleted and made again, by
hand, by a GitOps engine or from a backup of manifests, has a new uid and proves nothing. And who
watches the API server sees its resource versions go back, which proves it of what has no generation
too, such as a Secret: that counts where it was seen after a person let the last restore in, both by
the clocks of controllers (ADR 34).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from regent.remembered import AcceptedState
from shared.state import DesiredState, Entry, RegentEntry
from shared.utc import utc

PAST_LIMIT = 2_000
"""So many ended objects are remembered, the latest: a restore goes back hours, seldom weeks."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One resource that is older than what was accepted of it."""

    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.key} {self.what}"


def signs_of_restore(previous: AcceptedState, pushed: DesiredState) -> tuple[Sign, ...]:
    """Every resource of the push that proves it, by name."""
    return tuple(sorted(_signs(previous, pushed), key=str))


def past(
    previous: AcceptedState | None,
    pushed: DesiredState,
    resources: Mapping[str, Entry],
    now: datetime,
) -> dict[str, datetime]:
    """The uids whose end was accepted, with its time; `resources` are the effective entries."""
    if previous is None:
        return {}
    known = dict(previous.past)
    for key, old in previous.state.resources.items():
        new = resources.get(key)
        if old.uid is None or (new is None and (key in pushed.elsewhere or key in pushed.held)):
            continue
        if new is None or (new.uid is not None and new.uid != old.uid):
            known[old.uid] = now
    there = {entry.uid for entry in resources.values()}
    latest = sorted(known.items(), key=lambda item: (item[1], item[0]))[-PAST_LIMIT:]
    return {uid: at for uid, at in latest if uid not in there}


def _signs(previous: AcceptedState, pushed: DesiredState) -> Iterator[Sign]:
    old: Mapping[str, Entry | RegentEntry] = {
        str(previous.state.regent.key): previous.state.regent,
        **previous.state.resources,
    }
    restored = pushed.restored or 0
    if restored > previous.settled and restored != previous.settled_restore:
        yield Sign("the API server", f"was seen to go back at {_time(restored)}")
    new: Mapping[str, Entry | RegentEntry] = {
        str(pushed.regent.key): pushed.regent,
        **pushed.resources,
    }
    for key, entry in new.items():
        if entry.uid is None:
            continue
        before = old.get(key)
        if entry.uid in previous.past:
            yield Sign(key, f"was deleted by {previous.past[entry.uid]:%Y-%m-%d %H:%M:%S %Z}")
        elif before and before.uid == entry.uid and before.generation > entry.generation:
            yield Sign(key, f"has generation {entry.generation} after {before.generation}")


def _time(milliseconds: int) -> str:
    return utc(datetime.fromtimestamp(milliseconds / 1000, UTC))

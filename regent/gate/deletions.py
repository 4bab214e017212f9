"""Few deletions never wait: two an hour, unless the last login is among them (rule 20). Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from regent.remembered import AcceptedState, BrakeMemory
from shared.state import Entry

HOUR = timedelta(hours=1)
FREE_DELETIONS = 2


def deletions(memory: BrakeMemory, accepted: AcceptedState) -> tuple[str, ...]:
    """The Roles and Users that are deleted now, of the baseline and of what was given since."""
    known = memory.baseline.state.resources if memory.baseline else {}
    return tuple(
        key
        for key in dict.fromkeys((*known, *(key for layer in memory.given for key in layer)))
        if not key.startswith("Permission/")
        and key not in accepted.state.resources
        and key in accepted.departed
        and not accepted.departed[key].is_shut_out
    )


def are_few(deleted: Iterable[str], memory: BrakeMemory, now: datetime) -> bool:
    """True if these, with those of the last hour, are few enough to be believed at once."""
    recent = {key for at, key in memory.deletions if now - at < HOUR}
    return len(recent.union(deleted)) <= FREE_DELETIONS


def are_all_logins(deleted: Collection[str], resources: Mapping[str, Entry]) -> bool:
    """True if there are Users that may log in, and every one of them is deleted."""
    users = {
        key
        for key, entry in resources.items()
        if entry.kind == "User" and entry.spec.enabled is not False
    }
    return bool(users) and users <= set(deleted)

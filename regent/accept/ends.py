"""The ends that a declaration states in so many words: never held, never withheld (rules 18, 20).

All of them: `enabled: false`, a `validUntil` that has passed, and an `access` whose `until` has
passed. (`connectionLimit` and a `validUntil` to come take no edge away, and are never withheld; a
narrowed `allow` and few deletions are of the whole state, see regent/gate/baseline.py.) Pure.
"""

from __future__ import annotations

from datetime import datetime

from shared.resources import UserSpec
from shared.state import Entry


def ended(entry: Entry, new: Entry | None, now: datetime) -> Entry:
    """The earlier entry with the ends that the new one states, and nothing else of it."""
    if entry.kind != "User" or new is None or new.kind != "User":
        return entry
    update: dict[str, object] = {}
    if new.spec.enabled is False:
        update["enabled"] = False
    if new.spec.valid_until is not None and new.spec.valid_until <= now:
        update["valid_until"] = new.spec.valid_until
    left = left_by(new.spec, now)
    if left:
        update["roles"] = tuple(role for role in entry.spec.roles if role not in left)
        update["access"] = tuple(one for one in entry.spec.access if one.role not in left)
    if not update:
        return entry
    return entry.model_copy(update={"spec": entry.spec.model_copy(update=update)})


def left_by(spec: UserSpec, now: datetime) -> frozenset[str]:
    """The Roles of which every access has ended, and that are given in no other way."""
    past = {one.role for one in spec.access if one.until <= now}
    return frozenset(past - {one.role for one in spec.access if one.until > now} - {*spec.roles})

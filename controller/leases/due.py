"""What is due of each lease: that it ends, goes, or says what its User says. Pure.

A lease is what belongs to a Dynamic User, by its uid, and what says that somebody asked for it and
belongs to another User or to none that there is. It ends before it goes: an end in so many words
waits for no release of a brake, a deletion may.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from controller.kube.kinds import JsonObject, is_deleting, uid_of
from controller.kube.owners import owning_users
from controller.leases.lease import (
    Template,
    as_written,
    asker_of,
    change_of,
    created_at,
    end_of,
    ended_at,
    own_end,
    spec_of,
    template_of,
)
from controller.observe.reader import Declared
from shared.keys import ResourceKey
from shared.resources import User, UserSpec

GRACE = timedelta(seconds=5)
"""So long its Regents have for the end, before they hear of the deletion."""


class Deed(Enum):
    """What is to be done with a lease."""

    END = auto()
    DELETE = auto()
    AMEND = auto()
    """It says something else than its User."""


@dataclass(frozen=True, slots=True)
class Due:
    """`patch` is of the very version that was read; nothing where it is deleted."""

    lease: ResourceKey
    uid: str
    deed: Deed
    why: str = ""
    patch: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """All leases there are, what is due of them now, and when something is due again."""

    count: int = 0
    due: tuple[Due, ...] = ()
    next_at: datetime | None = None


def find(declared: Declared, now: datetime) -> Found:
    """Of what was known whole. What is not is no news of any lease (rule 17)."""
    users = {
        (key.namespace, uid_of(raw)): key for key, raw in declared.raw.items() if key.kind == "User"
    }
    count = 0
    due: list[Due] = []
    times: list[datetime] = []
    for key, raw in declared.raw.items():
        if key.kind != "User":
            continue
        one = _lease(declared, users, key, raw)
        if one is None:
            continue
        count += 1
        if is_deleting(raw) or declared.doubts.why_not_synced(key.namespace):
            continue
        if found := _due(one, now):
            due.append(found)
        times += _times(one, now)
    return Found(count, tuple(due), min(times, default=None))


@dataclass(frozen=True, slots=True)
class _Lease:
    key: ResourceKey
    raw: JsonObject
    template: Template | None
    is_unsure: bool
    """Its User cannot be read: nothing is known of what it says."""
    is_left: bool
    """Its User is being deleted."""
    spec: UserSpec | None
    """As it was read; None where it cannot be."""


def _lease(
    declared: Declared,
    users: Mapping[tuple[str, str], ResourceKey],
    key: ResourceKey,
    raw: JsonObject,
) -> _Lease | None:
    found = [
        users[key.namespace, uid]
        for owner in owning_users(raw["metadata"])
        if (key.namespace, uid := str(owner.get("uid"))) in users
    ]
    owners = [declared.resources[one].resource for one in found]
    template = next(filter(None, map(template_of, owners)), None)
    is_left = template is not None and template.user.key in declared.deleting
    says_so = bool(asker_of(raw)) and any(owning_users(raw["metadata"]))
    if template is None and not says_so:
        return None
    own = declared.resources[key].resource
    spec = own.spec if isinstance(own, User) else None
    return _Lease(key, raw, template, template is None and None in owners, is_left, spec)


def _due(one: _Lease, now: datetime) -> Due | None:
    uid, ends, template = uid_of(one.raw), own_end(one.raw), one.template
    if ends is not None and ends <= now:
        return Due(one.key, uid, Deed.DELETE) if now - ends >= GRACE else None
    if one.is_unsure:
        return None
    why = _why_over(one, now)
    if why or template is None:
        return Due(one.key, uid, Deed.END, why, change_of(one.raw, ended_at(now)))
    own = one.raw.get("spec") or {}
    shall = spec_of(template, one.key.name, end_of(template, created_at(one.raw), ends), own)
    if shall == one.spec:
        return None
    return Due(one.key, uid, Deed.AMEND, "", change_of(one.raw, merging(own, as_written(shall))))


def _why_over(one: _Lease, now: datetime) -> str:
    template = one.template
    if template is None or one.is_left:
        return "its User is gone, or has no leases any more"
    if template.is_over(now):
        return "its User is disabled, or has expired"
    if asker_of(one.raw) not in template.accounts:
        return "its User does not list the service account that asked for it"
    return "it is disabled" if (one.raw.get("spec") or {}).get("enabled") is False else ""


def _times(one: _Lease, now: datetime) -> Iterator[datetime]:
    """When something is due that no signal tells of."""
    ends, until = own_end(one.raw), one.template.user.spec.valid_until if one.template else None
    found = (ends + GRACE if ends else None, until)
    yield from (moment for moment in found if moment is not None and moment > now)


def merging(before: Mapping[str, Any], after: Mapping[str, Any]) -> JsonObject:
    """The merge patch (RFC 7386) from one to the other."""
    patch: JsonObject = dict.fromkeys(before.keys() - after.keys())
    for key, value in after.items():
        was = before.get(key)
        if isinstance(value, Mapping) and isinstance(was, Mapping):
            if inner := merging(was, value):
                patch[key] = inner
        elif value != was:
            patch[key] = value
    return patch

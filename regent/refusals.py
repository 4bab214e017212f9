"""What the server refused for good is not asked for again (semantics 21). Pure.

Found out once, remembered in the home database by a key, and left out of later plans until the
declaration changes or an hour is over. Its resource is NotManageable all that time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from regent.applying.result import ChangeResult, way_out
from regent.changes import (
    AlterRole,
    Change,
    DropRole,
    EndSessions,
    GrantPrivileges,
    HandOnOwned,
    Plan,
    RevokePrivileges,
)
from regent.digests import digest
from regent.remembered import Unmanageable

NEEDS_A_PERSON = frozenset({"42501", "2BP01", "42704", "0P000", "55P02"})
"""Cured by a right, an owner or a name that somebody gives: asked again after a while."""
AGAIN_AFTER = timedelta(hours=1)

Refused = Mapping[str, Unmanageable]
"""What is remembered, by the key of the change."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A change that would be needed, and that the server does not do."""

    change: Change
    sqlstate: str
    message: str

    @property
    def way_out(self) -> str:
        """What a person can do about it."""
        return way_out(self.sqlstate)


def is_permanent(result: ChangeResult) -> bool:
    """True when only a person, or another declaration, can change the answer."""
    return result.is_for_good or result.sqlstate in NEEDS_A_PERSON


def keys_of(change: Change) -> tuple[str, ...]:
    """Names a change with all that it is about, in any process, and shows no secret.

    One key; for privileges one an object, in their order: another object makes no other key.
    """
    if not isinstance(change, GrantPrivileges | RevokePrivileges):
        return (digest(replace(change, causes=())),)
    same = digest(replace(change, objects=(), causes=()))
    return tuple(hashlib.sha256(f"{same} {one.oid}".encode()).hexdigest() for one in change.objects)


def still_refused(refused: Refused, now: datetime) -> Refused:
    """Less what is old enough to be asked again."""
    return {key: one for key, one in refused.items() if now - one.found_at < AGAIN_AFTER}


def refusals(results: Iterable[ChangeResult], now: datetime) -> Refused:
    """What these results say is not to be asked again."""
    return {
        key: Unmanageable(key, result.sqlstate, result.message, now)
        for result in results
        if not result.done and is_permanent(result)
        for part in result.remaining
        for key in keys_of(part)
    }


def without_refused(plan: Plan, refused: Refused) -> tuple[Plan, tuple[Refusal, ...]]:
    """The plan less what was refused for good, and that; privileges are compared by the object.

    The end of a role whose DROP is refused is over: its sessions are not ended again and again.
    """
    if not refused:
        return plan, ()
    kept: list[Change] = []
    left_out: list[Refusal] = []
    for change in plan.changes:
        known = [refused.get(key) for key in keys_of(change)]
        first = next((one for one in known if one is not None), None)
        if first is None:
            kept.append(change)
            continue
        left, may_be_asked = _split(change, [one is not None for one in known])
        left_out.append(Refusal(left, first.sqlstate, first.message))
        if may_be_asked is not None:
            kept.append(may_be_asked)
    stuck = {one.change.role for one in left_out if isinstance(one.change, DropRole)}
    stuck -= {one.role for one in kept if isinstance(one, AlterRole)}
    final = tuple(
        one
        for one in kept
        if not (isinstance(one, EndSessions | HandOnOwned) and one.role in stuck)
    )
    return replace(plan, changes=final), tuple(left_out)


def _split(change: Change, is_refused: list[bool]) -> tuple[Change, Change | None]:
    """What was refused of a change, and what was not."""
    if all(is_refused) or not isinstance(change, GrantPrivileges | RevokePrivileges):
        return change, None
    pairs = list(zip(change.objects, is_refused, strict=True))
    return (
        replace(change, objects=tuple(one for one, refused in pairs if refused)),
        replace(change, objects=tuple(one for one, refused in pairs if not refused)),
    )

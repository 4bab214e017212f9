"""What the server refused for good is not asked for again (semantics 21). Pure.

Found out once, remembered in the home database by a key, and left out of later plans until the
declaration changes or an hour is over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from regent.applying.result import ChangeResult
from regent.changes import Change, GrantPrivileges, Plan, RevokePrivileges

NEEDS_A_PERSON = frozenset({"42501", "2BP01", "42704", "0P000", "55P02"})
"""Cured by a right, an owner or a name that somebody gives: asked again after a while."""
AGAIN_AFTER = timedelta(hours=1)


def is_permanent(result: ChangeResult) -> bool:
    """True when only a person, or another declaration, can change the answer."""
    return result.is_for_good or result.sqlstate in NEEDS_A_PERSON


def key_of(change: Change) -> str:
    """Names one change with all that it is about, and holds no secret."""
    return hashlib.sha256(repr(replace(change, causes=())).encode()).hexdigest()


def without_refused(plan: Plan, refused: frozenset[str]) -> Plan:
    """The plan less what was refused for good; grants and revokes are compared piece by piece."""
    if not refused:
        return plan
    changes = tuple(kept for change in plan.changes for kept in _kept(change, refused))
    return replace(plan, changes=changes)


def pieces(change: Change) -> Iterator[Change]:
    """A change as the single (object, grantee) changes that it is made of."""
    if not isinstance(change, GrantPrivileges | RevokePrivileges):
        yield change
        return
    for one in change.objects:
        for grantee in change.grantees:
            yield replace(change, objects=(one,), grantees=(grantee,))


def _kept(change: Change, refused: frozenset[str]) -> Iterator[Change]:
    parts = list(pieces(change))
    kept = [part for part in parts if key_of(part) not in refused]
    if len(kept) == len(parts):
        yield change
    else:
        yield from kept

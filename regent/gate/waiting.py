"""What waits with the withheld losses: passwords, LOGIN and members of adoptions. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from regent.changes import Change, Effect, GrantPrivileges
from regent.gate.brake import Verdict


def waiting_for_release(verdict: Verdict) -> tuple[Change, ...]:
    """What the brake withholds that is no loss: it would hand on what is not taken away yet."""
    return tuple(one for one in verdict.withheld_changes if one.effect < Effect.CLOSE)


def without_waiting(changes: Iterable[Change], waiting: Iterable[Change]) -> tuple[Change, ...]:
    """The changes less those that wait; of a grant to several, the roles that do not wait stay."""
    whole = {id(one) for one in waiting}
    grantees: dict[GrantPrivileges, set[str | None]] = {}
    for one in waiting:
        if isinstance(one, GrantPrivileges):
            grantees.setdefault(_to_nobody(one), set()).update(one.grantees)
    kept: list[Change] = []
    for change in changes:
        if id(change) in whole:
            continue
        if isinstance(change, GrantPrivileges) and grantees:
            held = grantees.get(_to_nobody(change), set())
            left = tuple(name for name in change.grantees if name not in held)
            if len(left) < len(change.grantees):
                kept += [replace(change, grantees=left)] if left else []
                continue
        kept.append(change)
    return tuple(kept)


def _to_nobody(change: GrantPrivileges) -> GrantPrivileges:
    return replace(change, grantees=(), causes=())

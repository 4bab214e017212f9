"""What waits with the withheld losses: passwords, LOGIN and members of adoptions, and what is
given again in place of what falls. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from regent.changes import Change, Effect, GrantPrivileges
from regent.gate.brake import Verdict
from regent.gate.preparations import Edge, divided, edges_of


def waiting_for_release(verdict: Verdict) -> tuple[Change, ...]:
    """What the brake withholds that is no loss: it would hand on what is not taken away yet."""
    return tuple(
        one
        for one in verdict.withheld_changes
        if one.effect < Effect.CLOSE or isinstance(one, GrantPrivileges)
    )


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
        if isinstance(change, GrantPrivileges) and change.instead_of:
            kept += divided(change, _edges_like(change, waiting).__contains__)[0]
            continue
        if isinstance(change, GrantPrivileges) and grantees:
            held = grantees.get(_to_nobody(change), set())
            left = tuple(name for name in change.grantees if name not in held)
            if len(left) < len(change.grantees):
                kept += [replace(change, grantees=left)] if left else []
                continue
        kept.append(change)
    return tuple(kept)


def _edges_like(change: GrantPrivileges, waiting: Iterable[Change]) -> frozenset[Edge]:
    """What waits of a grant that was taken apart by its objects."""
    whole = _to_nowhere(change)
    return frozenset(
        edge
        for one in waiting
        if isinstance(one, GrantPrivileges) and _to_nowhere(one) == whole
        for edge in edges_of(one)
    )


def _to_nowhere(change: GrantPrivileges) -> GrantPrivileges:
    return replace(change, objects=(), columns=(), privileges=frozenset())


def _to_nobody(change: GrantPrivileges) -> GrantPrivileges:
    return replace(change, grantees=(), causes=())

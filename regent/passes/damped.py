"""What of a plan waits, as others keep undoing it (rule 26). Pure: the damper is asked at one time.

Only what is a whole by itself waits. What stands in for a loss, what follows a REVOKE in its own
transaction, and the sessions of whoever shall not log in go with what they belong to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Protocol, TypeAlias, assert_never

from regent.changes import (
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    DisableRole,
    DropRole,
    Effect,
    EnableRole,
    EndSessions,
    GrantMembership,
    GrantPrivileges,
    HandOnOwned,
    OfDefaults,
    OfHolder,
    OfOwner,
    Plan,
    PrivilegeChange,
    ReleaseRole,
    RevokeMembership,
    RevokePrivileges,
    SetPassword,
)
from regent.contention.damping import Damper
from regent.contention.tally import MOST_OF_ONE
from regent.plan.describe import describe
from regent.plan.edges import Edge, edges, split
from shared.privileges import CONNECT

_Parts: TypeAlias = tuple[Sequence[Change], Sequence[Change]]
"""What of a change waits, and what goes now."""


class _IsLate(Protocol):
    def __call__(self, name: Hashable, *, gives: bool) -> bool: ...


@dataclass(frozen=True, slots=True)
class Damped:
    """A plan less what waits; by change what of it goes now, where that is not all of it."""

    plan: Plan
    waiting: tuple[Change, ...] = ()
    seconds: float = 0.0
    """Until the first of that may be done."""
    going: tuple[tuple[Change, tuple[Change, ...]], ...] = ()

    def without(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """These less what waits, wholly or in part."""
        waits = {change for change, _ in self.going}
        return tuple(one for one in changes if one not in waits)

    def parts(self, drift: Iterable[Change]) -> tuple[Change, ...]:
        """The drift less what waits, as it is carried out."""
        going = dict(self.going)
        return tuple(part for one in drift for part in going.get(one, (one,)))


def damped(plan: Plan, damper: Damper, now: float) -> Damped:
    """What may be done now, and what waits."""
    if not damper.is_damping:
        return Damped(plan)
    seconds: list[float] = []

    def is_late(name: Hashable, *, gives: bool) -> bool:
        wait = damper.waits(name, now, gives=gives)
        if wait:
            seconds.append(wait)
        return wait > 0

    less = _less(Damped(plan), lambda change: _apart(change, is_late))
    return replace(less, seconds=min(seconds)) if less.waiting else less


def still_open(less: Damped, databases: Collection[str]) -> Damped:
    """The same, where PUBLIC keeps CONNECT on these: somebody's own is among what waits."""

    def apart(change: Change) -> _Parts:
        if not (isinstance(change, RevokePrivileges) and change.database in databases):
            return (), (change,)
        whose = {None, *change.grantees} if None in change.losing else {None}
        return split(change, partial(_is_connect_of, whose))

    return _less(less, apart)


def _less(less: Damped, apart: Callable[[Change], _Parts]) -> Damped:
    """The same, less what of each change waits too."""
    kept: list[Change] = []
    waiting = list(less.waiting)
    going = list(less.going)
    for change in less.plan.changes:
        later, first = apart(change)
        kept += first
        if later:
            waiting += later
            going.append((change, tuple(first)))
    if len(going) == len(less.going):
        return less
    plan = replace(less.plan, changes=tuple(kept))
    return replace(less, plan=plan, waiting=tuple(waiting), going=tuple(going))


def _is_connect_of(whose: Collection[str | None], edge: Edge) -> bool:
    """PUBLIC's own, or that of whoever gave it to PUBLIC."""
    return edge.privilege == CONNECT and edge.grantee in whose


def _apart(change: Change, is_late: _IsLate) -> _Parts:
    gives = _gives(change)
    if gives is None:
        return (), (change,)
    if not isinstance(change, PrivilegeChange):
        return ((change,), ()) if is_late(_name(change), gives=gives) else ((), (change,))
    late = {
        edge
        for edge in islice(edges(change), MOST_OF_ONE)
        if is_late(_edge(change, edge), gives=gives)
    }
    return split(change, late.__contains__) if late else ((), (change,))


def names_of(changes: Iterable[Change]) -> Iterator[Hashable]:
    """The edges of what was corrected, as the damper knows them."""
    for change in changes:
        if _gives(change) is None:
            continue
        if isinstance(change, PrivilegeChange):
            yield from islice((_edge(change, edge) for edge in edges(change)), MOST_OF_ONE)
        else:
            yield _name(change)


def _name(change: Change) -> Hashable:
    return type(change), change.about, describe(change)


def _edge(change: PrivilegeChange, edge: Edge) -> Hashable:
    return type(change), change.database, change.kind, edge


def _gives(change: Change) -> bool | None:
    """Whether it gives back, or takes; None of what is never put off."""
    match change:
        case AlterRole(effect=Effect.CLOSE) | DisableRole() | EnableRole():
            return None
        case SetPassword() | ClearPassword() | AlterSetting():
            # What is there instead is somebody's who is not declared: it must not win.
            return False
        case AlterRole() | OfDefaults():
            return change.effect < Effect.CLOSE
        case GrantMembership() | GrantPrivileges():
            is_whole = change.effect is Effect.WIDEN and not change.instead_of
            return True if is_whole else None
        case RevokeMembership():
            return None if change.along else False
        case RevokePrivileges():
            return None if change.cascade or change.cut is not None else False
        case EndSessions():
            return True if change.effect is Effect.REMOVE else None
        case OfHolder() | OfOwner() | HandOnOwned() | DropRole() | ReleaseRole():
            return None
        case _:
            assert_never(change)

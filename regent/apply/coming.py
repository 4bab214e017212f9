"""What an heir gets by the same plan that makes it an heir. Pure.

In which order a plan hands on and gives is ours to choose, so it may not decide what code may
reach: what comes after the code counts as if it had come before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from regent.apply.result import ChangeResult
from regent.changes import (
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    CreateOwned,
    Effect,
    GatherObjects,
    GrantDefaults,
    GrantMembership,
    GrantPrivileges,
    HandOnOwned,
    OfEnd,
    OfHolder,
    OfStranger,
    Plan,
    RevokeDefaults,
    RevokeMembership,
    RevokePrivileges,
    SetOwner,
    SetPassword,
)
from regent.plan.describe import describe


@dataclass(frozen=True, slots=True)
class Coming:
    """`leavers` hand on to the heir what they own; `given` is one thing it is still to be given.

    `managed` are the roles that have what is declared, and no more, whoever owns the object.
    """

    leavers: tuple[str, ...] = ()
    given: str = ""
    managed: tuple[str, ...] = ()


NOTHING_COMES = Coming()


def coming_to(
    change: HandOnOwned | GatherObjects,
    plan: Plan,
    so_far: Iterable[ChangeResult],
    managed: Iterable[str] = (),
) -> Coming:
    """What else the heir of this change gets by the plan, of which so much was carried out.

    What it was given so far is in the catalog, and is seen there.
    """
    leaver, heir = _parties(change)
    done = {id(result.change) for result in so_far if result.done}
    leavers = {
        _parties(other)[0]
        for other in plan.changes
        if isinstance(other, HandOnOwned | GatherObjects)
        and _parties(other)[1] == heir
        and _parties(other)[0] != leaver
        and not (isinstance(other, HandOnOwned) and other.refusal)
    }
    gifts = (one for one in plan.changes if id(one) not in done and _gives(one, heir))
    first = next(gifts, None)
    given = "" if first is None else f"what it is about to get: {describe(first)}"
    return Coming(tuple(sorted(leavers)), given, tuple(sorted(managed)))


def _parties(change: HandOnOwned | GatherObjects) -> tuple[str, str]:
    """Who owns it now, and who gets it."""
    if isinstance(change, HandOnOwned):
        return change.role, change.to
    return change.former, change.owner


def _gives(change: Change, heir: str) -> bool:
    match change:
        case GrantPrivileges(grantees=grantees):
            return heir in grantees
        case GrantMembership(member=member):
            return member == heir
        case GrantDefaults(role=role):
            return role == heir
        case CreateOwned(owner=owner) | SetOwner(owner=owner):
            return owner == heir
        case GatherObjects():
            return False  # whose they were counts as a leaver
        case AlterRole(role=role, effect=effect):
            return role == heir and effect is Effect.WIDEN
        case OfHolder() | SetPassword() | ClearPassword() | AlterSetting() | OfEnd():
            return False
        case RevokeMembership() | RevokePrivileges() | RevokeDefaults() | OfStranger():
            return False
        case _:
            assert_never(change)

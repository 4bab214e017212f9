"""The order of a plan (rule 22), stated once.

By effect: created, widened, opened, closed, narrowed, removed; but passwords and LOGIN of a role
come last when something is taken from it, or from what it reaches. Inside one effect by the ranks
below, then database by database. What a planner gave in its own order stays in it, so a REVOKE on
a table is followed at once by the column GRANTs of effect NARROW that it makes necessary: they
belong into its transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from regent.changes import (
    AdoptRole,
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    CreateRole,
    DropRole,
    EndSessions,
    GrantMembership,
    GrantPrivileges,
    HandOnOwned,
    HandOver,
    ReleaseRole,
    RenameRole,
    RevokeMembership,
    RevokePrivileges,
    SetPassword,
)

_RANKS: tuple[tuple[type[Change], ...], ...] = (
    (RenameRole,),
    (HandOver, AdoptRole, CreateRole),
    (SetPassword,),
    (AlterRole,),
    (EndSessions,),
    (AlterSetting,),
    (ClearPassword,),
    (GrantMembership, RevokeMembership),
    (GrantPrivileges, RevokePrivileges),
    (HandOnOwned,),
    (DropRole, ReleaseRole),
)
_RANK_OF = {kind: rank for rank, kinds in enumerate(_RANKS) for kind in kinds}


def in_order(changes: Iterable[Change], late: Collection[int] = frozenset()) -> tuple[Change, ...]:
    """First to last. Changes of equal rank keep the order they come in.

    `late` are ids of changes that wait for all others: see regent.plan.adoptions.
    """
    return tuple(sorted(changes, key=lambda change: (id(change) in late, *_key(change))))


def _key(change: Change) -> tuple[int, int, str]:
    database = ""
    if isinstance(change, GrantPrivileges | RevokePrivileges | HandOnOwned):
        database = change.database
    return change.effect, _RANK_OF[type(change)], database

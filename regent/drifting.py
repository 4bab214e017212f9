"""Which of the differences are drift: those that came while what is desired stood still. Pure.

What a pass desired, and what it could not do, is kept, in the home database too. So drift is told
from a new declaration, from what never could be done, and from what the brake lets go; and what
somebody did while the Regent was down is told when it is back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from regent.brake import Verdict
from regent.changes import Change, GrantPrivileges, HandOnOwned, RevokePrivileges
from regent.desired import Desired
from regent.digests import digest
from regent.losses import atoms
from regent.remembered import BrakeMemory


def in_force(desired: Desired) -> str:
    """Names what is desired, in any process.

    Less what the catalog has a say in: who else manages roles here, and what a role is called now.
    """
    roles = {name: replace(role, renamed_from=None) for name, role in desired.roles.items()}
    return digest(replace(desired, roles=roles, foreign=frozenset(), adopted=frozenset()))


def name_of(change: Change) -> str:
    """Names a change, as it is compared with the next pass's."""
    return digest(replace(change, causes=()))[:32]


def names_of(changes: Iterable[Change]) -> frozenset[str]:
    """Names all of them."""
    return frozenset(map(name_of, changes))


def drift_of(
    verdict: Verdict, desired: str, memory: BrakeMemory, unread: Collection[str]
) -> tuple[Change, ...]:
    """What differs though `desired` was in force before.

    `unread` are databases that the pass before could not read: nobody knows since when they differ.
    """
    if not verdict.plan.changes or desired != memory.in_force:
        return ()
    return tuple(
        change
        for change in verdict.plan.changes
        if name_of(change) not in memory.still_open
        and verdict.lost.isdisjoint(atoms(change))
        and database_of(change) not in unread
    )


def database_of(change: Change) -> str | None:
    """The database whose objects it is about; None for what the whole server shares."""
    if isinstance(change, GrantPrivileges | RevokePrivileges | HandOnOwned):
        return change.database
    return None


def oids_of(changes: Iterable[Change]) -> Mapping[str, tuple[int, ...]]:
    """The oids of the objects that these changes are about, by database."""
    found: dict[str, list[int]] = {}
    for change in changes:
        if isinstance(change, GrantPrivileges | RevokePrivileges):
            found.setdefault(change.database, []).extend(one.oid for one in change.objects)
    return {database: tuple(oids) for database, oids in found.items()}

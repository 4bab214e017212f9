"""The order of a plan (rule 22), stated once.

By effect: created, widened, opened, closed, narrowed, removed; but passwords and LOGIN of a role
come last when something is taken from it, or from what it reaches. Inside one effect by rank
(regent/changes.py), then database by database. What a planner gave in its own order stays in it, so
a REVOKE on a table is followed at once by the column GRANTs of effect NARROW that it makes
necessary: they belong into its transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from regent.changes import Change


def in_order(changes: Iterable[Change], late: Collection[int] = frozenset()) -> tuple[Change, ...]:
    """First to last. Changes of equal rank keep the order they come in.

    `late` are ids of changes that wait for all others: see regent.plan.adoptions.
    """
    return tuple(sorted(changes, key=lambda change: (id(change) in late, *_key(change))))


def _key(change: Change) -> tuple[int, int, str]:
    return change.effect, change.rank, change.local_to or ""

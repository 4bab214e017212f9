"""The order of a plan (rule 22), stated once.

By turn (regent/plan/turns.py): most have the usual one. Inside one turn by effect: created,
widened, opened, closed, narrowed, removed. Inside one effect by rank (regent/changes.py), then
database by database. What a planner gave in its own order stays in it, so
a REVOKE on a table is followed at once by the column GRANTs of effect NARROW that it makes
necessary: they belong into its transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from regent.changes import Change
from regent.plan.turns import Turn


def in_order(
    changes: Iterable[Change], turns: Mapping[int, Turn] = MappingProxyType({})
) -> tuple[Change, ...]:
    """First to last. Changes of equal rank keep the order they come in.

    `turns` are by the ids of changes; who is not in it has the usual one.
    """
    return tuple(sorted(changes, key=lambda one: (turns.get(id(one), Turn.USUAL), *_key(one))))


def _key(change: Change) -> tuple[int, int, str]:
    return change.effect, change.rank, change.local_to or ""

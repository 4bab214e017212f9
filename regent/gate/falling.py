"""Memberships that no pause holds, as what Git takes from somebody else hangs on them. Pure.

From 16 on the server takes ADMIN from nobody by whose grant another one is still a member.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from regent.changes import Plan, RevokeMembership
from regent.desired import Desired
from regent.gate.losses import ADMIN, MEMBERSHIP, Atom, atoms
from regent.observed import ObservedServer
from regent.plan.grantors import Row, orphans
from regent.plan.renames import server_after
from shared.memberships import OPTIONS_SINCE


def falling(
    plan: Plan, held: Collection[Atom], server: ObservedServer, desired: Desired
) -> frozenset[Atom]:
    """What falls with what the plan takes, less what is held of it."""
    revokes = (one for one in plan.changes if isinstance(one, RevokeMembership))
    going = {next(atoms(one)) for one in revokes}.difference(held)
    if server.major < OPTIONS_SINCE or not going or not held:
        return frozenset()
    found: set[Atom] = set()
    rows = server_after(plan.changes, server).memberships
    for group in {atom.what for atom in going}:
        here = [row for row in rows if row.group == group]
        kept: dict[int, Row | None] = {id(row): row for row in here}
        for row in here:
            if _whole(row) in going:
                kept[id(row)] = None
            elif _whole(row)._replace(option=ADMIN) in going:
                kept[id(row)] = replace(row, admin=False)
        declared = {one.member for one in desired.memberships if one.group == group and one.admin}
        found.update(map(_whole, orphans(here, kept, declared)))
    return frozenset(found)


def _whole(row: Row) -> Atom:
    return Atom(row.member, MEMBERSHIP, row.group, "", row.grantor)

"""Memberships by a grantor who loses ADMIN: they fall with that, or are given by another one. Pure.

From 16 on the server takes ADMIN from nobody by whose grant another one is still a member. So no
pause holds such a membership, and what the brake withholds of it is given again (ADR 45, rule 20).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from regent.changes import GrantMembership, Plan, RevokeMembership
from regent.desired import Desired
from regent.gate.losses import ADMIN, MEMBERSHIP, Atom, atoms
from regent.observed import ObservedServer
from regent.plan.grantors import Row, irreplaceable, orphans
from regent.plan.memberships import our_grantor
from regent.plan.powerless import Inherited
from shared.memberships import OPTIONS_SINCE


def falling(
    plan: Plan, held: Collection[Atom], server: ObservedServer, desired: Desired
) -> frozenset[Atom]:
    """What falls with what the plan takes, less what is held of it.

    `server` is as the plan speaks of it, after its renames.
    """
    revokes = (one for one in plan.changes if isinstance(one, RevokeMembership))
    going = {next(atoms(one)) for one in revokes}.difference(held)
    if server.major < OPTIONS_SINCE or not going or not held:
        return frozenset()
    found: set[Atom] = set()
    groups = {atom.what for atom in going}
    rows: dict[str, list[Row]] = {group: [] for group in groups}
    for row in server.memberships:
        if row.group in groups:
            rows[row.group].append(row)
    admins: dict[str, set[str]] = {group: set() for group in groups}
    for one in desired.memberships:
        if one.admin and one.group in groups:
            admins[one.group].add(one.member)
    ours = our_grantor(server)
    as_whom = None if server.admin_is_superuser else Inherited(server).by(server.admin)
    for group, here in rows.items():
        kept: dict[int, Row | None] = {id(row): row for row in here}
        for row in here:
            if _whole(row) in going:
                kept[id(row)] = None
            elif _whole(row)._replace(option=ADMIN) in going:
                kept[id(row)] = replace(row, admin=False)
        declared = admins[group] | irreplaceable(here, ours, as_whom)
        found.update(map(_whole, orphans(here, kept, declared)))
    return frozenset(found)


def given_again(plan: Plan, server: ObservedServer) -> frozenset[Atom]:
    """What it takes of memberships that it gives as well, with as much: nobody loses these.

    But for what stands in for a grantor's: that waits with his loss (regent/gate/preparations.py).
    """
    granted = {
        (one.group, one.member): one
        for one in plan.changes
        if isinstance(one, GrantMembership) and not one.instead_of
    }
    if not granted:
        return frozenset()
    admins = {_whole(row): row.admin for row in server.memberships}
    revokes = (one for one in plan.changes if isinstance(one, RevokeMembership))
    return frozenset(
        atom
        for atom in (atom for one in revokes for atom in atoms(one))
        if (grant := granted.get((atom.what, atom.role))) is not None
        and (grant.admin or not (atom.option or admins.get(atom, True)))
    )


def less_left(plan: Plan, server: ObservedServer) -> Mapping[tuple[str, str], Row]:
    """The memberships of which it leaves less, by group and member, with all their options."""
    taken = {
        atom for one in plan.changes if isinstance(one, RevokeMembership) for atom in atoms(one)
    }
    were: dict[tuple[str, str], Row] = {}
    left: dict[tuple[str, str], Row] = {}
    for row in server.memberships if taken else ():
        pair = (row.group, row.member)
        were[pair] = _with(row, were.get(pair))
        if _whole(row) not in taken:
            left[pair] = _with(row, left.get(pair))
    return {
        pair: row
        for pair, row in were.items()
        if pair not in left or _options(left[pair]) != _options(row)
    }


def _options(row: Row) -> tuple[bool, bool, bool]:
    return row.admin, row.inherit, row.set_role


def _with(row: Row, other: Row | None) -> Row:
    if other is None:
        return row
    return replace(
        row,
        admin=row.admin or other.admin,
        inherit=row.inherit or other.inherit,
        set_role=row.set_role or other.set_role,
    )


def by_another(plan: Plan, whole: Plan, withheld: Collection[Atom], server: ObservedServer) -> Plan:
    """The plan with these memberships given again first, as they are, and none given with less.

    It takes them, as they hang on what goes; `whole` is the plan with all that waits.
    """
    causes = {
        atom: one.causes
        for one in whole.changes
        if isinstance(one, RevokeMembership)
        for atom in atoms(one)
    }
    had: dict[tuple[str, str], Row] = {}
    for row in server.memberships:
        if _whole(row) in withheld:
            pair = (row.group, row.member)
            had[pair] = _with(row, had.get(pair))
    ours = our_grantor(server)
    for row in server.memberships:
        # A GRANT sets these options of our own row; ADMIN it never takes.
        pair = (row.group, row.member)
        if row.grantor == ours and (before := had.get(pair)) is not None:
            had[pair] = replace(
                before,
                inherit=before.inherit or row.inherit,
                set_role=before.set_role or row.set_role,
            )
    changes = [
        _no_less(one, had.get((one.group, one.member))) if isinstance(one, GrantMembership) else one
        for one in plan.changes
    ]
    given = {(c.group, c.member) for c in changes if isinstance(c, GrantMembership)}
    again = (
        GrantMembership(*pair, row.admin, row.inherit, row.set_role, causes.get(_whole(row), ()))
        for pair, row in had.items()
        if pair not in given
    )
    return replace(plan, changes=tuple(sorted((*again, *changes), key=lambda one: one.effect)))


def _no_less(change: GrantMembership, had: Row | None) -> GrantMembership:
    if had is None:
        return change
    return replace(
        change,
        admin=change.admin or had.admin,
        inherit=change.inherit or had.inherit,
        set_role=change.set_role or had.set_role,
    )


def _whole(row: Row) -> Atom:
    return Atom(row.member, MEMBERSHIP, row.group, "", row.grantor)

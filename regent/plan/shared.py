"""Privileges on what the whole server shares: tablespaces and parameters.

A Permission is in one database, but the grants of all databases are about the same objects here, so
they are compared together.
"""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

from regent.desired import DeclaredGrant, Desired
from regent.kinds import KINDS, SHARED, Row, Scope
from regent.observed import ObjectGroup, ObservedDatabase, ObservedServer
from regent.plan.authority import Authority
from regent.plan.local import LocalPlanner
from regent.plan.matching import Compilations
from regent.plan.privileges import Privileges


def plan_shared(
    desired: Desired, server: ObservedServer, authority: Authority, compilations: Compilations
) -> Privileges:
    """Everything about these objects."""
    grants = tuple(
        grant
        for of_database in desired.grants.values()
        for grant in of_database
        if KINDS[grant.kind].scope is Scope.SERVER
    )
    groups = [*server.shared]
    for row in SHARED:
        if row.is_there_without_a_row and row.since <= server.major:
            groups += _without_a_row(row, grants, server)
    if not groups:
        return Privileges([], {})
    compiled = compilations.of(grants, authority.declared)
    planner = LocalPlanner(
        ObservedDatabase(name="", groups=tuple(groups)), compiled, authority, authority.managed
    )
    return Privileges(planner.plan(), planner.matches)


def _without_a_row(
    row: Row, grants: tuple[DeclaredGrant, ...], server: ObservedServer
) -> Iterator[ObjectGroup]:
    """What is declared and has no row yet, because nothing was ever granted on it.

    A number that follows from the name stands for its oid, so that it is the same in each pass.
    """
    seen = [group for group in server.shared if group.kind is row.kind]
    known = frozenset(name for group in seen for name in group.names)
    declared = {name for grant in grants if grant.kind is row.kind for name in grant.names}
    taken = {oid for group in seen for oid in group.oids}
    oids: dict[str, int] = {}
    for name in sorted(declared - known):
        oid = crc32(name.encode())
        while oid in taken:
            oid += 1
        taken.add(oid)
        oids[name] = oid
    if oids:
        yield ObjectGroup(row.kind, None, "", (), tuple(oids), tuple(oids.values()))

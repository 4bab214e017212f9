"""A membership that is turned around: what makes room for it goes first (rule 22). Pure.

PostgreSQL lets no role be a member of itself by others. Else all is given before anything is taken,
so a GRANT would stand behind the very REVOKE that it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from regent.changes import Effect, GrantMembership, MembershipChange, RevokeMembership
from regent.observed import ObservedServer
from regent.reach import Reaches


def making_room(
    changes: Sequence[MembershipChange], server: ObservedServer
) -> Iterator[MembershipChange]:
    """The same changes. REVOKEs of groups that stand in the way of a GRANT come before all GRANTs.

    All of such a group: who loses ADMIN can only lose it after what he gave with it.
    """
    groups = _in_the_way(changes, server)
    for change in changes:
        if isinstance(change, RevokeMembership) and change.group in groups:
            yield replace(change, effect=Effect.WIDEN)
    for change in changes:
        if not (isinstance(change, RevokeMembership) and change.group in groups):
            yield change


def _in_the_way(changes: Iterable[MembershipChange], server: ObservedServer) -> frozenset[str]:
    """Groups of which somebody is taken out, who would close a ring with what is given."""
    given = [one for one in changes if isinstance(one, GrantMembership)]
    taken = [one for one in changes if isinstance(one, RevokeMembership) and not one.admin_only]
    if not given or not taken:
        return frozenset()
    there = [(row.member, row.group) for row in server.memberships]
    reaches = Reaches.by(server, (*there, *((one.member, one.group) for one in given)))
    rings = [
        (from_group, reaches.reaching([one.member]))
        for one in given
        if one.member in (from_group := reaches.roles_of(one.group))
    ]
    return frozenset(
        one.group
        for one in taken
        if any(one.member in above and one.group in below for above, below in rings)
    )

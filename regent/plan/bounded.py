"""Roles whose names the Regent lists no more: they lose what is not declared, and get nothing more.

A narrowed `allow` applies at once (rule 3). To end such a role would take more than anybody said;
so it keeps what it has, and what is given to it in place of what is taken is no gain. What a group
that it is in gets is the group's: to withhold that would take from others. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

from regent.changes import (
    AlterRole,
    Change,
    Effect,
    GrantMembership,
    GrantPrivileges,
    HandOnOwned,
    RevokePrivileges,
)
from regent.observed import ObservedServer
from regent.plan.edges import Edge, edges, split
from regent.plan.handing_over import Members, gives_to, options_of


def without_gains(
    changes: Sequence[Change], names: Set[str], server: ObservedServer
) -> Iterator[Change]:
    """The changes less those by which one of these roles could do more than before."""
    if not names:
        yield from changes
        return
    members = Members.of(server)
    taken = {
        edge
        for one in changes
        if isinstance(one, RevokePrivileges)
        for edge in edges(one)
        if edge.grantee in names
    }

    def is_gain(edge: Edge) -> bool:
        return edge.grantee in names and edge not in taken

    for change in (_without_more(one, names, members) for one in changes):
        if isinstance(change, GrantPrivileges) and change.effect is Effect.WIDEN:
            yield from split(change, is_gain)[1]
        elif isinstance(change, HandOnOwned):
            yield change  # a leaver's objects go to whom its own resource names
        elif isinstance(change, AlterRole) and change.effect is Effect.OPEN:
            if change.role not in names:
                yield change
        elif names.isdisjoint(gives_to(change, members)):
            yield change


def _without_more(change: Change, names: Set[str], members: Members) -> Change:
    """What takes an option adds no other one that the member has by no grant yet."""
    if not isinstance(change, GrantMembership) or change.effect is not Effect.NARROW:
        return change
    if change.member not in names:
        return change
    had = {
        option: (change.group, change.member, option) in members.options
        for option, _ in options_of(change)
    }
    return replace(
        change,
        admin=change.admin and had["admin"],
        inherit=change.inherit and had["inherit"],
        set_role=change.set_role and had["set"],
    )

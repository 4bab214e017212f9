"""What is given again only because something else is taken waits with that loss. Pure (rule 20).

A role that is not managed keeps what it has through a managed grantor who loses his grant option:
it is given again first. While the brake withholds that loss nothing falls, and the new grant would
outlast the declaration that asked for the loss.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from regent.changes import (
    Change,
    GrantMembership,
    GrantPrivileges,
    Plan,
    PrivilegeChange,
    RevokeMembership,
    RevokePrivileges,
)
from regent.kinds import KINDS
from regent.plan.edges import Edge, edges, split
from regent.plan.handing_over import Split
from shared.privileges import ObjectKind

Taken: TypeAlias = tuple[str | None, ObjectKind, Edge]
"""In which database, on what, and from whom. A column counts as of its table's kind."""


def without_preparations(before: Plan, after: Plan) -> Split:
    """`after` less what stands in for losses of `before` that it has not."""
    preparations = [
        one
        for one in after.changes
        if isinstance(one, GrantPrivileges | GrantMembership) and one.instead_of
    ]
    if not preparations:
        return Split(after)
    withheld = _Withheld.of(before, after, frozenset().union(*(p.instead_of for p in preparations)))
    kept: list[Change] = []
    waiting: list[Change] = []
    for change in after.changes:
        if isinstance(change, GrantPrivileges) and change.instead_of:
            later, now = split(change, withheld.withholds(change))
            kept += now
            waiting += later
        elif isinstance(change, GrantMembership) and change.instead_of:
            is_withheld = (change.group, change.member) in withheld.memberships
            (waiting if is_withheld else kept).append(change)
        else:
            kept.append(change)
    return Split(replace(after, changes=tuple(kept)), tuple(waiting))


@dataclass(frozen=True, slots=True)
class _Withheld:
    """The losses that one plan has and another has not, as far as grantors lose what they gave."""

    privileges: frozenset[Taken]
    memberships: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, before: Plan, after: Plan, grantors: frozenset[str]) -> _Withheld:
        """Grantor by grantor of the loss: while one of a role's options stays, nothing falls."""
        rows = Counter(_rows(before.changes))
        rows.subtract(_rows(after.changes))
        lost = _taken(before.changes, grantors) - _taken(after.changes, grantors)
        return cls(
            frozenset(taken for taken, _ in lost),
            frozenset((row.group, row.member) for row, count in rows.items() if count > 0),
        )

    def withholds(self, change: GrantPrivileges) -> Callable[[Edge], bool]:
        """Whether none of the grantors by whom it was had loses it now."""
        kind = _kind(change)

        def is_withheld(edge: Edge) -> bool:
            places = (edge, edge._replace(column=""))
            return all(
                any(
                    (change.database, kind, one._replace(grantee=name)) in self.privileges
                    for one in places
                )
                for name in change.instead_of
            )

        return is_withheld


def _taken(changes: Iterable[Change], grantors: frozenset[str]) -> set[tuple[Taken, str]]:
    return {
        ((change.database, _kind(change), edge), change.grantor)
        for change in changes
        if isinstance(change, RevokePrivileges) and not grantors.isdisjoint(_whose(change))
        for edge in edges(replace(change, grantees=_whose(change)))
    }


def _whose(change: RevokePrivileges) -> tuple[str | None, ...]:
    """From whom it is taken; by a cut all that the grantor gave goes, as by taking its option."""
    return change.grantees if change.cut is None else (*change.grantees, change.grantor)


def _rows(changes: Iterable[Change]) -> Iterator[RevokeMembership]:
    for one in changes:
        if isinstance(one, RevokeMembership):
            yield replace(one, causes=(), along=())
            for member, grantor in one.along:
                yield RevokeMembership(one.group, member, grantor)


def _kind(change: PrivilegeChange) -> ObjectKind:
    return KINDS[change.kind].part_of or change.kind

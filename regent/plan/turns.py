"""Which of what a plan gives comes only after something that it takes. Pure (rule 22, ADR 41).

What widens goes first, so that nothing that is declared is missing. But a membership gives what
its group has at the time: to a new member also what the group is about to lose, and what the group
gains also to a member who is about to leave. Both wait until that is done.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from regent.changes import (
    AlterRole,
    Change,
    Effect,
    GrantMembership,
    RevokeMembership,
    SetPassword,
)
from regent.observed import ObservedServer
from regent.plan.handing_over import NOBODY, Members, Names, gives_to, hands_on, taken_from
from regent.reach import Reaches


class Turn(IntEnum):
    """When it is done, before anything that its effect says."""

    USUAL = 0
    AFTER_TAKING = 1
    """Given after what is taken in the usual turn."""
    AFTER_GIVING = 2
    """A member leaves after it has what it gets instead; what is removed comes last of that."""
    LAST = 3
    """Passwords and LOGIN of a role from which, or from what it reaches, something is taken."""


@dataclass(frozen=True, slots=True)
class Takes:
    """What is taken by some changes, as far as something given must come after it."""

    members: Members
    poorer: Names
    """Roles by which whoever has one has something that goes."""
    left: Names
    """Roles that somebody leaves, and what he has by them."""
    closed: Names
    """Roles that may not log in any more."""

    @classmethod
    def of(cls, changes: Iterable[Change], members: Members) -> Takes:
        """Of these changes."""
        taken: set[str] = set()
        groups: set[str] = set()
        closed: set[str] = set()
        for change in changes:
            taken |= taken_from(change)
            if isinstance(change, RevokeMembership) or (
                isinstance(change, GrantMembership) and change.effect is Effect.NARROW
            ):
                groups.add(change.group)
            elif isinstance(change, AlterRole) and change.login is False and not change.for_now:
                closed.add(change.role)
        left = NOBODY.union(*map(members.reaches.roles_of, groups))
        return cls(members, members.reaching(taken), left, frozenset(closed))

    def come_before(self, change: Change) -> bool:
        """Whether somebody would have too much for a while if this were done first."""
        if isinstance(change, SetPassword):
            return change.role in self.closed
        gives = gives_to(change, self.members)
        if gives and isinstance(change, GrantMembership) and change.group in self.poorer:
            return True
        return change.effect is Effect.WIDEN and not gives.isdisjoint(self.left)


def turns(
    changes: Collection[Change], server: ObservedServer, strangers: Collection[str] = ()
) -> Mapping[int, Turn]:
    """Those that do not have the usual turn, by their ids.

    Whatever the declaration gives comes last where `strangers` may use the role.
    """
    closes = any(isinstance(one, AlterRole) and one.effect is Effect.CLOSE for one in changes)
    if not (closes or strangers or any(map(taken_from, changes))):
        return {}
    members = Members.of(server)
    takes = Takes.of(changes, members)
    later = [one for one in changes if takes.come_before(one)]
    found = {id(one): Turn.AFTER_TAKING for one in later}
    found |= dict.fromkeys(_leaving_late(changes, later, takes), Turn.AFTER_GIVING)
    if later:  # sessions end after what they would keep, and an heir has what it needs
        removed = (id(one) for one in changes if one.effect is Effect.REMOVE)
        found |= dict.fromkeys(removed, Turn.AFTER_GIVING)
    found |= {id(one): Turn.LAST for one in changes if _opens(one) and _is_late(one, takes)}
    if strangers:
        for one in changes:
            to = gives_to(one, members) | {hands_on(one, members)}
            if not to.isdisjoint(strangers):
                found[id(one)] = Turn.LAST
    return found


def _opens(change: Change) -> bool:
    return isinstance(change, SetPassword | AlterRole) and change.effect is Effect.OPEN


def _is_late(change: Change, takes: Takes) -> bool:
    return hands_on(change, takes.members) in takes.poorer or takes.come_before(change)


def _leaving_late(
    changes: Iterable[Change], later: Iterable[Change], takes: Takes
) -> Iterator[int]:
    """Who gets something in a later turn, and stays, leaves other groups after that.

    But where one of those changes waits for this very end.
    """
    reaches = takes.members.reaches
    given = {name for one in later for name in gives_to(one, takes.members)}
    leaving = [one for one in changes if isinstance(one, RevokeMembership)]
    if not given or not leaving:
        return
    pairs = {(one.group, member) for one in leaving for member in taken_from(one)}
    receive = _receiving(given, reaches, pairs) - takes.closed
    groups = {one.group for one in later if isinstance(one, GrantMembership)}
    awaited = NOBODY.union(*map(reaches.roles_of, groups))
    for one in leaving:
        whose = taken_from(one)
        is_awaited = bool(whose & awaited) or bool(reaches.roles_of(one.group) & given)
        if not is_awaited and not whose.isdisjoint(receive):
            yield id(one)


def _receiving(given: Iterable[str], reaches: Reaches, pairs: Container[object]) -> Names:
    """These, and their members but for those who leave."""
    found = set(given)
    todo = list(found)
    while todo:
        group = todo.pop()
        for member in reaches.members_of.get(group, ()):
            if member not in found and (group, member) not in pairs:
                found.add(member)
                todo.append(member)
    return frozenset(found)

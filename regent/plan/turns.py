"""Which of what a plan gives comes only after something that it takes. Pure (rule 22, ADR 41).

What widens goes first, so that nothing that is declared is missing. But a membership gives what
its group has at the time: to a new member also what the group is about to lose, and what the group
gains also to a member who is about to leave. Both wait until that is done, and so does who could
not come in before.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from regent.changes import (
    AlterRole,
    Change,
    Effect,
    GatherObjects,
    GrantMembership,
    RevokeMembership,
    SetOwner,
    SetPassword,
)
from regent.observed import ObservedServer
from regent.plan.handing_over import NOBODY, Members, Names, gives_to, hands_on, taken_from
from regent.plan.newcomers import comes_to, lets_in
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
    AFTER_OWNERS = 4
    """Who comes to a role that owns something until one of the turns above."""


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
        if isinstance(change, SetPassword) and change.role in self.closed:
            return True
        if comes_to(change, self.members) in self.poorer:
            return True
        gives = gives_to(change, self.members)
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
    found = _of_kinds(changes, Takes.of(changes, members))
    if strangers:
        for one in changes:
            to = gives_to(one, members) | {hands_on(one, members)}
            if not to.isdisjoint(strangers):
                found[id(one)] = Turn.LAST
    return found | _after_owners(changes, members, found)


def _of_kinds(changes: Collection[Change], takes: Takes) -> dict[int, Turn]:
    last = [one for one in changes if _is_last(one, takes)]
    found = {id(one): Turn.LAST for one in last}
    later = [one for one in changes if id(one) not in found and takes.come_before(one)]
    found |= {id(one): Turn.AFTER_TAKING for one in later}
    found |= dict.fromkeys(_leaving_late(changes, later, takes), Turn.AFTER_GIVING)
    if later:  # sessions end after what they would keep, and an heir has what it needs
        found |= {id(one): Turn.AFTER_GIVING for one in changes if _ends(one)}
    return found


def _is_last(change: Change, takes: Takes) -> bool:
    if lets_in(change, takes.members) in takes.poorer:
        return True
    opens = isinstance(change, SetPassword | AlterRole) and change.effect is Effect.OPEN
    return opens and (hands_on(change, takes.members) in takes.poorer or takes.come_before(change))


def _ends(change: Change) -> bool:
    """Whether it is removed; what goes to the schema's owner is taken from somebody who stays."""
    return change.effect is Effect.REMOVE and not isinstance(change, GatherObjects)


def _after_owners(
    changes: Collection[Change], members: Members, found: Mapping[int, Turn]
) -> dict[int, Turn]:
    """Of what goes to an owner late, and of whoever comes to those who own it until then.

    Objects go to an owner that has all that it is given, and none of what it loses: what code may
    do with it is judged by what it has then.
    """
    gathers = [one for one in changes if isinstance(one, GatherObjects)]
    turn_of = _latest(changes, members, found) if gathers else {}
    late = {id(one): turn for one in gathers if (turn := turn_of.get(one.owner, Turn.USUAL))}
    turn_of_all = {**found, **late}
    owning = [one for one in changes if isinstance(one, SetOwner | GatherObjects)]
    taking = [one for one in owning if turn_of_all.get(id(one), Turn.USUAL)]
    if not taking:
        return late
    takes, owners = Takes.of(taking, members), {one.owner for one in taking}
    come = [one for one in changes if _comes_to_former(one, taking, takes)]
    if come:
        late |= {id(one): Turn.AFTER_OWNERS for one in (*come, *filter(_ends, changes))}
        leaving = [
            one
            for one in changes
            if isinstance(one, RevokeMembership)
            and owners.isdisjoint(members.reaches.roles_of(one.group))
        ]
        late |= dict.fromkeys(_leaving_late(leaving, come, takes), Turn.AFTER_OWNERS)
    return late


def _latest(
    changes: Iterable[Change], members: Members, found: Mapping[int, Turn]
) -> dict[str, Turn]:
    """When roles have all that they are given, and the last one who leaves them has left."""
    latest: dict[str, Turn] = {}
    for one in changes:
        if id(one) in found and not isinstance(one, GatherObjects):
            concerned = gives_to(one, members)
            if isinstance(one, RevokeMembership):
                concerned = members.reaches.roles_of(one.group)
            for role in concerned:
                latest[role] = max(found[id(one)], latest.get(role, Turn.USUAL))
    return latest


def _comes_to_former(
    change: Change, taking: Iterable[SetOwner | GatherObjects], takes: Takes
) -> bool:
    """Whether somebody comes by it to what is taken; not where it is just he who gets that."""
    role = comes_to(change, takes.members)
    if role is None or role not in takes.poorer:
        return False
    reached = takes.members.reaches.roles_of(role)
    to = {one.owner for one in taking if one.former in reached}
    return not (isinstance(change, GrantMembership) and to == {change.member})


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

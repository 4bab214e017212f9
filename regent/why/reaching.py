"""Who comes to what one principal has: at once through what is inherited, or by SET ROLE. Pure.

Before PostgreSQL 16 a role inherits through all of its memberships or through none.
Source: https://www.postgresql.org/docs/18/role-membership.html, acl.c of PostgreSQL.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from regent.observed import DATABASE_OWNER, ObservedMembership, ObservedServer
from shared.memberships import OPTIONS_SINCE

Links = tuple[ObservedMembership, ...]
"""From a role to a principal, each the membership of one in the next."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Who comes to one principal: at once, and by SET ROLE, with the first of the shortest ways."""

    at_once: Mapping[str, Links]
    by_set_role: Mapping[str, tuple[Links, str]]


@dataclass(frozen=True)
class Reaching:
    """The memberships of a server, as somebody meets them in a database of this owner."""

    server: ObservedServer
    database_owner: str
    _reached: dict[tuple[str, bool], Reached] = field(default_factory=dict)

    def to(self, principal: str, *, inherits: bool = True) -> Reached:
        """Superusers are what they are for themselves alone: nobody inherits it."""
        key = principal, inherits
        if key not in self._reached:
            start: Mapping[str, Links] = {principal: ()}
            at_once = self._spread(start, inheriting=True) if inherits else start
            spread = self._spread(at_once, inheriting=False)
            by_set_role = {
                role: (links, _becomes(links, at_once))
                for role, links in spread.items()
                if role not in at_once
            }
            self._reached[key] = Reached(at_once, by_set_role)
        return self._reached[key]

    @cached_property
    def groups_of(self) -> Mapping[str, Sequence[ObservedMembership]]:
        """What each role is a member of."""
        return _by_name((link.member, link) for link in self._links)

    @cached_property
    def _members_of(self) -> Mapping[str, Sequence[ObservedMembership]]:
        return _by_name((link.group, link) for link in self._links)

    def _spread(self, start: Mapping[str, Links], *, inheriting: bool) -> Mapping[str, Links]:
        """Against the memberships, the shortest way of each role; those of `start` have theirs."""
        found = dict(start)
        waiting = deque(start)
        while waiting:
            group = waiting.popleft()
            for link in self._members_of.get(group, ()):
                is_open = link.inherit if inheriting else link.set_role
                if is_open and link.member not in found:
                    found[link.member] = (link, *found[group])
                    waiting.append(link.member)
        return found

    @cached_property
    def _links(self) -> tuple[ObservedMembership, ...]:
        """The memberships, and the one that nobody granted: of a database's owner."""
        owner = self.server.roles.get(self.database_owner)
        if owner is None:
            return self.server.memberships
        inherits = self.server.major >= OPTIONS_SINCE or owner.attributes.inherit
        own = ObservedMembership(DATABASE_OWNER, owner.name, "", admin=False, inherit=inherits)
        return (*self.server.memberships, own)


def _becomes(links: Links, at_once: Mapping[str, Links]) -> str:
    """The first role on the way that has the privilege at once: the one to SET ROLE to."""
    return next(link.group for link in links if link.group in at_once)


def _by_name(
    pairs: Iterable[tuple[str, ObservedMembership]],
) -> Mapping[str, Sequence[ObservedMembership]]:
    found: dict[str, list[ObservedMembership]] = {}
    for name, link in pairs:
        found.setdefault(name, []).append(link)
    return found

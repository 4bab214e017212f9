"""By which chains of memberships a role has a privilege, as has_*_privilege() decides it. Pure.

A source gives the privilege to one principal. From there it goes against the memberships: at once
through those that are inherited, and after SET ROLE through those with the SET option. Before
PostgreSQL 16 a role inherits through all of its memberships or through none.
Source: https://www.postgresql.org/docs/18/role-membership.html, aclchk.c and acl.c of PostgreSQL.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from regent.kinds import COLUMNS, CONTAINERS, KINDS
from regent.observed import AclItem, ObservedMembership, ObservedServer
from regent.why.target import Target
from shared.memberships import OPTIONS_SINCE

FIRST_UNPINNED_OID = 12_000
"""Below are the catalogs themselves: only superusers write to them, whatever was granted."""
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "TRUNCATE", "USAGE"})
_ON_RELATIONS = {
    "SELECT": "pg_read_all_data",
    "INSERT": "pg_write_all_data",
    "UPDATE": "pg_write_all_data",
    "DELETE": "pg_write_all_data",
    "MAINTAIN": "pg_maintain",
}
_ON_SCHEMAS = ("pg_read_all_data", "pg_write_all_data")
DATABASE_OWNER = "pg_database_owner"


class How(StrEnum):
    """What a source is."""

    SUPERUSER = "Superuser"
    BUILT_IN = "BuiltIn"
    GRANT = "Grant"


@dataclass(frozen=True, slots=True)
class Source:
    """What gives the privilege to one principal; None is PUBLIC. `item` is there for a grant."""

    how: How
    principal: str | None
    item: AclItem | None = None
    is_on_column: bool = False


Links = tuple[ObservedMembership, ...]
"""From a role to a principal, each the membership of one in the next."""


@dataclass(frozen=True, slots=True)
class Chain:
    """One way in which a role has the privilege.

    `set_role` is the role to become first; empty where it has the privilege at once.
    """

    role: str
    source: Source
    links: Links = ()
    set_role: str = ""

    @property
    def is_at_once(self) -> bool:
        """Without SET ROLE."""
        return not self.set_role

    @property
    def user(self) -> str:
        """Who has it then: the current user of a session that uses it."""
        return self.set_role or self.role


@dataclass(frozen=True, slots=True)
class _Reached:
    """Who comes to one principal: at once, and by SET ROLE, with the first of the shortest ways."""

    at_once: Mapping[str, Links]
    by_set_role: Mapping[str, tuple[Links, str]]


@dataclass(frozen=True)
class Chains:
    """All chains to one privilege on one object. `database_owner` is that of the object's place."""

    server: ObservedServer
    database_owner: str
    target: Target
    privilege: str
    _reached: dict[tuple[str, bool], _Reached] = field(default_factory=dict)

    def of(self, role: str) -> tuple[Chain, ...]:
        """Every way of one role: by each source, through each membership that leads there.

        Those without SET ROLE come first. By SET ROLE there is one for each source that gives
        nothing at once.
        """
        found = [chain for source in self.sources for chain in self._by(source, role)]
        return tuple(sorted(found, key=_order))

    def best(self) -> tuple[Chain, ...]:
        """The shortest way of each role that has one, by name."""
        return tuple(chains[0] for role in sorted(self.server.roles) if (chains := self.of(role)))

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Whatever gives the privilege to somebody."""
        supers = [
            Source(How.SUPERUSER, one.name)
            for one in self.server.roles.values()
            if one.attributes.superuser
        ]
        if self._is_only_for_superusers:
            return tuple(supers)
        built_in = [Source(How.BUILT_IN, name) for name in self._built_in()]
        granted = [
            Source(How.GRANT, item.grantee, item, is_on_column)
            for item, is_on_column in self.target.items()
            if self.privilege in item.privileges
        ]
        return (*supers, *built_in, *granted)

    @property
    def _is_only_for_superusers(self) -> bool:
        is_catalog = (
            KINDS[self.target.kind].catalog == COLUMNS.catalog
            and self.target.oid < FIRST_UNPINNED_OID
        )
        return is_catalog and self.privilege in _WRITES

    def _built_in(self) -> Iterator[str]:
        row = KINDS[self.target.kind]
        names: Iterable[str] = ()
        if row.catalog == COLUMNS.catalog and self.privilege in _ON_RELATIONS:
            names = (_ON_RELATIONS[self.privilege],)
        elif row is CONTAINERS and self.privilege == "USAGE":
            names = _ON_SCHEMAS
        yield from (name for name in names if name in self.server.roles)

    def _by(self, source: Source, role: str) -> Iterator[Chain]:
        principal = source.principal
        if principal is None or principal == role:
            yield Chain(role, source)
            return
        reached = self._to(principal, inherits=source.how is not How.SUPERUSER)
        ways = [
            (link, *reached.at_once[link.group])
            for link in self._groups_of.get(role, ())
            if link.inherit and link.group in reached.at_once
        ]
        if source.how is not How.SUPERUSER and ways:
            yield from (Chain(role, source, links) for links in ways)
        elif role in reached.by_set_role:
            links, becomes = reached.by_set_role[role]
            yield Chain(role, source, links, becomes)

    def _to(self, principal: str, *, inherits: bool) -> _Reached:
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
            self._reached[key] = _Reached(at_once, by_set_role)
        return self._reached[key]

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

    @cached_property
    def _members_of(self) -> Mapping[str, Sequence[ObservedMembership]]:
        return _by_name((link.group, link) for link in self._links)

    @cached_property
    def _groups_of(self) -> Mapping[str, Sequence[ObservedMembership]]:
        return _by_name((link.member, link) for link in self._links)


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


def _order(chain: Chain) -> tuple[object, ...]:
    how = list(How).index(chain.source.how)
    return (not chain.is_at_once, len(chain.links), how, chain.source.principal or "")

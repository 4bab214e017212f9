"""By which chains of memberships a role has a privilege, as has_*_privilege() decides it. Pure.

A source gives the privilege to one principal. From there it goes against the memberships: at once
through those that are inherited, and after SET ROLE through those with the SET option.
Source: https://www.postgresql.org/docs/18/role-membership.html, aclchk.c of PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from regent.kinds import COLUMNS, CONTAINERS, KINDS
from regent.observed import AclItem, ObservedServer
from regent.why.reaching import Links, Reaching
from regent.why.target import Target

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


@dataclass(frozen=True)
class Chains:
    """All chains to one privilege on one object. `database_owner` is that of the object's place."""

    server: ObservedServer
    database_owner: str
    target: Target
    privilege: str

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
    def reaching(self) -> Reaching:
        """Who comes to what somebody has, in the place of the object."""
        return Reaching(self.server, self.database_owner)

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
        reached = self.reaching.to(principal, inherits=source.how is not How.SUPERUSER)
        ways = [
            (link, *reached.at_once[link.group])
            for link in self.reaching.groups_of.get(role, ())
            if link.inherit and link.group in reached.at_once
        ]
        if source.how is not How.SUPERUSER and ways:
            yield from (Chain(role, source, links) for links in ways)
        elif role in reached.by_set_role:
            links, becomes = reached.by_set_role[role]
            yield Chain(role, source, links, becomes)


def _order(chain: Chain) -> tuple[object, ...]:
    how = list(How).index(chain.source.how)
    return (not chain.is_at_once, len(chain.links), how, chain.source.principal or "")

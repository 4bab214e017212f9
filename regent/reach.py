"""What a role can do beyond its own name: the roles that it reaches, and the powers of those. Pure.

A membership reaches its group with any option: INHERIT uses it, SET becomes it, and ADMIN may give
itself both (https://www.postgresql.org/docs/current/role-membership.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from regent.observed import ObservedRole, ObservedServer

POWERFUL_ATTRIBUTES = ("superuser", "createrole", "createdb", "replication", "bypassrls")
HARMLESS_BUILT_IN = frozenset(
    {"pg_monitor", "pg_read_all_settings", "pg_read_all_stats", "pg_stat_scan_tables"}
)
"""Built-in groups that see statistics and settings, and no data."""


@dataclass(frozen=True, slots=True)
class Reaches:
    """The memberships of a server, followed to their ends. Cycles end where they began."""

    roles: Mapping[str, ObservedRole]
    groups_of: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, server: ObservedServer) -> Reaches:
        """As the catalog has them."""
        return cls.by(server, ((m.member, m.group) for m in server.memberships))

    @classmethod
    def by(cls, server: ObservedServer, memberships: Iterable[tuple[str, str]]) -> Reaches:
        """With these (member, group) pairs instead of the observed ones."""
        groups: dict[str, set[str]] = {}
        for member, group in memberships:
            groups.setdefault(member, set()).add(group)
        return cls(server.roles, {member: frozenset(found) for member, found in groups.items()})

    def roles_of(self, role: str) -> frozenset[str]:
        """Every role whose rights `role` can use, itself among them."""
        found: set[str] = set()
        left = [role]
        while left:
            one = left.pop()
            if one not in found:
                found.add(one)
                left += self.groups_of.get(one, ())
        return frozenset(found)

    def powers_of(self, role: str) -> frozenset[str]:
        """Attributes of all that it reaches, and the built-in groups among them that see data."""
        reached = self.roles_of(role)
        known = [self.roles[name].attributes for name in reached if name in self.roles]
        attributes = {
            name for name in POWERFUL_ATTRIBUTES if any(getattr(one, name) for one in known)
        }
        built_in = {name for name in reached if name.startswith("pg_")} - HARMLESS_BUILT_IN
        return frozenset(attributes | built_in)

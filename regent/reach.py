"""What a role can do beyond its own name: the roles that it reaches, and the powers of those. Pure.

A power is an attribute, a role of PostgreSQL or a provider, or a privilege with which one soon is a
superuser: on a parameter that not every user may set, or on a function that reads or writes files.

A membership reaches its group with any option: INHERIT uses it, SET becomes it, and ADMIN may give
itself both (https://www.postgresql.org/docs/current/role-membership.html). Whoever may create roles
makes as many of them, and as long chains, as he likes: each walk meets each membership once.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from regent.kinds import KINDS, Naming
from regent.observed import ObservedRole, ObservedServer

POWERFUL_ATTRIBUTES = ("superuser", "createrole", "createdb", "replication", "bypassrls")
OPEN_ATTRIBUTES = frozenset({"createdb"})
"""What may be declared where the Regent says nothing, and what a pattern lets somebody reach."""
HARMLESS_BUILT_IN = frozenset(
    {"pg_monitor", "pg_read_all_settings", "pg_read_all_stats", "pg_stat_scan_tables"}
)
"""Built-in groups that see statistics and settings, and no data."""
SYSTEM_PREFIX = "pg_"
PROVIDER_ROLES = frozenset(
    {
        "rds_superuser",
        "rdsadmin",
        "rdsrepladmin",
        "rds_replication",
        "rds_iam",
        "rds_ad",
        "rds_password",
        "cloudsqlsuperuser",
        "cloudsqladmin",
        "cloudsqlimportexport",
        "alloydbsuperuser",
        "alloydbadmin",
        "azure_pg_admin",
        "azuresu",
        "supabase_admin",
        "neon_superuser",
        "cloud_admin",
        "streaming_replica",
        "cnpg_pooler_pgbouncer",
        "_crunchyrepl",
        "_crunchypgbouncer",
    }
)
"""Roles of managed services and of operators: never ours, whatever is declared (rule 9).

Only names that nobody gives a role of his own; the others count where their maker is seen to be
there (regent/unmanaged/families.py).
"""

ON_PARAMETER = " on parameter "
"""Between privilege and parameter in the name of such a power."""
ON_FILES = "EXECUTE on "
"""With this, and a function's name, a power over files of the server begins."""
ALTER_SYSTEM = "ALTER SYSTEM"
Names = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Reaches:
    """The memberships of a server, both ways, each once and in the order of the catalog."""

    roles: Mapping[str, ObservedRole]
    groups_of: Names
    members_of: Names
    granted: Names
    """The powers that privileges are, by who has them."""

    @classmethod
    def of(cls, server: ObservedServer, ordinary: Container[str] = ()) -> Reaches:
        """As the catalog has them. `ordinary` are parameters that any user may set."""
        return cls.by(server, ((m.member, m.group) for m in server.memberships), ordinary)

    @classmethod
    def by(
        cls,
        server: ObservedServer,
        memberships: Iterable[tuple[str, str]],
        ordinary: Container[str] = (),
    ) -> Reaches:
        """With these (member, group) pairs instead of the observed ones."""
        groups: dict[str, list[str]] = {}
        members: dict[str, list[str]] = {}
        for member, group in dict.fromkeys(memberships):
            groups.setdefault(member, []).append(group)
            members.setdefault(group, []).append(member)
        return cls(server.roles, groups, members, _granted(server, ordinary))

    def roles_of(self, role: str) -> frozenset[str]:
        """Every role whose rights `role` can use, itself among them."""
        return _ends((role,), self.groups_of)

    def reaching(self, roles: Iterable[str]) -> frozenset[str]:
        """Every role that can use the rights of one of these, themselves among them."""
        return _ends(roles, self.members_of)

    def powers_of(self, role: str) -> frozenset[str]:
        """Attributes of all that it reaches, and the groups of PostgreSQL and providers in it."""
        return frozenset(power for name in self.roles_of(role) for power in self._own_powers(name))

    def powerful(self) -> Mapping[str, frozenset[str]]:
        """The same of every role that has any. There are few powers, and each is one walk."""
        holders: dict[str, list[str]] = {}
        for name in {*self.roles, *self.members_of, *PROVIDER_ROLES}:
            for power in self._own_powers(name):
                holders.setdefault(power, []).append(name)
        found: dict[str, set[str]] = {}
        for power, names in holders.items():
            for role in self.reaching(names):
                found.setdefault(role, set()).add(power)
        return {role: frozenset(powers) for role, powers in found.items()}

    def _own_powers(self, name: str) -> Iterator[str]:
        yield from _powers(name, self.roles.get(name))
        yield from self.granted.get(name, ())


def _powers(name: str, role: ObservedRole | None) -> Iterator[str]:
    """What makes a role powerful by itself: an attribute, or what its name stands for."""
    if role is not None:
        yield from (one for one in POWERFUL_ATTRIBUTES if getattr(role.attributes, one))
    if name in PROVIDER_ROLES or (name.startswith(SYSTEM_PREFIX) and name not in HARMLESS_BUILT_IN):
        yield name


def _granted(server: ObservedServer, ordinary: Container[str]) -> dict[str, list[str]]:
    """What PUBLIC has is nobody's power: everybody has it without joining anything."""
    found: dict[str, list[str]] = {}
    for role, routine in server.file_routines:
        found.setdefault(role, []).append(f"{ON_FILES}{routine}()")
    for group in server.shared:
        for item in group.acl if KINDS[group.kind].naming is Naming.PARAMETER else ():
            if item.grantee is None:
                continue
            found.setdefault(item.grantee, []).extend(
                f"{privilege}{ON_PARAMETER}{name}"
                for privilege in sorted(item.privileges)
                for name in group.names
                if privilege != "SET" or name not in ordinary
            )
    return found


def _ends(roles: Iterable[str], further: Names) -> frozenset[str]:
    """These, and all that they lead to. A ring ends where it began."""
    found = set(roles)
    left = list(found)
    while left:
        new = [one for one in further.get(left.pop(), ()) if one not in found]
        found.update(new)
        left += new
    return frozenset(found)

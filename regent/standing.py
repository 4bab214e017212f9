"""Whose roles nobody gets by a declaration: PostgRegent's own, and those of great power. Pure.

A pattern of `allow` is written with ordinary roles in mind. So a role that reaches everything is
named exactly, or it is not meant; and PostgRegent's own roles are never meant (rules 9 and 12).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from regent.observed import ObservedRole, ObservedServer
from regent.reach import HARMLESS_BUILT_IN
from shared.names import OWNER_ROLE

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
        "azure_pg_admin",
        "azuresu",
    }
)
"""Roles of managed PostgreSQL services: never ours, whatever is declared (rule 9)."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The roles of a server that need more than a pattern.

    `admins` are those of all Regents of the server: the members of the home database's owner role.
    `ours` are these, the owner role, and whatever reaches one of them. `powerful` are roles that
    reach a superuser, CREATEROLE, REPLICATION, BYPASSRLS, or a role of PostgreSQL or a provider.
    """

    admins: frozenset[str]
    ours: frozenset[str]
    powerful: frozenset[str]

    @classmethod
    def of(cls, server: ObservedServer) -> Standing:
        """As the catalog has them."""
        admins = admins_of(server)
        powerful = {one.name for one in server.roles.values() if _is_powerful(one)}
        return cls(
            admins=admins,
            ours=_reaching(server, admins | {OWNER_ROLE}),
            powerful=_reaching(server, powerful | PROVIDER_ROLES),
        )


def admins_of(server: ObservedServer) -> frozenset[str]:
    """The admins of all Regents of this server.

    Each Regent makes its admin a member of the owner role by name, a superuser too.
    """
    members = (row.member for row in server.memberships if row.group == OWNER_ROLE)
    return frozenset(members) | {server.admin}


def _is_powerful(role: ObservedRole) -> bool:
    has = role.attributes
    if has.superuser or has.createrole or has.replication or has.bypassrls:
        return True
    return role.name.startswith(SYSTEM_PREFIX) and role.name not in HARMLESS_BUILT_IN


def _reaching(server: ObservedServer, groups: Collection[str]) -> frozenset[str]:
    """These roles and all their members. As many walks over all memberships as there are levels."""
    found = frozenset(groups)
    while more := {row.member for row in server.memberships if row.group in found} - found:
        found |= more
    return found

"""Roles that a managed service or a high-availability tool keeps for itself. Pure.

A name alone proves nothing: whoever may create roles may create one of these names. So a family
counts only where its `anchor` is a superuser or may replicate, which only its maker can have given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from regent.observed import ObservedRole


@dataclass(frozen=True, slots=True)
class Family:
    """The roles of one service or tool. `anchor` is the one that proves that it is there."""

    whose: str
    anchor: str
    others: tuple[str, ...] = ()

    def is_here(self, roles: Mapping[str, ObservedRole]) -> bool:
        """True if the server is one of this service or tool."""
        role = roles.get(self.anchor)
        return role is not None and (role.attributes.superuser or role.attributes.replication)


FAMILIES = (
    Family(
        "Amazon RDS",
        "rdsadmin",
        (
            "rds_superuser",
            "rdsrepladmin",
            "rds_replication",
            "rds_iam",
            "rds_ad",
            "rds_password",
            "rdstopmgr",
            "rdsproxyadmin",
        ),
    ),
    Family(
        "Google Cloud SQL",
        "cloudsqladmin",
        (
            "cloudsqlsuperuser",
            "cloudsqlagent",
            "cloudsqlreplica",
            "cloudsqlimportexport",
            "cloudsqllogical",
            "cloudsqlconnpooladmin",
            "cloudsqlobservabilityadmin",
        ),
    ),
    Family("Google AlloyDB", "alloydbadmin", ("alloydbsuperuser", "alloydbreplica")),
    Family("Azure Database for PostgreSQL", "azuresu", ("azure_pg_admin",)),
    Family(
        "Supabase",
        "supabase_admin",
        (
            "authenticator",
            "pgbouncer",
            "supabase_auth_admin",
            "supabase_storage_admin",
            "supabase_realtime_admin",
            "supabase_functions_admin",
            "supabase_read_only_user",
            "supabase_replication_admin",
            "supabase_etl_admin",
        ),
    ),
    Family("Neon", "cloud_admin", ("neon_superuser",)),
    Family("CloudNativePG", "streaming_replica", ("cnpg_pooler_pgbouncer",)),
    Family(
        "Crunchy Postgres for Kubernetes", "_crunchyrepl", ("_crunchypgbouncer", "ccp_monitoring")
    ),
    Family("the Zalando operator", "standby", ("pooler", "robot_zmon")),
    Family("Patroni", "replicator", ("rewind_user",)),
    Family("pg_auto_failover", "pgautofailover_replicator", ("pgautofailover_monitor",)),
)


def family_roles(roles: Mapping[str, ObservedRole]) -> Mapping[str, str]:
    """By name, whose role it is, of the families that are on this server."""
    return {
        name: family.whose
        for family in FAMILIES
        if family.is_here(roles)
        for name in (family.anchor, *family.others)
    }

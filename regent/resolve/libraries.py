"""Parameters of libraries that are not loaded: anybody may set them now. Pure.

A name with a dot that the server does not know is a placeholder. ALTER ROLE .. SET keeps its value,
and when the library that owns the name is loaded the value is applied as if a superuser had set it.
So a name that begins like a library which the server could load is no setting of an application
(ADR 17).
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

KNOWN_PREFIXES = frozenset(
    {
        "anon", "apg_plan_mgmt", "auth_delay", "auto_explain", "babelfishpg_tds",
        "babelfishpg_tsql", "basebackup_to_shell", "basic_archive", "bdr", "citus",
        "cloudsql", "credcheck", "cron", "hnsw", "hypopg", "ivfflat", "orafce",
        "passwordcheck", "pg_bulkload", "pg_failover_slots", "pg_hint_plan", "pg_net",
        "pg_overexplain", "pg_partman_bgw", "pg_plan_advice", "pg_prewarm",
        "pg_qualstats", "pg_squeeze", "pg_stat_kcache", "pg_stat_monitor",
        "pg_stat_statements", "pg_store_plans", "pg_strom", "pg_trgm", "pg_wait_sampling",
        "pgactive", "pgaudit", "pgauditlogtofile", "pglogical", "pgroonga", "pgsodium",
        "pgtle", "pljava", "plperl", "plpgsql", "plpgsql_check", "plpython3",
        "plprofiler", "plr", "plrust", "pltcl", "pltclu", "plv8", "postgis",
        "postgres_fdw", "powa", "rds", "repmgr", "safeupdate", "sepgsql", "set_user",
        "supautils", "timescaledb", "vchord", "wal2json", "worker_spi",
    }
)  # fmt: skip
"""Of PostgreSQL and of widespread extensions: where the server's library folder cannot be read, and
where a library uses another prefix than its file has (pg_cron uses `cron`)."""

_VERSION = re.compile(r"-\d[\w.\-]*$")


def library_of(parameter: str, known: Iterable[str], libraries: Container[str]) -> str:
    """The library that may own a parameter which the server does not know; empty for none."""
    prefix = parameter.lower().partition(".")[0]
    if prefix in KNOWN_PREFIXES or prefix in libraries:
        return prefix
    if any(name.startswith(f"{prefix}.") for name in known):
        return prefix
    return ""


def prefixes_of(names: Iterable[str]) -> frozenset[str]:
    """What parameters may begin with, of names of files, extensions and settings of libraries."""
    found: set[str] = set()
    for name in names:
        stem = name.lower().rpartition("/")[2]
        for ending in (".so", ".dylib", ".dll"):
            stem = stem.removesuffix(ending)
        stem = _VERSION.sub("", stem)
        found |= {stem, stem.replace("-", "_"), stem.removeprefix("pg_")}
    return frozenset(found - {""})

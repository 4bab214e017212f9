"""The settings that every session of PostgRegent pins, and how they are seen to hold (ADR 21).

Anybody may give settings to their own database, and an admin's own settings are meant for people.
What a session of ours sees, how the server prints it, and how long it lives must not depend on
them. What is in the startup packet stands above the settings of roles and databases, but the server
refuses a session whose packet names a parameter that it does not know, or that only a superuser may
set. So those follow at once by set_config, as soon as version and rights are known. Nobody else's
settings are changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

OFF, ON, NONE = "off", "on", ""
ROLE, NO_ROLE = "role", "none"

IN_THE_PACKET: Mapping[str, str] = MappingProxyType(
    {
        # Who we are. ALTER ROLE .. SET role would apply at login. With setRole it is that one.
        ROLE: NO_ROLE,
        # Nothing that users can make stands before the catalog, temporary objects least of all.
        "search_path": "pg_catalog, pg_temp",
        "row_security": OFF,
        # How long we live. Never wait behind an application's lock for long.
        "lock_timeout": "5s",
        "statement_timeout": "0",
        "idle_session_timeout": "0",
        "idle_in_transaction_session_timeout": "1min",
        "exit_on_error": OFF,
        "tcp_user_timeout": "0",
        "client_connection_check_interval": "0",
        "local_preload_libraries": NONE,
        # What may be written, and how surely.
        "default_transaction_read_only": OFF,
        "default_transaction_isolation": "read committed",
        "default_transaction_deferrable": OFF,
        "synchronous_commit": ON,
        "check_function_bodies": ON,
        "default_tablespace": NONE,
        "temp_tablespaces": NONE,
        "default_table_access_method": "heap",
        "password_encryption": "scram-sha-256",
        # What statements mean.
        "standard_conforming_strings": ON,
        "backslash_quote": "safe_encoding",
        "escape_string_warning": ON,
        "array_nulls": ON,
        "transform_null_equals": OFF,
        "xmloption": "content",
        "plpgsql.extra_errors": "none",
        "plpgsql.extra_warnings": "none",
        # How the server prints.
        "quote_all_identifiers": OFF,
        "DateStyle": "ISO, MDY",
        "IntervalStyle": "postgres",
        "TimeZone": "UTC",
        "bytea_output": "hex",
        "extra_float_digits": "1",
        "client_min_messages": "notice",
        "debug_print_parse": OFF,
        "debug_print_rewritten": OFF,
        "debug_print_plan": OFF,
        # Catalog reads are short: compiling them, or workers for them, costs more than it saves.
        # Plans do not depend on our parameters, so each is made once.
        "jit": OFF,
        "max_parallel_workers_per_gather": "0",
        "plan_cache_mode": "force_generic_plan",
        "enable_bitmapscan": ON,
        "enable_hashagg": ON,
        "enable_hashjoin": ON,
        "enable_indexonlyscan": ON,
        "enable_indexscan": ON,
        "enable_material": ON,
        "enable_mergejoin": ON,
        "enable_nestloop": ON,
        "enable_seqscan": ON,
        "enable_sort": ON,
        "enable_tidscan": ON,
    }
)
"""Every supported version knows these, and anybody may set them."""

SINCE: Mapping[str, tuple[int, str]] = MappingProxyType(
    {"createrole_self_grant": (16, NONE), "transaction_timeout": (17, "0")}
)
"""Parameters that only newer versions know: the first that does, and the value."""

OF_SUPERUSERS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "session_replication_role": (14, "origin"),
        "lc_messages": (14, "C"),
        # Verifiers are bound, and log_statement would log what is.
        "log_parameter_max_length": (14, "0"),
        "event_triggers": (17, ON),
        "plpgsql.variable_conflict": (14, "error"),
    }
)
"""Parameters that only a superuser may set, so that no other can have been given them."""

BY_ASYNCPG: Mapping[str, str] = MappingProxyType({"client_encoding": "UTF8"})
"""What asyncpg names in every startup packet."""

PINNED_NAMES = frozenset(
    name.lower()
    for name in (*IN_THE_PACKET, *SINCE, *OF_SUPERUSERS, *BY_ASYNCPG, "application_name")
)


def expected(major: int, *, is_superuser: bool, role: str | None = None) -> dict[str, str]:
    """What must hold in a session that was settled."""
    later = afterwards(major, is_superuser=is_superuser)
    return {**in_the_packet(major, role=role), **BY_ASYNCPG, **later}


def in_the_packet(major: int | None, *, role: str | None = None) -> dict[str, str]:
    """What the startup packet may name on this version; None while the version is not known.

    `role` is what the session acts as. RESET ROLE, RESET ALL and DISCARD ALL lead back to it.
    """
    newer = {
        name: value
        for name, (since, value) in SINCE.items()
        if major is not None and major >= since
    }
    return {**IN_THE_PACKET, ROLE: role or NO_ROLE, **newer}


def afterwards(major: int, *, is_superuser: bool) -> dict[str, str]:
    """What is to be set in a session that has begun."""
    known = {**SINCE, **(OF_SUPERUSERS if is_superuser else {})}
    return {name: value for name, (since, value) in known.items() if major >= since}

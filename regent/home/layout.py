"""What is in a home database of each version, as sql/home/found.sql says it (ADR 20).

A migration adds its layout here: a test compares the newest with what the migrations make. What a
function does is told by the SHA-256 of its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CENSUS_SINCE = 3
"""The version of the home database that remembers roles which nobody declares."""
PAUSES_SINCE = 4
"""The version in which a role can be paused."""

_VERSION_1 = frozenset(
    {
        "schema postgregent",
        "table postgregent.migrations",
        "column postgregent.migrations.number integer not null",
        "column postgregent.migrations.applied_at timestamp with time zone not null default now()",
        "CREATE UNIQUE INDEX migrations_pkey ON postgregent.migrations USING btree (number)",
        "constraint of postgregent.migrations: PRIMARY KEY (number)",
        "table postgregent.regents",
        "column postgregent.regents.regent text not null",
        "column postgregent.regents.accepted jsonb",
        "column postgregent.regents.brake jsonb",
        "column postgregent.regents.system_identifier text",
        "column postgregent.regents.origin text",
        "column postgregent.regents.changed_at timestamp with time zone not null default now()",
        "CREATE UNIQUE INDEX regents_pkey ON postgregent.regents USING btree (regent)",
        "constraint of postgregent.regents: PRIMARY KEY (regent)",
        "table postgregent.marks",
        "column postgregent.marks.role text not null",
        "column postgregent.marks.regent text not null",
        "column postgregent.marks.holder text not null",
        "column postgregent.marks.origin text not null",
        "column postgregent.marks.role_oid oid not null",
        "column postgregent.marks.released boolean not null default false",
        "column postgregent.marks.verifier_digest text not null default ''::text",
        "CREATE UNIQUE INDEX marks_pkey ON postgregent.marks USING btree (role)",
        "constraint of postgregent.marks: PRIMARY KEY (role)",
        (
            "constraint of postgregent.marks: "
            "CHECK ((origin = ANY (ARRAY['created'::text, 'adopted'::text])))"
        ),
        "table postgregent.history",
        "sequence postgregent.history_id_seq",
        "column postgregent.history.id bigint not null identity",
        "column postgregent.history.regent text not null",
        "column postgregent.history.is_outstanding boolean not null",
        "column postgregent.history.drift jsonb not null",
        "CREATE UNIQUE INDEX history_pkey ON postgregent.history USING btree (id)",
        "CREATE INDEX history_regent ON postgregent.history USING btree (regent, id)",
        (
            "CREATE INDEX history_outstanding ON postgregent.history USING btree (regent, id) "
            "WHERE is_outstanding"
        ),
        "constraint of postgregent.history: PRIMARY KEY (id)",
        "table postgregent.unmanageable",
        "column postgregent.unmanageable.regent text not null",
        "column postgregent.unmanageable.digest text not null",
        "column postgregent.unmanageable.sqlstate text not null",
        "column postgregent.unmanageable.message text not null",
        "column postgregent.unmanageable.found_at timestamp with time zone not null default now()",
        (
            "CREATE UNIQUE INDEX unmanageable_pkey ON postgregent.unmanageable "
            "USING btree (regent, digest)"
        ),
        "constraint of postgregent.unmanageable: PRIMARY KEY (regent, digest)",
    }
)

_VERSION_2 = _VERSION_1 | {
    "table postgregent.belongings",
    "column postgregent.belongings.role_oid oid not null",
    "column postgregent.belongings.ended_at timestamp with time zone not null",
    "column postgregent.belongings.database oid not null",
    "column postgregent.belongings.catalog oid not null",
    "column postgregent.belongings.object oid not null",
    (
        "CREATE UNIQUE INDEX belongings_pkey ON postgregent.belongings "
        "USING btree (role_oid, database, catalog, object)"
    ),
    ("constraint of postgregent.belongings: PRIMARY KEY (role_oid, database, catalog, object)"),
}

_VERSION_3 = _VERSION_2 | {
    "column postgregent.regents.unmanaged_since timestamp with time zone",
    "table postgregent.unmanaged",
    "column postgregent.unmanaged.regent text not null",
    "column postgregent.unmanaged.role_oid oid not null",
    "column postgregent.unmanaged.role text not null",
    "column postgregent.unmanaged.appeared_at timestamp with time zone",
    "column postgregent.unmanaged.actor jsonb",
    "column postgregent.unmanaged.disabled_at timestamp with time zone",
    ("CREATE UNIQUE INDEX unmanaged_pkey ON postgregent.unmanaged USING btree (regent, role_oid)"),
    "constraint of postgregent.unmanaged: PRIMARY KEY (regent, role_oid)",
}

_VERSION_4 = _VERSION_3 | {
    "table postgregent.pauses",
    "column postgregent.pauses.role_oid oid not null",
    "column postgregent.pauses.role text not null",
    "column postgregent.pauses.until timestamp with time zone not null",
    "column postgregent.pauses.reason text not null",
    "column postgregent.pauses.paused_by text not null",
    "column postgregent.pauses.paused_at timestamp with time zone not null",
    "CREATE UNIQUE INDEX pauses_pkey ON postgregent.pauses USING btree (role_oid)",
    "constraint of postgregent.pauses: PRIMARY KEY (role_oid)",
    (
        "function postgregent.pause(pg_catalog.text,interval,pg_catalog.text) in plpgsql "
        "as its owner with search_path=pg_catalog, pg_temp "
        "as e5299f0690ddcfca6df8ca2c682bb5639b3a012637ff409a5388f038a32d2ef9"
    ),
    (
        "function postgregent.resume(pg_catalog.text) in plpgsql as its owner "
        "with search_path=pg_catalog, pg_temp "
        "as df9a8daad905fe61eea7637eb632338bcdfd46f93b50857df519a5a3d63052cb"
    ),
}

LAYOUTS: Mapping[int, frozenset[str]] = MappingProxyType(
    {1: _VERSION_1, 2: _VERSION_2, 3: _VERSION_3, 4: _VERSION_4}
)

"""Which events a targeted pass can deal with: those that say all about themselves in their rows."""

from __future__ import annotations

from collections.abc import Mapping

from regent.detect.events import Taken

TARGETED_TAGS = frozenset(
    {
        "GRANT",
        "REVOKE",
        "CREATE TABLE",
        "CREATE TABLE AS",
        "SELECT INTO",
        "CREATE VIEW",
        "CREATE MATERIALIZED VIEW",
        "CREATE FOREIGN TABLE",
        "CREATE SEQUENCE",
        "CREATE INDEX",
        "ALTER TABLE",
        "DROP TABLE",
        "DROP VIEW",
        "DROP INDEX",
        "DROP SEQUENCE",
    }
)
"""Commands whose effect is in the rows that they wrote; any other one gets a full pass at once."""


def is_simple(taken: Mapping[str, Taken]) -> bool:
    """Nothing was lost or is damaged, and every command is one of these."""
    return all(
        not one.is_damaged
        and not one.lost
        and not one.has_more
        and all(event.command_tag in TARGETED_TAGS for event in one.events)
        for one in taken.values()
    )

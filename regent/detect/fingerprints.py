"""What a database without event triggers is asked: a hash per catalog that holds privileges."""

from __future__ import annotations

from functools import cache

import sql
from regent.kinds import LOCAL

DEFAULTS = "pg_default_acl"


@cache
def of_objects() -> str:
    """One row, with one column per catalog. Kinds that share a catalog share its scan."""
    wanted: dict[str, list[str]] = {DEFAULTS: ["true"]}
    for row in LOCAL:
        wanted.setdefault(row.acl_catalog, []).append(row.rows or "true")
    columns = (
        sql.compose("watch/objects", catalog=catalog, rows=" OR ".join(rows))
        for catalog, rows in wanted.items()
    )
    return "SELECT\n" + ",\n".join(columns)

"""What a GRANT of a membership says, by PostgreSQL's version."""

from __future__ import annotations

OPTIONS_SINCE = 16
"""From then on each membership has options and a row per grantor, with whom it ends, and CREATEROLE
reaches only the roles over which its holder has ADMIN."""


def with_options(major: int, *, inherit: bool = True, set_role: bool = True) -> str:
    """What follows `GRANT role TO member`; nothing before 16."""
    if major < OPTIONS_SINCE:
        return ""
    return f" WITH INHERIT {str(inherit).upper()}, SET {str(set_role).upper()}"

"""Verifiers on their way into ALTER ROLE .. PASSWORD, which takes no parameters. Pure.

Whoever may join pg_monitor reads the text of every statement, in pg_stat_activity and, of old ones
too, in pg_stat_statements; and the server may log it. So the verifiers of one transaction are bound
to a setting that is local to it, and a block reads them there. An error inside of it is raised
anew, as its context would quote the statement.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256

from regent.changes import Change, SetPassword
from shared.names import quote_literal

SETTING = "postgregent.verifiers"
QUIET = "; ".join(
    f"SET LOCAL {name} = {value}"
    for name, value in (
        ("pg_stat_statements.track", "none"),
        ("auto_explain.log_min_duration", "-1"),
    )
)
"""What only a superuser may set: nothing is kept of what a block runs, nor logged of what is bound.

The server's own log has no parameters of any session of ours (regent/server/session_settings.py).
"""
BIND = f"SELECT pg_catalog.set_config('{SETTING}', $1, true) IS NOT NULL"


def set_password(role: str) -> str:
    """The statement, which has no secret in it."""
    block = f"""
BEGIN
    EXECUTE pg_catalog.format(
        'ALTER ROLE %I WITH PASSWORD %L', {quote_literal(role)}::pg_catalog.text,
        pg_catalog.jsonb_extract_path_text(
            pg_catalog.current_setting('{SETTING}')::pg_catalog.jsonb, '{_key(role)}'
        )
    );
EXCEPTION WHEN OTHERS THEN
    RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM;
END
"""
    return f"DO {quote_literal(block)}"


def to_bind(changes: Iterable[Change]) -> str:
    """The value of SETTING for these changes; empty where none of them sets a password."""
    verifiers = {_key(c.role): c.verifier.value for c in changes if isinstance(c, SetPassword)}
    return json.dumps(verifiers) if verifiers else ""


def _key(role: str) -> str:
    """In ASCII: the home database may have any encoding."""
    return sha256(role.encode()).hexdigest()

"""What PUBLIC, which is everybody, can do: what no declaration takes from one role alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from regent.observed import ObservedRole
from regent.preflight.facts import Facts
from regent.preflight.finding import Finding, Severity, Way
from shared.names import quote_ident

_CONNECTS = (
    "PUBLIC can connect to these databases, so every role with LOGIN can: PostgreSQL's default."
    " Grant CONNECT to the roles that need it first, or declare it with publicPrivileges."
)
_MAKES_TEMPORARY = "PUBLIC can make temporary tables in these databases: PostgreSQL's default."
_ON_DATABASES = (
    ("CONNECT", Severity.RISK, "public-connects", _CONNECTS),
    ("TEMPORARY", Severity.NOTE, "public-temporary-tables", _MAKES_TEMPORARY),
)


def findings(facts: Facts) -> Iterator[Finding]:
    """On schemas, on code that runs as its owner, on databases."""
    yield from _on_schemas(facts)
    yield from _on_code(facts)
    yield from _on_databases(facts)


def _on_schemas(facts: Facts) -> Iterator[Finding]:
    found = [(name, schema) for name, one in facts.databases.items() for schema in one.open_schemas]
    if found:
        yield Finding(
            Severity.RISK,
            "public-creates",
            "PUBLIC, which is everybody, can create objects in these schemas.",
            tuple(f"{schema} in {name}" for name, schema in found),
            tuple(
                Way(f"REVOKE CREATE ON SCHEMA {quote_ident(schema)} FROM PUBLIC;", "", name)
                for name, schema in found
            ),
        )


def _on_code(facts: Facts) -> Iterator[Finding]:
    roles = facts.server.roles
    found = [(name, code) for name, one in facts.databases.items() for code in one.open_code]
    if found:
        yield Finding(
            Severity.RISK,
            "public-runs-as-the-owner",
            "PUBLIC, which is everybody, can run this SECURITY DEFINER code as its owner.",
            tuple(
                f"{code.identity} in {name}, as {code.owner}"
                + (", a superuser" if _is_super(roles.get(code.owner)) else "")
                + (", of an extension" if code.is_of_an_extension else "")
                for name, code in found
            ),
            tuple(
                Way(f"REVOKE EXECUTE ON ROUTINE {code.identity} FROM PUBLIC;", "", name)
                for name, code in found
            ),
        )


def _is_super(role: ObservedRole | None) -> bool:
    return role is not None and role.attributes.superuser


def _on_databases(facts: Facts) -> Iterator[Finding]:
    """By PostgreSQL's own default, on each new database."""
    held = {
        name: {one for item in group.acl if item.grantee is None for one in item.privileges}
        for group in facts.server.databases
        for name in group.names
    }
    for privilege, severity, called, sentence in _ON_DATABASES:
        if some := sorted(database for database, rights in held.items() if privilege in rights):
            yield Finding(
                severity,
                called,
                sentence,
                tuple(some),
                tuple(
                    Way(f"REVOKE {privilege} ON DATABASE {quote_ident(one)} FROM PUBLIC;")
                    for one in some
                ),
            )

"""One role as the statements that make it. Pure."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC

from regent.desired import Attributes, attribute_word
from regent.export.statements import default_grants, grants, membership, on
from regent.observed import Observed, ObservedRole
from regent.plan.settings import is_list, list_items
from shared.names import quote_ident, quote_literal, quote_qualified


def created(role: ObservedRole) -> str:
    """CREATE ROLE with its attributes; its password is not among them."""
    return f"CREATE ROLE {quote_ident(role.name)} {_words(role)};"


def altered(role: ObservedRole) -> str:
    """The same of a role that is there."""
    return f"ALTER ROLE {quote_ident(role.name)} {_words(role)};"


def _words(role: ObservedRole) -> str:
    words = [attribute_word("login", on=role.login)]
    words += [
        attribute_word(one.name, on=getattr(role.attributes, one.name))
        for one in fields(Attributes)
    ]
    if role.connection_limit != -1:
        words.append(f"CONNECTION LIMIT {role.connection_limit}")
    if role.valid_until is not None:
        words.append(f"VALID UNTIL {quote_literal(role.valid_until.astimezone(UTC).isoformat())}")
    return " ".join(words)


def settings(role: ObservedRole) -> tuple[str, ...]:
    """ALTER ROLE .. SET, as the server keeps it."""
    found = []
    for key, value in sorted(role.settings.items(), key=lambda one: str(one[0])):
        place = "" if key.database is None else f" IN DATABASE {quote_ident(key.database)}"
        name = ".".join(map(quote_ident, key.parameter.split(".")))
        text = quote_literal(value)
        if is_list(key.parameter):
            items = list_items(key.parameter, value)
            text = ", ".join(map(quote_literal, items)) if items else "''"
        found.append(f"ALTER ROLE {quote_ident(role.name)}{place} SET {name} TO {text};")
    return tuple(found)


def role_statements(observed: Observed, name: str) -> tuple[str, ...]:
    """The role, its memberships and what it was granted in the databases that were read."""
    server = observed.server
    role = server.roles[name]
    found = [created(role), *settings(role)]
    found += [membership(row, server.major) for row in server.memberships if row.member == name]
    groups = [group for reading in observed.databases.values() for group in reading.groups]
    for group in (*server.databases, *server.shared, *groups):
        for item in group.acl:
            if item.grantee == name and group.owner != name:
                for index in range(len(group.names)):
                    found += grants(item, on(group, index))
    for reading in observed.databases.values():
        for column in reading.columns:
            for item in column.acl:
                if item.grantee == name and column.owner != name:
                    what = f"TABLE {quote_qualified(column.schema, column.relation)}"
                    found += grants(item, what, (column.column,))
        for default in reading.defaults:
            found += (
                text
                for item in default.acl
                if item.grantee == name != default.creator
                for text in default_grants(default, item)
            )
    return tuple(found)

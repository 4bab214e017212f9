"""Grants, memberships and roles as SQL statements, as a person would run them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from regent.kinds import KINDS, Naming
from regent.observed import AclItem, ObjectGroup, ObservedDefault, ObservedMembership
from shared.names import quote_ident, quote_qualified

OPTIONS_SINCE = 16


def on(group: ObjectGroup, index: int) -> str:
    """`TABLE "s"."t"`, as GRANT names one object of a group."""
    row, name = KINDS[group.kind], group.names[index]
    match row.naming:
        case Naming.NUMBER:
            return f"{row.keyword} {name}"
        case Naming.PARAMETER:
            return f"{row.keyword} {'.'.join(map(quote_ident, name.split('.')))}"
        case Naming.NAME | Naming.SIGNATURE:
            called = (
                quote_ident(name) if group.schema is None else quote_qualified(group.schema, name)
            )
            if row.naming is Naming.SIGNATURE:
                called += f"({group.arguments[index] if group.arguments else ''})"
            return f"{row.keyword} {called}"
        case _:
            assert_never(row.naming)


def grantee(name: str | None) -> str:
    """A role, or PUBLIC."""
    return "PUBLIC" if name is None else quote_ident(name)


def grants(item: AclItem, what: str, columns: Iterable[str] = ()) -> tuple[str, ...]:
    """What one grantor gave one grantee on one object."""
    inside = ", ".join(map(quote_ident, columns))
    found = []
    for some, end in (
        (item.privileges - item.grantable, ""),
        (item.grantable, " WITH GRANT OPTION"),
    ):
        if some:
            words = ", ".join(f"{one} ({inside})" if inside else one for one in sorted(some))
            found.append(f"GRANT {words} ON {what} TO {grantee(item.grantee)}{end};")
    return tuple(found)


def default_grants(default: ObservedDefault, item: AclItem) -> tuple[str, ...]:
    """What a creator gives one grantee on what it makes from now on."""
    new_ones = KINDS[default.kind].new_ones
    if new_ones is None:
        return ()
    place = "" if default.schema is None else f" IN SCHEMA {quote_ident(default.schema)}"
    head = f"ALTER DEFAULT PRIVILEGES FOR ROLE {quote_ident(default.creator)}{place} "
    return tuple(
        f"{head}{text}".replace(f" ON {ALL_NEW} ", f" ON {new_ones.keyword} ")
        for text in grants(item, ALL_NEW)
    )


ALL_NEW = "\0"
"""Stands for the kind in a statement that is made for one object: no name holds it."""


def given_as(grantor: str, statements: Iterable[str]) -> tuple[str, ...]:
    """The same, in the name of another one than the owner."""
    return (f"SET ROLE {quote_ident(grantor)};", *statements, "RESET ROLE;")


def membership(row: ObservedMembership, major: int) -> str:
    """One row of pg_auth_members."""
    text = f"GRANT {quote_ident(row.group)} TO {quote_ident(row.member)}"
    if major < OPTIONS_SINCE:
        return f"{text}{' WITH ADMIN OPTION' if row.admin else ''};"
    options = {"ADMIN": row.admin, "INHERIT": row.inherit, "SET": row.set_role}
    words = ", ".join(f"{one} {str(value).upper()}" for one, value in options.items())
    return f"{text} WITH {words} GRANTED BY {quote_ident(row.grantor)};"


def revoke_from_public(group: ObjectGroup, index: int) -> str:
    """Takes from PUBLIC what it has on a new object."""
    return f"REVOKE ALL ON {on(group, index)} FROM PUBLIC;"

"""Grants, memberships and roles as SQL statements, as a person would run them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from regent.kinds import KINDS, LOCAL, Naming
from regent.observed import AclItem, ObjectGroup, ObservedDefault, ObservedMembership
from shared.memberships import OPTIONS_SINCE
from shared.names import quote_ident, quote_qualified

SERVERS = frozenset(row.kind for row in LOCAL if "ALTER SERVER" in row.tags.recorded)
"""GRANT calls them FOREIGN SERVER, and ALTER does not."""


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
    return tuple(f"{_by_default(default)} {text}" for text in grants(item, new_ones.keyword))


def default_revokes(
    default: ObservedDefault, name: str | None, some: Iterable[str]
) -> tuple[str, ...]:
    """What a creator takes from whoever has it by PostgreSQL."""
    new_ones = KINDS[default.kind].new_ones
    if new_ones is None:
        return ()
    return (f"{_by_default(default)} {revokes(name, some, new_ones.keyword)}",)


def _by_default(default: ObservedDefault) -> str:
    place = "" if default.schema is None else f" IN SCHEMA {quote_ident(default.schema)}"
    return f"ALTER DEFAULT PRIVILEGES FOR ROLE {quote_ident(default.creator)}{place}"


def revokes(name: str | None, some: Iterable[str], what: str) -> str:
    """Takes privileges on one object from one role."""
    return f"REVOKE {', '.join(sorted(some))} ON {what} FROM {grantee(name)};"


def owned(group: ObjectGroup, index: int) -> str:
    """Gives one object to its owner."""
    what = on(group, index).removeprefix("FOREIGN ") if group.kind in SERVERS else on(group, index)
    return f"ALTER {what} OWNER TO {quote_ident(group.owner)};"


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

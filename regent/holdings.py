"""What a role holds that no reading sees: it is named, and never taken for nothing. Pure.

A reading sees the kinds of objects that it knows, in the served databases. pg_shdepend knows every
owner, grantee and policy of a server, whatever the kind (rule 10).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, assert_never

from shared.listing import first_of
from shared.names import quote_ident
from shared.printable import printable

SHOWN = 5


class How(Enum):
    """How a role holds an object; the letters are those of pg_shdepend.deptype."""

    OWNER = "o"
    PRIVILEGE = "a"
    POLICY = "r"


class Named(NamedTuple):
    """One object: its type and its description for people, and its parts for programs.

    The parts are those of pg_identify_object_as_address(), unquoted; none where one is not UTF-8.
    """

    kind: str
    identity: str
    names: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Holding:
    """Some objects of one catalog in one database; None is what all databases share.

    `named` are the first of them. There is none where the database is not served, or could not be
    read.
    """

    how: How
    catalog: str
    objects: int
    database: str | None = None
    schema: str | None = None
    is_served: bool = True
    named: tuple[Named, ...] = ()
    is_left_alone: bool = False
    """A reading sees such privileges, and no pass takes these."""

    @property
    def is_mapping(self) -> bool:
        """A user mapping: PostgreSQL writes it down as owned, and it may hold a password."""
        return self.catalog == "pg_user_mapping"

    @property
    def is_kept(self) -> bool:
        """A managed role should not have it, and no pass takes it away."""
        is_ours = self.is_served and not self.is_left_alone
        return is_ours and (self.how is How.PRIVILEGE or self.is_mapping)


def listed(holdings: Iterable[Holding]) -> str:
    """The first of them in words, and how many more there are."""
    holdings = list(holdings)
    words = [word for one in holdings for word in _words(one)][:SHOWN]
    unnamed = [one for one in holdings if not one.named]
    total = sum(one.objects for one in holdings)
    said = min(sum(len(one.named) for one in holdings), SHOWN) + sum(
        one.objects for one in unnamed if any(word in words for word in _words(one))
    )
    more = f" and {total - said} more" if total > said else ""
    return printable(", ".join(words) + more)


def ways_out(role: str, holdings: Iterable[Holding]) -> str:
    """What takes the first of them from the role: SQL, and databases to serve too."""
    holdings = tuple(holdings)
    found = dict.fromkeys(
        statement for one in holdings for statement in _statements(quote_ident(role), one)
    )
    parts = [f"Run {' '.join(f'{one};' for one in list(found)[:SHOWN])}"] if found else []
    unseen = sorted({one.database for one in holdings if one.database and not one.is_served})
    if unseen:
        parts.append(
            f"Add {first_of(unseen, SHOWN)} to spec.additionalDatabases of the Regent, to see what"
            " it has there and have it taken away."
        )
    return printable(" ".join(reversed(parts)))


def _words(one: Holding) -> Iterator[str]:
    prefix = "a role in " if one.how is How.POLICY else ""
    where = f" in {one.database}" if one.database is not None else ""
    for named in one.named:
        yield f"{prefix}{named.kind} {named.identity}{where}"
    if not one.named:
        counted = "1 object" if one.objects == 1 else f"{one.objects} objects"
        yield f"{prefix}{counted} of {one.catalog}{where}"


def _statements(role: str, one: Holding) -> Iterator[str]:
    match one.how:
        case How.OWNER if not one.is_mapping:
            yield f"REASSIGN OWNED BY {role} TO <another role>"
        case How.POLICY:
            for named in filter(_has_a_name, one.named):
                *table, policy = named.names
                yield f"ALTER POLICY {quote_ident(policy)} ON {_dotted(table)} TO <other roles>"
        case How.OWNER | How.PRIVILEGE:
            for named in filter(_has_a_name, one.named):
                yield _revoke(role, named)
        case _:
            assert_never(one.how)


def _has_a_name(named: Named) -> bool:
    """Of a name that is not UTF-8 there are words for people, and no part for programs."""
    return bool(named.names)


def _revoke(role: str, named: Named) -> str:
    if named.kind == "user mapping":
        return f"DROP USER MAPPING FOR {role} SERVER {_dotted(named.arguments)}"
    if named.kind == "default acl":
        creator, *schema = named.names
        where = f" IN SCHEMA {_dotted(schema)}" if schema else ""
        what = _OBJECTS_OF.get(named.arguments[0], "TABLES")
        return (
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {quote_ident(creator)}{where}"
            f" REVOKE ALL ON {what} FROM {role}"
        )
    if named.kind == "role":
        return f"REVOKE {_dotted(named.names)} FROM {role}"
    if named.kind.endswith(" column"):
        *table, column = named.names
        return f"REVOKE ALL ({quote_ident(column)}) ON TABLE {_dotted(table)} FROM {role}"
    if named.kind in _BY_IDENTITY:
        return f"REVOKE ALL ON {_BY_IDENTITY[named.kind]} {named.identity} FROM {role}"
    kind = _KEYWORDS.get(named.kind, named.kind.upper())
    return f"REVOKE ALL ON {kind} {_dotted(named.names)} FROM {role}"


_BY_IDENTITY = {
    "function": "ROUTINE",
    "procedure": "ROUTINE",
    "aggregate": "ROUTINE",
    "type": "TYPE",
}
"""What is not named by its names alone; PostgreSQL quotes every part of these identities."""

_KEYWORDS = {
    "view": "TABLE",
    "materialized view": "TABLE",
    "foreign table": "TABLE",
}
"""The word of GRANT, where it is another one than the type of the object."""


_OBJECTS_OF = {
    "r": "TABLES",
    "S": "SEQUENCES",
    "f": "FUNCTIONS",
    "T": "TYPES",
    "n": "SCHEMAS",
    "L": "LARGE OBJECTS",
}
"""By pg_default_acl.defaclobjtype."""


def _dotted(names: Iterable[str]) -> str:
    return ".".join(map(quote_ident, names))

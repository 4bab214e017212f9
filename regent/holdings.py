"""What a role holds that no reading sees: it is named, and never taken for nothing. Pure.

A reading sees the kinds of objects that it knows, in the served databases. pg_shdepend knows every
owner, grantee and policy of a server, whatever the kind (rule 10).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from shared.names import quote_ident
from shared.printable import printable

SHOWN = 5


class How(Enum):
    """How a role holds an object; the letters are those of pg_shdepend.deptype."""

    OWNER = "o"
    PRIVILEGE = "a"
    POLICY = "r"


@dataclass(frozen=True, slots=True)
class Holding:
    """Some objects of one catalog in one database; None is what all databases share.

    `named` are the first of them, as the server names them: (type, identity). There is none where
    the database is not served, or could not be read.
    """

    how: How
    catalog: str
    objects: int
    database: str | None = None
    schema: str | None = None
    is_served: bool = True
    named: tuple[tuple[str, str], ...] = ()

    @property
    def is_mapping(self) -> bool:
        """A user mapping: PostgreSQL writes it down as owned, and it may hold a password."""
        return self.catalog == "pg_user_mapping"

    @property
    def is_kept(self) -> bool:
        """A managed role should not have it, and no pass takes it away."""
        return self.is_served and (self.how is How.PRIVILEGE or self.is_mapping)


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
    """The SQL that takes the first of them from the role."""
    found = dict.fromkeys(
        statement for one in holdings for statement in _statements(quote_ident(role), one)
    )
    return printable(" ".join(f"{one};" for one in list(found)[:SHOWN]))


def _words(one: Holding) -> Iterator[str]:
    prefix = "a role in " if one.how is How.POLICY else ""
    where = f" in {one.database}" if one.database is not None else ""
    for kind, identity in one.named:
        yield f"{prefix}{kind} {identity}{where}"
    if not one.named:
        counted = "1 object" if one.objects == 1 else f"{one.objects} objects"
        yield f"{prefix}{counted} of {one.catalog}{where}"


_KEYWORDS = {
    "aggregate": "FUNCTION",
    "server": "FOREIGN SERVER",
    "foreign-data wrapper": "FOREIGN DATA WRAPPER",
    "parameter ACL": "PARAMETER",
    "view": "TABLE",
    "materialized view": "TABLE",
    "foreign table": "TABLE",
}


def _statements(role: str, one: Holding) -> Iterator[str]:
    match one.how:
        case How.OWNER if not one.is_mapping:
            yield f"REASSIGN OWNED BY {role} TO <another role>"
        case How.POLICY:
            yield from (f"ALTER POLICY {identity} TO <other roles>" for _, identity in one.named)
        case How.OWNER | How.PRIVILEGE:
            for kind, identity in one.named:
                yield _revoke(role, kind, identity)
        case _:
            assert_never(one.how)


def _revoke(role: str, kind: str, identity: str) -> str:
    if kind == "user mapping":
        _, _, server = identity.rpartition(" on server ")
        return f"DROP USER MAPPING FOR {role} SERVER {server}"
    if kind == "default acl":
        whose, _, what = identity.rpartition(" on ")
        return f"ALTER DEFAULT PRIVILEGES {whose} REVOKE ALL ON {what} FROM {role}"
    if kind == "table column":
        return f"REVOKE ALL ON TABLE {identity.rpartition('.')[0]} FROM {role}"
    return f"REVOKE ALL ON {_KEYWORDS.get(kind, kind.upper())} {identity} FROM {role}"

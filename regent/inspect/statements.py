"""The statements of a reading, put together of the fragments of sql/inspect/kinds/."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from regent.kinds import DATABASES, LOCAL, SHARED, Row
from shared.memberships import OPTIONS_SINCE
from sql import compose, load

CATALOGS = sorted({f"pg_catalog.{row.catalog}" for row in LOCAL})
"""What sql/inspect/reading.sql wants to know: where members of extensions are looked for."""


@cache
def whole(major: int) -> str:
    """Everything in one database, as one statement."""
    rows = [row for row in LOCAL if row.since <= major]
    return _reading("inspect/whole", [*map(_if_wanted, rows), load("inspect/defaults")])


@cache
def part(major: int) -> str:
    """The same for some of its objects, of the kinds that a targeted pass deals with."""
    rows = [row for row in LOCAL if row.is_targeted and row.since <= major]
    return _reading("inspect/part", [*map(fragment, rows)])


@cache
def server(major: int, *, with_passwords: bool, with_identifier: bool) -> str:
    """All that the whole server shares, as one statement."""
    shared = [row for row in (DATABASES, *SHARED) if row.since <= major]
    verifier, table = ("r.rolpassword", "authid") if with_passwords else ("NULL::text", "roles")
    has_options = major >= OPTIONS_SINCE
    identifier = load("inspect/system_identifier")
    return compose(
        "inspect/server",
        facts=load("inspect/facts"),
        identifier=f"({identifier})" if with_identifier else "''",
        settings=load("inspect/settings"),
        roles=compose("inspect/roles", verifier=verifier, table=f"pg_{table}"),
        objects="\nUNION ALL\n".join(map(fragment, shared)),
        memberships=load(f"inspect/memberships{'' if has_options else '_before_16'}"),
        file_routines=load("inspect/file_routines"),
    )


def fragment(row: Row) -> str:
    """The text of the kind's own fragment."""
    return load(f"inspect/kinds/{row.kind.lower().replace(' ', '_')}")


def _if_wanted(row: Row) -> str:
    """What a targeted pass reads is always read; the rest only where it matters to somebody."""
    if row.is_targeted:
        return fragment(row)
    return compose("inspect/if_wanted", kind=row.kind, catalog=row.catalog, fragment=fragment(row))


def _reading(head: str, fragments: Iterable[str]) -> str:
    body = "\nUNION ALL\n".join([load("inspect/reading"), *fragments])
    return f"{load(head)}\n{body}\n{load('inspect/written')}"

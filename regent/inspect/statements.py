"""The statements of a reading, put together of the fragments of sql/inspect/kinds/."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from regent.kinds import KINDS, LOCAL, Row, Scope
from sql import load

CATALOGS = sorted({f"pg_catalog.{row.catalog}" for row in LOCAL})
"""What sql/inspect/reading.sql wants to know: where members of extensions are looked for."""


@cache
def whole(major: int) -> str:
    """Everything in one database, as one statement."""
    return _reading("inspect/whole", [row for row in LOCAL if row.since <= major])


@cache
def part(major: int) -> str:
    """The same for some of its objects, of the kinds that a targeted pass deals with."""
    return _reading("inspect/part", [r for r in LOCAL if r.is_targeted and r.since <= major])


@cache
def shared(major: int) -> str:
    """The objects in the catalogs that all databases share."""
    rows = [r for r in KINDS.values() if r.scope is Scope.SERVER and r.since <= major]
    return "\nUNION ALL\n".join(map(fragment, rows))


def fragment(row: Row) -> str:
    """The text of the kind's own fragment."""
    return load(f"inspect/kinds/{row.kind.lower().replace(' ', '_')}")


def _reading(head: str, rows: Iterable[Row]) -> str:
    body = "\nUNION ALL\n".join([load("inspect/reading"), *map(fragment, rows)])
    return f"{load(head)}\n{body}"

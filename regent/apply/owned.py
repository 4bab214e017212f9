"""What roles own whose end is planned, where it would go, and why it would stay where it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from regent.desired import Desired, Ending, Listed
from regent.server.connections import Connections
from regent.server.lenient_text import legible
from shared.names import quote_ident
from sql import load

_WORDS = {
    "pg_class": "relation",
    "pg_proc": "routine",
    "pg_namespace": "schema",
    "pg_database": "database",
    "pg_tablespace": "tablespace",
    "pg_extension": "extension",
    "pg_foreign_server": "foreign server",
    "pg_foreign_data_wrapper": "foreign data wrapper",
    "pg_largeobject": "large object",
    "pg_publication": "publication",
    "pg_subscription": "subscription",
    "pg_event_trigger": "event trigger",
}
SHARED = "all databases"
_BUT = {
    Listed.NO: ", but code only where that can do nothing more",
    Listed.BY_PATTERN: ", but code only where that is no superuser",
    Listed.BY_NAME: "",
}
"""What keeps some of it from moving (ADR 16)."""


@dataclass(frozen=True, slots=True)
class Owned:
    """What one role owns in one database; None is what all databases share.

    `goes_to` is who would own it afterwards; where it is empty, `stays` says why and the way out.
    `but` says what of it may stay all the same.
    """

    role: str
    database: str | None
    kinds: Mapping[str, int]
    goes_to: str = ""
    stays: str = ""
    but: str = ""

    @property
    def objects(self) -> int:
        """How many."""
        return sum(self.kinds.values())

    def __str__(self) -> str:
        counted = ", ".join(
            f"{count:,} {kind}{'s' if count > 1 else ''}" for kind, count in self.kinds.items()
        )
        place = f"in {self.database}" if self.database is not None else f"shared by {SHARED}"
        end = f"goes to {self.goes_to}{self.but}" if self.goes_to else f"stays: {self.stays}"
        return f"{self.role} owns {counted} {place}: this {end}"


async def owned_by_leavers(
    connections: Connections, through: str, desired: Desired
) -> tuple[Owned, ...]:
    """By role and database, of every role that is to end. Reads; writes nothing."""
    leavers = {ending.name: ending for ending in desired.endings}
    if not leavers:
        return ()
    async with connections.use(through) as connection:
        rows = await connection.fetch(load("leaving/owned_by"), sorted(leavers))
    found: dict[tuple[str, str | None], dict[str, int]] = {}
    for row in rows:
        kind = _WORDS.get(row["catalog"], row["catalog"].removeprefix("pg_").replace("_", " "))
        database = row["database"] and legible(row["database"])
        place = found.setdefault((row["role"], database), {})
        place[kind] = place.get(kind, 0) + row["objects"]
    return tuple(
        _owned(leavers[role], database, kinds, desired.grants)
        for (role, database), kinds in found.items()
    )


def _owned(
    ending: Ending, database: str | None, kinds: Mapping[str, int], served: Iterable[str]
) -> Owned:
    name, to = ending.name, ending.reassign_to
    if ending.retain:
        return Owned(name, database, kinds, stays="the role is retained as it is.")
    if to is not None and ending.refusal:
        return Owned(name, database, kinds, stays=ending.refusal)
    if to is not None and (database is None or database in served):
        return Owned(name, database, kinds, goes_to=to, but=_BUT[ending.listed])
    if to is not None:
        why = (
            f"this Regent does not serve {database}. Run there"
            f" REASSIGN OWNED BY {quote_ident(name)} TO {quote_ident(to)}, or let it be served."
        )
        return Owned(name, database, kinds, stays=why)
    what = "the role cannot be dropped" if ending.created else "the role is released with it"
    why = f"{what}. No reassignOwnedTo that is allowed names a new owner for it."
    return Owned(name, database, kinds, stays=why)

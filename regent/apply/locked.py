"""What other sessions hold, who they are, and how long a pass may wait for them in all.

Anybody who owns an object can hold its catalog row for as long as a transaction is open. So what is
held is asked of the server in one query, and the waits of a pass have one budget, however many
objects are held.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import asyncpg

from regent.kinds import KINDS, Address
from regent.server.connection import Connection
from regent.server.lenient_text import shown
from shared.listing import first_of
from shared.names import quote_literal
from sql import compose

WAIT_SECONDS = 1.0
"""What all waits of one pass may take together."""
WAIT_AGAIN_SECONDS = 0.25
"""The same, where the pass before waited in vain."""
LEAST_TIMEOUT_MS = 5
"""When that is used up. A lock that is free is had without any wait."""
LOCK_IS_HELD = "55P03"
SHOWN_HOLDERS = 3


class Patience:
    """How long one pass may still wait for what others hold."""

    def __init__(self, seconds: float = WAIT_SECONDS) -> None:
        self._left = seconds

    @property
    def is_over(self) -> bool:
        """Nothing may be waited for any more."""
        return self._left * 1000 < LEAST_TIMEOUT_MS

    def timeout_ms(self, most: int) -> int:
        """The lock_timeout of the next attempt."""
        return max(LEAST_TIMEOUT_MS, min(most, int(self._left * 1000)))

    def spend(self, seconds: float) -> None:
        """So long was waited in vain."""
        self._left -= seconds


@dataclass(frozen=True, slots=True)
class Holder:
    """A session, or a prepared transaction, that others wait for; nothing is said of an unknown."""

    pid: int | None = None
    user: str = ""
    application: str = ""
    prepared: str = ""

    @classmethod
    def of(cls, row: asyncpg.Record) -> Holder:
        """As the queries of sql/apply/locked.sql and sql/leaving/changes_roles.sql tell it."""
        texts = (row["user_name"], row["application_name"], row["gid"])
        return cls(row["pid"], *(shown(text or "") for text in texts))

    def __str__(self) -> str:
        if self.prepared:
            return f"the prepared transaction {self.prepared!r}"
        if self.pid is None:
            return "another session"
        by = ", ".join(part for part in (self.user, self.application) if part)
        return f"pid {self.pid} ({by})" if by else f"pid {self.pid}"

    @property
    def way_out(self) -> str:
        """How one ends it; empty when it is not known."""
        if self.prepared:
            return f"ROLLBACK PREPARED {quote_literal(self.prepared)} (or commit it)"
        return "" if self.pid is None else f"SELECT pg_terminate_backend({self.pid})"


@dataclass(slots=True)
class Locked:
    """What others hold now. `objects` by address, `roles` by name, with their holders.

    `busy` are those on which only the stronger lock is not to be had.
    """

    objects: dict[Address, list[Holder]] = field(default_factory=dict)
    roles: dict[str, list[Holder]] = field(default_factory=dict)
    busy: set[Address] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.objects or self.roles or self.busy)

    def holders_of(
        self, objects: Iterable[Address], grantees: Iterable[str | None]
    ) -> list[Holder]:
        """Who holds any of these, each of them once."""
        found = [h for one in objects for h in self.objects.get(one, ())]
        found += [h for role in grantees if role for h in self.roles.get(role, ())]
        return list(dict.fromkeys(found))


class LockedError(asyncpg.LockNotAvailableError):
    """Others hold it, and the patience of the pass is over."""

    def __init__(self, holders: Sequence[Holder]) -> None:
        some = holders or [Holder()]
        super().__init__(f"It is held by {first_of([*map(str, some)], SHOWN_HOLDERS)}.")
        ways_out = (holder.way_out for holder in some[:SHOWN_HOLDERS])
        ends = dict.fromkeys(filter(None, ways_out))
        self.way_out = "The next pass or apply tries it." + (
            f" To end what holds it: {'; '.join(ends)}." if ends else ""
        )


async def look_for(
    connection: Connection, objects: Collection[Address], grantees: Iterable[str | None]
) -> Locked:
    """Which of these objects, and which of these grantees, others hold now."""
    locked = Locked()
    for row in await connection.fetch(
        _query(frozenset(one.catalog for one in objects)),
        [one.catalog for one in objects],
        [one.oid for one in objects],
        [role for role in grantees if role is not None],
    ):
        holder = Holder.of(row)
        if row["role"] is not None:
            locked.roles.setdefault(row["role"], []).append(holder)
        elif row["is_hard"]:
            locked.objects.setdefault(Address(row["catalog"], row["oid"]), []).append(holder)
        else:
            locked.busy.add(Address(row["catalog"], row["oid"]))
    locked.busy -= locked.objects.keys()
    return locked


def _query(catalogs: frozenset[str]) -> str:
    """With the rows of each catalog that is asked for. Of the parts of a whole it knows itself."""
    places = sorted({(r.catalog, r.acl_catalog) for r in KINDS.values() if r.part_of is None})
    others = [
        compose("apply/locked_rows", catalog=catalog, written_in=written_in)
        for catalog, written_in in places
        if catalog in catalogs
    ]
    return compose("apply/locked", others="".join(f"UNION ALL\n{one}" for one in others))

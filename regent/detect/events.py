"""Reading what the event triggers recorded, and clearing it away once it has been dealt with.

Ids are given before they are committed, so a lower one may appear after a higher one: what was
already given out is remembered by (id, transaction) until it is deleted, not by the greatest id.
The table is UNLOGGED: after a crash it is empty and its ids begin again, transaction ids do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

import sql
from regent.kinds import Address
from regent.server.lenient_text import legible
from regent.server.own_tables import without_waiting

XIDS = 1 << 32
MOST_IDS = 256
"""Of one command, to look for what each of them wrote; a full pass needs none."""
RECORDED_OF_A_TRANSACTION = 32
"""More than these events of one transaction are not recorded (record_change)."""
AT_ONCE = 1000
"""Rows read or deleted by one statement."""
GONE = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.WrongObjectTypeError,
)


@dataclass(frozen=True, slots=True)
class Event:
    """One recorded command. GRANT and REVOKE name a kind of object, never which one.

    What ran inside of REFRESH MATERIALIZED VIEW names nothing but its tag.
    `xid` is the full id of the top transaction. `written_by` is the xmin of the event's own row:
    the command used that transaction id or an earlier one of the same transaction.
    """

    id: int
    at: datetime
    xid: int
    written_by: int
    command_tag: str
    object_type: str | None
    catalog: str | None
    objid: int | None
    in_extension: bool
    session_user: str
    role: str | None
    pid: int
    application: str
    client: str | None
    backend: str | None = None
    """Which process of the server's it was; None for a client's session."""

    @property
    def address(self) -> Address | None:
        """The object that the command names, if any."""
        if self.catalog is None or self.objid is None:
            return None
        return Address(self.catalog, self.objid)

    @property
    def xmin(self) -> int:
        """What rows written by the top transaction have as their xmin."""
        return self.xid % XIDS

    @property
    def span(self) -> int:
        """How many ids after its own it can have written with. Ids go round."""
        return (self.written_by - self.xmin) % XIDS


@dataclass(frozen=True, slots=True)
class Taken:
    """New events of others, oldest first.

    `lost` counts commands that found the table full, or could not be recorded; then, and when
    `is_damaged` (the table is not what it was), only a full pass will do. `has_more`: call again.
    """

    events: tuple[Event, ...] = ()
    lost: int = 0
    has_more: bool = False
    is_damaged: bool = False

    @property
    def xids(self) -> tuple[int, ...]:
        """All ids that the transactions can have written with, each once, as xmin shows them.

        What was written inside a subtransaction has an id of its own, up to the event's.
        """
        return tuple(
            dict.fromkeys(
                (event.xmin + step) % XIDS
                for event in self.events
                for step in range(min(event.span, MOST_IDS) + 1)
            )
        )

    @property
    def is_whole(self) -> bool:
        """Nothing can have been written with another id than those of `xids`."""
        return not self.cut and all(event.span <= MOST_IDS for event in self.events)

    @property
    def cut(self) -> frozenset[int]:
        """The transactions of which not all commands are recorded."""
        return cut(self.events)

    @property
    def objects(self) -> tuple[Address, ...]:
        """The objects that are known, each once."""
        named = (event.address for event in self.events)
        return tuple(dict.fromkeys(address for address in named if address is not None))


def cut(events: Iterable[Event]) -> frozenset[int]:
    """The transactions (full ids) of which not all commands are recorded."""
    counted = Counter(event.xid for event in events)
    return frozenset(xid for xid, count in counted.items() if count >= RECORDED_OF_A_TRANSACTION)


class EventReader:
    """Takes the events of one database; keeps apart what it has given out and not yet deleted."""

    def __init__(self, own: Container[int] = ()) -> None:
        """`own` holds the pids of our sessions; what they did is passed over."""
        self._own = own
        self._given: set[tuple[int, int]] = set()
        self._of_this_pass: set[tuple[int, int]] = set()
        self._overflow: int | None = None
        self._owes_room = False

    async def take(self, connection: asyncpg.Connection) -> Taken:
        """What is new. LockNotAvailableError, at once, where somebody locks the table."""
        limit = AT_ONCE + len(self._given)
        try:
            async with without_waiting(connection):
                rows = await connection.fetch(sql.load("watch/events"), limit)
        except GONE:
            self._given.clear()
            return Taken(is_damaged=True)
        lost = self._lost(rows[0]["overflow"])
        present = [row for row in rows if row["id"] is not None]
        new = [row for row in present if (row["id"], row["xid"]) not in self._given]
        self._given = {(row["id"], row["xid"]) for row in present}
        self._of_this_pass |= {(row["id"], row["xid"]) for row in new}
        return Taken(
            tuple(_event(row) for row in new if row["pid"] not in self._own),
            lost=lost,
            has_more=len(present) >= limit,
        )

    def begin(self) -> None:
        """A pass begins: what was given out before is dealt with."""
        self._of_this_pass.clear()

    def give_again(self) -> None:
        """The pass failed: what it was given out is as good as new."""
        self._given -= self._of_this_pass

    async def forget(self, connection: asyncpg.Connection) -> int:
        """Delete what was given out: after the pass, as nobody waits for it. How many went."""
        ids = sorted(key[0] for key in self._given)
        gone = 0
        try:
            for start in range(0, len(ids), AT_ONCE):
                part = [*map(str, ids[start : start + AT_ONCE])]
                async with without_waiting(connection):
                    gone += await connection.fetchval(sql.load("watch/events_forget"), part)
            if ids or self._owes_room:
                async with without_waiting(connection):
                    await connection.execute(sql.load("watch/events_taken"))
                self._owes_room = False
        except GONE:
            pass
        self._given.clear()
        return gone

    def _lost(self, count: int) -> int:
        """Since the last call. Ids are used up by what is rolled back too: then there is room."""
        before, self._overflow = self._overflow, count
        lost = count if before is None or count < before else count - before
        self._owes_room = self._owes_room or lost > 0
        return lost


def _event(row: asyncpg.Record) -> Event:
    return Event(
        id=row["id"],
        at=row["at"],
        xid=row["xid"],
        written_by=row["written_by"],
        command_tag=row["command_tag"],
        object_type=row["object_type"],
        catalog=row["catalog"],
        objid=row["objid"],
        in_extension=row["in_extension"],
        session_user=legible(row["session_user"]),
        role=legible(row["role"]) if row["role"] is not None else None,
        pid=row["pid"],
        application=legible(row["application_name"]),
        client=row["client"],
        backend=row["backend_type"],
    )

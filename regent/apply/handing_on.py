"""What a leaver owns goes to another role, object by object, and code only where that is safe.

REASSIGN OWNED would take ACCESS EXCLUSIVE on everything at once, so ownership moves object by
object (rules 23 and 27). Code would run with the rights of its new owner: it goes to a role that
can do nothing more than the leaver, or to one that `allow.reassignOwnedTo` lists (ADR 16). Both are
judged again in the transaction that moves the object, while it holds the object's lock. An object
is read and judged by its oid, and altered by its name: whoever owns its schema can give that to
another one meanwhile, so what was judged must be the heir's before the transaction ends (ADR 40).

Long because what judges an object and what moves it are read together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg

from regent.apply.coming import NOTHING_COMES, Coming
from regent.apply.keeping import NOTHING_ELSE, Also
from regent.apply.locked import Patience
from regent.apply.names import Named
from regent.apply.naming import ROUTINE, routine_in
from regent.apply.result import (
    CHANGED_MEANWHILE,
    STAYS,
    VANISHED,
    StepRefusedError,
    is_passing,
    message,
    sqlstate,
    way_out,
)
from regent.apply.transaction import patiently, run
from regent.changes import HandOnOwned
from regent.desired import Listed
from regent.server.connection import Connection
from regent.server.connections import Connections
from regent.server.lenient_text import is_legible, legible, shown
from regent.server.trouble import CONNECTION_IS_GONE
from shared.errors import PostgRegentError
from shared.names import quote_ident
from sql import load

_ALTER = {
    "server": "SERVER",
    "foreign-data wrapper": "FOREIGN DATA WRAPPER",
    "statistics object": "STATISTICS",
    "composite type": "TYPE",
    "large object": "LARGE OBJECT",
}
"""Where ALTER wants another word than pg_identify_object has."""

_STAY = frozenset({"extension", "default acl", "user mapping"})
"""An extension's owner cannot be altered; the others are privileges in disguise."""

SHOWN = 5
ROUNDS = 3
"""Handing on is looked at again: a partition, or an object made meanwhile, comes along."""

Place: TypeAlias = tuple[int, int, int]
"""Of an object: database, catalog, oid."""

Moved = set[Place]
"""Objects that were this leaver's at its end: the heir gained them from nobody else."""

Remember: TypeAlias = Callable[[Collection[Place]], Awaitable[None]]


class NotHandedOnError(StepRefusedError):
    """Some objects could not be handed on."""

    sqlstate = STAYS


@dataclass(frozen=True, slots=True)
class Refused:
    """Why one object stays, and the code of that."""

    why: str
    sqlstate: str = STAYS

    @property
    def is_to_be_read_again(self) -> bool:
        """Its name was given to another object: in the next round it has the one of then."""
        return self.sqlstate == CHANGED_MEANWHILE


class _StaysError(PostgRegentError):
    """One object may not move."""


class _AnotherObjectError(PostgRegentError):
    """Its name is another object's now."""


@dataclass(frozen=True, slots=True)
class OwnedObject:
    """One object that the leaver owns."""

    kind: str
    identity: str
    address: Place
    followers: tuple[int, ...] = ()
    """Sequences of its columns, which move with it."""
    routine: str = ""
    """How a statement names it, where it is one."""

    @property
    def named(self) -> str:
        """What ALTER wants, with the word for its kind."""
        if self.routine:
            return f"{ROUTINE} {self.routine}"
        return f"{_ALTER.get(self.kind, self.kind.upper())} {self.identity}"

    def __str__(self) -> str:
        return f"{self.kind} {legible(self.identity)}"

    @property
    def places(self) -> tuple[Place, ...]:
        """Of it, and of what moves with it."""
        database, catalog, oid = self.address
        return tuple((database, catalog, one) for one in (oid, *self.followers))


async def _nowhere(owned: Collection[Place]) -> None:
    """For a caller who hands on once and for all."""


async def hand_on_owned(
    connections: Connections,
    change: HandOnOwned,
    moved: Moved,
    *,
    before_write: Callable[[], None],
    patience: Patience | None = None,
    coming: Coming = NOTHING_COMES,
    remember: Remember = _nowhere,
) -> int:
    """How many objects of the database the heir owns now that were the leaver's.

    Each moves in a transaction of its own, and is then in `moved`, which is of this leaver alone;
    `remember` is told before, for whoever goes on with it. Raises NotHandedOnError, after
    everything else has moved, when something stays.
    """
    handing = Handing(change, moved, coming, before_write, patience or Patience())
    count = 0
    refused: dict[OwnedObject, Refused] = {}
    async with connections.use(change.database) as connection:
        for _ in range(ROUNDS):
            refused = {o: one for o, one in refused.items() if not one.is_to_be_read_again}
            waiting = [o for o in await owned_by(connection, change.role) if o not in refused]
            if not waiting:
                break
            before_write()
            await remember({place for thing in waiting for place in thing.places} - moved)
            for thing in waiting:
                why = await handing.refusal(connection, thing)
                stays = Refused(why) if why else await handing.hand_on(connection, thing)
                if stays is not None:
                    refused[thing] = stays
                else:
                    count += 1
    if refused:
        raise _not_handed_on(change, refused)
    return count


def _not_handed_on(change: HandOnOwned, refused: Mapping[OwnedObject, Refused]) -> NotHandedOnError:
    """With the code of what passes, where anything does: then all of it is tried again soon."""
    first = [f"{thing}: {one.why}" for thing, one in list(refused.items())[:SHOWN]]
    states = {one.sqlstate for one in refused.values()}
    passing = sorted(filter(is_passing, states))
    ways_out = [way_out(passing[0])] if passing else []
    if not all(map(is_passing, states)):
        ways_out.append(way_out(STAYS, change))
    return NotHandedOnError(
        f'{len(refused)} objects of "{change.role}" in "{change.database}" stay its own:'
        f" {'; '.join(first)}.",
        way_out=" Of the others: ".join(ways_out),
        sqlstate=passing[0] if passing else STAYS,
    )


async def owned_by(connection: Connection, role: str) -> list[OwnedObject]:
    """What the role owns in this database, and of what all databases share."""
    return [owned_object(row) for row in await connection.fetch(load("leaving/owned"), role)]


def owned_object(row: asyncpg.Record) -> OwnedObject:
    """A row of leaving/owned.sql."""
    return OwnedObject(
        row["kind"],
        row["identity"],
        (row["dbid"], row["classid"], row["objid"]),
        tuple(row["followers"]),
        routine_in(row),
    )


@dataclass(frozen=True, slots=True)
class Handing:
    """How what one role owns goes to another: `moved` and `coming` are what the heir gets by it."""

    change: HandOnOwned
    moved: Moved
    coming: Coming
    before_write: Callable[[], None]
    patience: Patience
    schema: str | None = None
    """Where the object must still stand; None where that does not matter."""

    async def refusal(self, connection: Connection, thing: OwnedObject) -> str:
        """Why the object stays with the leaver; empty when it may move."""
        change = self.change
        if not is_legible(thing.identity):
            return "no statement can name it"
        if thing.kind in _STAY:
            return "its owner cannot be altered"
        if change.refusal:
            return change.refusal.rstrip(".")
        if change.listed is Listed.BY_NAME:
            return ""
        _, catalog, oid = thing.address
        parties, managed = [change.role, change.to], list(self.coming.managed)
        code = await connection.fetch(
            load("leaving/code"), catalog, oid, parties, change.to, managed
        )
        if not code:
            return ""
        more = await self._more(connection, thing)
        if change.listed is Listed.BY_PATTERN:
            more = [one for one in more if one == "the attribute SUPERUSER"]
        if not more:
            return ""
        why = shown(code[0]["why"])
        return f'it is code ({why}), and "{change.to}" can do more: {more[0]}'

    async def _more(self, connection: Connection, thing: OwnedObject) -> list[str]:
        """What the heir can do and the leaver cannot."""
        databases, catalogs, oids = zip(*sorted({*self.moved, thing.address}), strict=True)
        rows = await connection.fetch(
            load("leaving/reaches_more"),
            self.change.role,
            self.change.to,
            list(databases),
            list(catalogs),
            list(oids),
            list(self.coming.leavers),
        )
        found = [f"{_MORE[row['what']]} {shown(row['detail'])}" for row in rows]
        return [*found, self.coming.given] if self.coming.given else found

    async def hand_on(
        self, connection: Connection, thing: OwnedObject, also: Also = NOTHING_ELSE
    ) -> Refused | None:
        """None when it moved or is gone; else why it did not."""
        named = Named(connection, also.meant)
        statement = f"ALTER {thing.named} OWNER TO {quote_ident(self.change.to)}"

        async def still_may() -> None:
            """Now nobody can make code of it: its lock is held."""
            why = await self.refusal(connection, thing)
            if why:
                raise _StaysError(why)
            _, catalog, oid = thing.address
            owner = await connection.fetchval(load("leaving/owner_now"), catalog, oid, self.schema)
            if owner != self.change.to:
                raise _AnotherObjectError
            await named.at_last()

        async def once() -> None:
            self.before_write()
            await run(
                connection,
                [statement, *also.statements],
                patience=self.patience,
                after_begin=named.at_first if also.meant else None,
                before_commit=still_may,
            )

        try:
            await patiently(once, patience=self.patience)
        except CONNECTION_IS_GONE:
            raise
        except _StaysError as error:
            return Refused(message(error))
        except _AnotherObjectError as error:
            return Refused(message(error), CHANGED_MEANWHILE)
        except asyncpg.PostgresError as error:
            state = sqlstate(error)
            is_gone = state in VANISHED
            return None if is_gone else Refused(message(error), state)
        self.moved.update(thing.places)
        return None


_MORE = {
    "attribute": "the attribute",
    "membership": "a membership in",
    "ownership": "the ownership of",
    "privilege": "a privilege on",
}
"""The words for `what` of sql/leaving/reaches_more.sql."""

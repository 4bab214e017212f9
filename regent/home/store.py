"""What a Regent remembers, kept on the server it serves (rule 5).

Every statement is in sql/home and runs as the owner role (regent/home/connection.py). A write that
was cut off is done once more: all of them may be done twice, and the worst that a second one leaves
is a second line of history.

Long because every question to the home database is a method of its own, and most are one line.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import copy
from datetime import datetime
from typing import Self

import asyncpg

from regent.home import database as home_database
from regent.home.check import check_owner
from regent.home.connection import HomeConnection
from regent.home.database import (
    HomeDatabaseMissing,
    HomeDatabaseNewer,
    HomeDatabaseUnsafe,
)
from regent.home.layout import CENSUS_SINCE, PAUSES_SINCE
from regent.home.locks import PATIENCE_SECONDS, LockHeld, lock_roles_in_transaction
from regent.home.moved import refuse_moved
from regent.home.rows import (
    census_of,
    drift_of,
    kept_message,
    mark_of,
    pauses_of,
    text_of,
    unmanageable_of,
)
from regent.home.unreadable import UnreadableRows, readable
from regent.remembered import (
    AcceptedState,
    BrakeMemory,
    Census,
    Mark,
    Pause,
    Remembered,
    Unmanageable,
    with_approval,
    with_editions,
    with_names,
)
from regent.server.connection import Connection, Connects
from regent.server.trouble import CONNECTION_IS_GONE
from shared.errors import PostgRegentError
from shared.json_text import json_text
from shared.names import OWNER_ROLE, quote_ident
from shared.outcomes import Actor, Drift
from shared.resources.regent import DEFAULT_HOME_DATABASE
from shared.state import REVEAL
from sql import load

__all__ = [
    "CONNECTION_IS_GONE",
    "Home",
    "HomeDatabaseMissing",
    "HomeDatabaseNewer",
    "HomeDatabaseUnsafe",
    "HomeIsShared",
]

HISTORY_LIMIT = 10_000
PRUNE_EVERY = 100
MAINTENANCE = ("postgres", "template1")


class HomeIsShared(PostgRegentError):
    """Other Regents remember things in this home database."""


class Home:
    """One Regent's rows in the home database, and the marks of all."""

    def __init__(
        self,
        connector: Connects,
        connection: Connection,
        *,
        database: str,
        regent: str,
        through: Sequence[str],
        had_owner: bool = True,
    ) -> None:
        """`had_owner`: the role that owns home databases was on the server before this one."""
        self.had_owner = had_owner
        self.database = database
        self.regent = regent
        self._connector = connector
        self._connection = HomeConnection(connector, connection, database)
        self._through = tuple(through)
        self._since_prune = PRUNE_EVERY
        self.unreadable = UnreadableRows()
        self._version = home_database.LATEST

    def __repr__(self) -> str:
        return f"Home({self.database!r}, regent={self.regent!r})"

    @classmethod
    async def open(
        cls,
        connector: Connects,
        *,
        database: str = DEFAULT_HOME_DATABASE,
        regent: str,
        through: Sequence[str] = (),
        origin: str | None = None,
    ) -> Self:
        """The home database, made or brought up to date where needed.

        `regent` is `namespace/name`. `through` are databases to make it from, the served ones
        first; `postgres` and `template1` are tried after them. Raises HomeDatabaseMissing with the
        SQL to run, HomeDatabaseNewer, HomeDatabaseUnsafe for one that is not as we make it, and
        HomeDatabaseMoved where this Regent of this `origin` has roles in another one; None is not
        asked about.
        """
        doors = tuple(dict.fromkeys((*through, *MAINTENANCE)))

        async def check(connection: Connection) -> None:
            if origin is not None:
                await refuse_moved(
                    connector, connection, database=database, regent=regent, origin=origin
                )

        connection, had_owner = await home_database.make(
            connector, database, through=doors, check=check
        )
        return cls(
            connector,
            connection,
            database=database,
            regent=regent,
            through=doors,
            had_owner=had_owner,
        )

    @classmethod
    async def find(
        cls, connector: Connects, *, database: str = DEFAULT_HOME_DATABASE, regent: str
    ) -> Remembered | None:
        """What is remembered, without making anything. None: there is no home database yet."""
        async with cls.reading(connector, database=database) as home:
            return None if home is None or home.version == 0 else await home.of(regent).load()

    @classmethod
    @asynccontextmanager
    async def reading(
        cls, connector: Connects, *, database: str = DEFAULT_HOME_DATABASE
    ) -> AsyncIterator[Self | None]:
        """The memory of all Regents, of whatever version, without making anything.

        None: there is no home database. `of` gives the rows of one Regent.
        """
        connection = await home_database.enter(connector, database)
        if connection is None:
            yield None
            return
        home = cls(connector, connection, database=database, regent="", through=())
        try:
            # As the owner role: a login with NOINHERIT reads nothing else before 16.
            home._version = await home._connection.do(home_database.version)
            yield home
        finally:
            await home.close()

    @property
    def version(self) -> int:
        """Of its tables; 0 where there are none."""
        return self._version

    def of(self, regent: str) -> Self:
        """The rows of another Regent, through the same connection."""
        other = copy(self)
        other.regent, other.unreadable = regent, UnreadableRows()
        return other

    async def regents(self) -> tuple[str, ...]:
        """Those that still remember something here, but for this one."""
        rows = await self._connection.fetch("home/other_regents", self.regent)
        return tuple(str(row["regent"]) for row in rows)

    async def close(self) -> None:
        """The connection ends, and none is opened again; nothing is lost by it."""
        await self._connection.close()

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """The connection to the home database, for one caller at a time, opened when it broke.

        It has the admin's rights: who writes in our tables acts as their owner meanwhile.
        """
        return self._connection.borrowed()

    # What this Regent is told

    async def load(self) -> Remembered:
        """Everything, as at the start of a Regent."""

        async def read(connection: Connection) -> Remembered:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                row = await connection.fetchrow(load("home/load"), self.regent)
                marks = await connection.fetch(load("home/marks"))
                unmanageable = await connection.fetch(load("home/unmanageable"), self.regent)
                has_census = self._version >= CENSUS_SINCE
                query = load("home/unmanaged")
                census = await connection.fetch(query, self.regent) if has_census else []
                has_pauses = self._version >= PAUSES_SINCE
                pauses = await connection.fetch(load("home/pauses")) if has_pauses else []
            written = row["accepted"] if row else None
            brake = row["brake"] if row else None
            with readable("accepted", self.regent):
                state = AcceptedState.model_validate_json(written) if written else None
            with readable("brake", self.regent):
                memory = BrakeMemory.model_validate_json(brake) if brake else BrakeMemory()
            accepted, memory = with_editions(state, memory)
            readable_marks = tuple(self.unreadable.marks(marks, mark_of))
            return Remembered(
                accepted=accepted,
                brake=with_approval(accepted, with_names(memory)),
                marks=readable_marks,
                census=census_of(census, self.unreadable.roles),
                pauses=pauses_of(pauses),
                system_identifier=row["system_identifier"] if row else None,
                unmanageable=unmanageable_of(unmanageable),
            )

        return await self._connection.do(read)

    async def is_in_recovery(self) -> bool:
        """Whether the server is a standby, which takes nothing that is to be remembered."""
        return bool(await self._connection.do(_is_in_recovery))

    async def store_accepted(self, accepted: AcceptedState) -> None:
        """The merged state of the last push, durable when this returns."""
        await self._connection.execute(
            "home/store_accepted", self.regent, accepted.stored(), accepted.state.origin
        )

    async def store_brake(self, memory: BrakeMemory) -> None:
        """The brake's memory, durable when this returns."""
        text = json_text(memory, context=REVEAL, exclude_none=True, by_alias=True)
        await self._connection.execute("home/store_brake", self.regent, text)

    async def store_system_identifier(self, identifier: str) -> None:
        """The server that this Regent knows as its own (rule 28a)."""
        await self._connection.execute("home/store_identity", self.regent, identifier)

    async def accept_server(self, identifier: str) -> None:
        """Another server is this Regent's own from now on; its marks know the oids of that one."""

        async def write(connection: Connection) -> None:
            async with connection.transaction():
                await connection.execute(load("home/accept_server"), self.regent, identifier)
                await connection.execute(load("home/set_census_aside"), self.regent)
                await connection.execute(load("home/remap_census"), self.regent)
                await connection.execute(load("home/forget_pauses"))

        await self._connection.do(write)

    async def forget_regent(self) -> None:
        """Nothing of this Regent stays but its released marks (rule 28)."""
        await self.release_all_marks()
        await self._connection.execute("home/forget_regent", self.regent)

    # Marks: written by regent.applying, in the transactions that change the roles

    async def marks(self) -> tuple[Mark, ...]:
        """All marks of this server, those of other Regents too."""
        return tuple(self.unreadable.marks(await self._connection.fetch("home/marks"), mark_of))

    async def release_all_marks(self) -> tuple[str, ...]:
        """This Regent's roles become nobody's business; their holders may take them back."""
        rows = await self._connection.fetch("home/release_all_marks", self.regent)
        return tuple(str(row["role"]) for row in rows)

    # Roles that nobody declares

    async def census(self) -> Census:
        """What is remembered of them; to be asked after the marks were read."""
        rows = await self._connection.fetch("home/unmanaged", self.regent)
        return census_of(rows, self.unreadable.roles)

    async def note_unmanaged(
        self, found: Mapping[int, str], appeared_at: datetime | None, actor: Actor | None
    ) -> None:
        """Roles by oid, made by this actor; None is of what was there before."""
        text = None if actor is None else json_text(actor, by_alias=True, exclude_none=True)
        times = [appeared_at] * len(found)
        await self._connection.execute(
            "home/note_unmanaged", self.regent, list(found), list(found.values()), times, text
        )

    async def note_disabled_again(self, names: Collection[str]) -> None:
        """Roles that this Regent had disabled, as a person said after its memory was lost."""
        await self._connection.execute("home/note_disabled_again", self.regent, list(names))

    async def forget_unmanaged(self, oids: Collection[int]) -> None:
        """Roles that are gone, or that somebody answers for."""
        if oids:
            await self._connection.execute("home/forget_unmanaged", self.regent, sorted(oids))

    async def give_logins_back(
        self, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> tuple[tuple[str, ...], Mapping[str, str]]:
        """LOGIN for each role that was disabled: to whom it was given, and why not to whom else.

        As the admin, role by role: one that the admin may not alter keeps no other from it.
        """
        given: list[str] = []
        left: dict[str, str] = {}
        for one in (await self.census()).noticed:
            if one.disabled_at is None:
                continue
            name = one.role
            async with self.connection() as connection:
                try:
                    async with connection.transaction():
                        await lock_roles_in_transaction(
                            connection, patience_seconds=patience_seconds
                        )
                        found = await connection.fetchval(load("home/role_called"), one.role_oid)
                        if found is None:
                            continue
                        name = found
                        await connection.execute(f"ALTER ROLE {quote_ident(name)} WITH LOGIN")
                        await connection.execute(f"SET LOCAL ROLE {quote_ident(OWNER_ROLE)}")
                        await connection.execute(
                            load("home/note_enabled"), self.regent, one.role_oid
                        )
                    given.append(name)
                except LockHeld as error:
                    left[name] = f"another Regent writes roles: {error.holder}"
                except asyncpg.LockNotAvailableError:
                    left[name] = "another session holds it"
                except (asyncpg.PostgresError, ValueError):  # not UTF-8, the last
                    left[name] = "the admin may not alter it"
        return tuple(given), left

    async def stop_noticing(self) -> None:
        """Nobody asks who is there that nobody declares."""
        await self._connection.execute("home/stop_noticing", self.regent)

    # Roles whose correction is paused

    async def pauses(self) -> tuple[Pause, ...]:
        """All of this server that are not over, by its clock."""
        return pauses_of(await self._connection.fetch("home/pauses"))

    # What leavers owned

    async def belongings(self, role: str, ended_at: datetime) -> frozenset[tuple[int, int, int]]:
        """What the role owned at this end of it: database, catalog, oid."""
        rows = await self._connection.fetch("home/belongings", role, ended_at)
        return frozenset((row["database"], row["catalog"], row["object"]) for row in rows)

    async def note_belongings(
        self, role: str, ended_at: datetime, owned: Collection[tuple[int, int, int]]
    ) -> None:
        """Before any of it is handed on, so that no crash makes it the heir's own."""
        if owned:
            columns = map(list, zip(*sorted(owned), strict=True))
            await self._connection.execute("home/note_belongings", role, ended_at, *columns)

    # Drift

    async def record_drift(self, drifts: Sequence[Drift]) -> tuple[int, ...]:
        """Their ids, in order. The newest 10,000 of each Regent stay, give or take 100."""
        if not drifts:
            return ()
        rows = await self._connection.fetch(
            "home/record_drift", self.regent, [text_of(d) for d in drifts]
        )
        self._since_prune += len(rows)
        if self._since_prune >= PRUNE_EVERY:
            await self._connection.execute("home/prune_history", self.regent, HISTORY_LIMIT)
            self._since_prune = 0
        return tuple(sorted(int(row["id"]) for row in rows))

    async def settle_drift(self, drifts: Sequence[Drift]) -> tuple[int, ...]:
        """What became of drifts that were recorded before, told by their ids.

        What was corrected since is news: it gets the next ids, which are returned in order.
        """
        if not drifts:
            return ()
        ids, texts = [str(d.id) for d in drifts], [text_of(d) for d in drifts]
        rows = await self._connection.fetch("home/settle_drift", self.regent, ids, texts)
        return tuple(sorted(int(row["id"]) for row in rows))

    async def history(self, after: int = 0, limit: int = 500) -> tuple[Drift, ...]:
        """Drifts later than id `after`, oldest first."""
        return await self._page("home/history", after, limit)

    async def outstanding(self, after: int = 0, limit: int = 500) -> tuple[Drift, ...]:
        """Drifts later than id `after` that nobody corrected yet, oldest first."""
        return await self._page("home/outstanding", after, limit)

    async def _page(self, query: str, after: int, limit: int) -> tuple[Drift, ...]:
        """As many as were asked for, where so many can be read: an empty page is the end."""
        found: list[Drift] = []
        while True:
            asked = limit - len(found)
            rows = await self._connection.fetch(query, self.regent, after, asked)
            found += self.unreadable.drifts(rows, drift_of)
            if len(rows) < asked or len(found) == limit:
                return tuple(found)
            after = rows[-1]["id"]

    async def count_outstanding(self) -> int:
        """All drifts that nobody corrected yet; what cannot be read cannot settle, and is none."""
        unreadable = [*map(str, sorted(self.unreadable.drift_ids))]
        [row] = await self._connection.fetch("home/count_outstanding", self.regent, unreadable)
        return int(row["count"])

    async def require_safe(self) -> None:
        """Raise HomeDatabaseUnsafe where somebody came among its owners since it was opened."""
        async with self.connection() as connection:
            await check_owner(connection)

    # What can never succeed

    async def unmanageable(self) -> Mapping[str, Unmanageable]:
        """What the server refused for good, by digest (rule 21)."""
        return unmanageable_of(await self._connection.fetch("home/unmanageable", self.regent))

    async def remember_unmanageable(self, refused: Mapping[str, Unmanageable]) -> None:
        """By digest, which regent.gate.refusals gives."""
        if refused:
            states = [one.sqlstate for one in refused.values()]
            messages = [kept_message(one) for one in refused.values()]
            await self._connection.execute(
                "home/remember_unmanageable", self.regent, list(refused), states, messages
            )

    async def forget_unmanageable(self, digests: Sequence[str] | None = None) -> None:
        """These are tried again; None is all of them."""
        await self._connection.execute(
            "home/forget_unmanageable", self.regent, None if digests is None else list(digests)
        )

    # The end

    async def drop(self, *, force: bool = False) -> None:
        """The home database goes. Raises HomeIsShared when others need it, unless forced."""
        others = await self.regents()
        if others and not force:
            raise HomeIsShared(
                f'The home database "{self.database}" is also that of {", ".join(others)}.',
                way_out="Uninstall those first.",
            )
        await self.close()
        await home_database.drop(self._connector, self.database, through=self._through)


async def _is_in_recovery(connection: Connection) -> object:
    return await connection.fetchval("SELECT pg_catalog.pg_is_in_recovery()")

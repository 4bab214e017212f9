"""One Regent serves a database at a time, and one writes a server's roles (rule 6).

Advisory locks in the home database: they end with the session that holds them, and no copy of the
database carries them. Anybody who can connect may take any advisory key, so a lock counts only
when its holder's session user is an admin of ours. Against a stranger who sits on a key there are
eight keys for each name: who finds one taken by a stranger takes the next, and whoever has one
looks whether an admin of ours holds any of the others. Two that see each other both step back.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Protocol, Self

import asyncpg

from regent.home.database import OWNER, HomeDatabaseMissing
from regent.server.connection import Connection, Connects
from regent.server.lenient_text import legible
from regent.server.trouble import TROUBLE
from shared.errors import PostgRegentError
from shared.resources import GROUP
from sql import load

KEYS_PER_NAME = 8
ROLES = "roles"
OF = "The lock of "
OF_A_REGENT = f"{OF}regent "
PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.02
CHECK_SECONDS = 5.0
PROOF_SECONDS = 20.0
"""Two checks and their patience: a lock that was not seen for so long is not to be counted on."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A session that holds a lock we want."""

    pid: int
    session_user: str
    application: str
    client: str
    since: datetime | None
    is_ours: bool

    def __str__(self) -> str:
        parts = [self.application or "a session", f"(user {self.session_user}, pid {self.pid}"]
        if self.client:
            parts.append(f"from {self.client}")
        if self.since:
            parts.append(f"since {self.since:%Y-%m-%d %H:%M:%S %Z}")
        return " ".join(parts) + ")"


class LockHeld(PostgRegentError):
    """Another Regent holds the lock."""

    def __init__(
        self, what: str, holder: Holder, *, way_out: str = "", held: str = "is held by"
    ) -> None:
        super().__init__(
            f"{what} {held} {holder}.",
            way_out=way_out or "Stop the other Regent, or wait until its session ends.",
        )
        self.holder = holder
        self._what = what
        self.is_of_a_regent = what.startswith(OF_A_REGENT)
        """The name of a Regent, which its own predecessor may hold; not a database."""
        self.is_over = False
        """Nobody holds it any more, so it ends by itself."""

    def just_over(self, seconds: float) -> LockHeld:
        """The same, where nobody holds it any more, and the other has so long to come back."""
        over = LockHeld(
            self._what,
            self.holder,
            held="was until a moment ago held by",
            way_out=f"It has {seconds:.0f} s to come back, then this one takes over by itself."
            " Where the other Regent was not deleted, and both serve one database by mistake,"
            " delete one of the two.",
        )
        over.is_over = True
        return over


class Turns(Protocol):
    """Whether it may be taken, after what was seen of it (regent/home/turns.py)."""

    def note(self, held: LockHeld) -> None:
        """It was refused."""

    def require(self) -> None:
        """Raise LockHeld while another one goes first."""


class LockLost(PostgRegentError):
    """The connection that held the Regent's lock is gone, and the lock with it."""


class RegentLock:
    """The lock for life: over the Regent's own rows and over every database it serves.

    On a connection of its own. When that breaks the lock is lost, `lost` is set, and nothing may
    be written until it is taken again.
    """

    def __init__(
        self, connection: Connection, keys: Sequence[int], had_free: Sequence[str] = ()
    ) -> None:
        self.had_free = tuple(had_free)
        self.lost = asyncio.Event()
        self._connection = connection
        self._keys = tuple(keys)
        self._seen_at = monotonic()
        self._asking = asyncio.Lock()
        self._guard: int | None = None
        connection.add_termination_listener(self._on_termination)

    @classmethod
    async def take(
        cls,
        connector: Connects,
        *,
        database: str,
        regent: str,
        served: Iterable[str],
        if_free: Iterable[str] = (),
        turn: Turns | None = None,
    ) -> Self:
        """The lock, or LockHeld at once. `database` is the home database, which must exist.

        `turn` is asked after all was seen to be free, and before anything is taken. Of the
        databases `if_free` those are taken, as `had_free`, that no other Regent has.
        """
        names = [f"regent {regent}", *sorted(f"database {name}" for name in set(served))]
        connection = await connector.connect(database, purpose=f"lock of {regent}")
        try:
            await connection.execute(load("home/keep_alive"))
            if turn is not None:
                await _look_whose_turn(connection, names, turn)
            keys = [await _take(connection, name, "home/try_lock") for name in names]
            had_free = []
            for name in if_free:
                with suppress(LockHeld):
                    keys.append(await _take(connection, f"database {name}", "home/try_lock"))
                    had_free.append(name)
        except BaseException:
            connection.terminate()
            raise
        return cls(connection, keys, had_free)

    @property
    def is_held(self) -> bool:
        """As far as this side knows; `check` asks the server."""
        return not self.lost.is_set() and not self._connection.is_closed()

    @property
    def is_proven(self) -> bool:
        """The server has said so lately: what Ready rests on."""
        return self.is_held and monotonic() - self._seen_at < PROOF_SECONDS

    def require(self) -> None:
        """Raise LockLost unless the lock is held. For just before a write."""
        if not self.is_held:
            raise LockLost(way_out="Nothing is written until the lock is taken again.")

    async def check(self) -> bool:
        """Ask the server. A connection that does not answer in 5 s is given up, the lock too."""
        try:
            async with asyncio.timeout(CHECK_SECONDS), self._asking:
                keys = [*map(str, self._keys)]
                rows = await self._connection.fetch(load("home/lock_holders"), keys, OWNER)
        except TROUBLE:
            self.lost.set()
            self._connection.terminate()
            return False
        if {row["key"] for row in rows if row["is_this_session"]} != set(self._keys):
            self.lost.set()
        else:
            self._seen_at = monotonic()
        return self.is_held

    async def raise_guard(self) -> int:
        """Hold one more key, by which judges in the served databases know that this Regent lives.

        Until it is lowered. Then it is another one, which nobody can have taken before: so whatever
        they were told until then has no lock to go with.
        """
        if self._guard is None:
            key = secrets.randbits(63)
            async with asyncio.timeout(CHECK_SECONDS), self._asking:
                if await self._connection.fetchval(load("home/try_lock"), key):
                    self._guard = key
        if self._guard is None:
            raise LockLost(way_out="A lock with a random key was taken; it is tried again.")
        return self._guard

    async def lower_guard(self) -> None:
        """From now on no judge refuses anything, in any database."""
        if self._guard is None:
            return
        try:
            async with asyncio.timeout(CHECK_SECONDS), self._asking:
                await self._connection.fetchval(load("home/unlock"), self._guard)
        except TROUBLE:
            self.lost.set()
            self._connection.terminate()
        self._guard = None

    async def release(self) -> None:
        """The lock is free when this returns."""
        self._connection.remove_termination_listener(self._on_termination)
        self.lost.set()
        with suppress(*TROUBLE):
            await self._connection.close(timeout=CHECK_SECONDS)

    def _on_termination(self, _connection: object) -> None:
        self.lost.set()


async def lock_roles_in_transaction(
    connection: Connection, *, patience_seconds: float = PATIENCE_SECONDS
) -> None:
    """Over a server's roles until the transaction ends. LockHeld after `patience_seconds`."""
    clock: Callable[[], float] = asyncio.get_running_loop().time
    until = clock() + patience_seconds
    while True:
        try:
            await _take(connection, ROLES, "home/try_lock_in_transaction")
        except LockHeld:
            if clock() >= until:
                raise
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return


async def _take(connection: Connection, name: str, statement: str) -> int:
    """The key of `name` that was got. Raises LockHeld when an admin of ours holds any of them."""
    keys = _keys(name)
    taken = None
    for key in keys:
        if await connection.fetchval(load(statement), key):
            taken = key
            break
        if await _others_of_ours(connection, [key]):
            break
    holders = await _holders(connection, keys)
    others = [holder for _, holder in holders if holder.is_ours]
    if taken is not None and not others:
        return taken
    if taken is not None and statement == "home/try_lock":
        await connection.fetchval(load("home/unlock"), taken)
    if others:
        raise _held(name, others[0])
    if holders:
        raise LockHeld(
            f"{OF}{name}",
            holders[0][1],
            way_out="This session is not one of an admin of ours. End it, and find out who may "
            "connect to the home database.",
        )
    return await _take(connection, name, statement)


def _held(name: str, holder: Holder) -> LockHeld:
    way_out = "Stop the other Regent, or wait until its session ends."
    if holder.client:
        way_out += " In a cluster `kubectl get pods -A -o wide` shows which pod has this address."
        namespace, is_named, _ = name.removeprefix("regent ").partition("/")
        if is_named and name.startswith("regent "):
            way_out += (
                f" `kubectl get deployment -A -l {GROUP}/regent-namespace={namespace}` lists what"
                " runs Regents of this namespace: one of this name that a release of the chart left"
                " when it was uninstalled is taken away by kubectl delete"
                " deployment,networkpolicy,service,serviceaccount,secret -n NAMESPACE NAME"
            )
    return LockHeld(f"{OF}{name}", holder, way_out=way_out)


async def _look_whose_turn(connection: Connection, names: Sequence[str], turn: Turns) -> None:
    for name in names:
        if others := await _others_of_ours(connection, _keys(name)):
            held = _held(name, others[0])
            turn.note(held)
            raise held
    turn.require()


async def runs(connection: Connection, regent: str) -> bool:
    """Whether a Regent of this name, or an apply for it, has its lock. `connection` has not."""
    holder = await holder_of(connection, regent)
    return holder is not None and holder.is_ours


async def holder_of(connection: Connection, regent: str) -> Holder | None:
    """Who has the lock of this Regent: one of ours where there is one, else a stranger, or nobody.

    `connection` has it not. A standby shows none of the primary's locks.
    """
    holders = [one for _, one in await _holders(connection, _keys(f"regent {regent}"))]
    return next((one for one in holders if one.is_ours), holders[0] if holders else None)


async def served_elsewhere(connection: Connection, served: str, home: str) -> str | None:
    """The home database whose Regent runs and serves this one, other than `home`."""
    keys = [*map(str, _keys(f"database {served}"))]
    found: str | None = await connection.fetchval(load("home/served_elsewhere"), keys, OWNER, home)
    return None if found is None else legible(found)


async def _others_of_ours(connection: Connection, keys: Sequence[int]) -> list[Holder]:
    return [holder for _, holder in await _holders(connection, keys) if holder.is_ours]


async def _holders(connection: Connection, keys: Sequence[int]) -> list[tuple[int, Holder]]:
    """The other sessions that hold any of these keys."""
    try:
        rows = await connection.fetch(load("home/lock_holders"), [*map(str, keys)], OWNER)
    except asyncpg.InsufficientPrivilegeError as error:
        raise HomeDatabaseMissing("The admin may not look into pg_locks.") from error
    return [
        (
            int(row["key"]),
            Holder(
                pid=row["pid"],
                session_user=legible(row["session_user"]),
                application=legible(row["application"]),
                client=row["client"],
                since=row["backend_start"],
                is_ours=row["is_ours"],
            ),
        )
        for row in rows
        if not row["is_this_session"]
    ]


def _keys(name: str) -> tuple[int, ...]:
    return tuple(
        int.from_bytes(
            hashlib.sha256(f"postgregent {number} {name}".encode()).digest()[:8], "big", signed=True
        )
        for number in range(KEYS_PER_NAME)
    )

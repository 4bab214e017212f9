"""Finds what no event trigger sees: the shared catalogs, and what happens to the triggers.

Every 50 ms it asks the gate, one cheap question about the whole server. Only when the gate moved
does it compare fingerprints, of the shared catalogs and, in each served database, of the detector
and the event table (for transactions that could not NOTIFY). Looks at databases go on beside the
gate, so that one that hangs is in nobody's way. See design: two detectors, one wake.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from time import monotonic
from typing import Any, Literal, Protocol

import asyncpg
import structlog

import sql
from regent.detect import fingerprints
from regent.detect.events import GONE
from regent.detect.listener import CHANNEL
from regent.detect.wake import DetectorChanged, Full, Hint, LocalChanged, LocalEvents, SharedChanged
from regent.server.lenient_text import shown
from regent.server.trouble import TROUBLE, heed_cancellation, reconnecting
from shared.backoff import Backoff

INTERVAL_SECONDS = 0.05
POLLING_SECONDS = 1.0
"""How often the objects of a database without triggers are compared: that reads all of them."""
ANSWER_SECONDS = 10.0
MOST_IN_TURN = 4
"""Looks at databases that are asked in turn, at one time: half the places of the pool."""

log = structlog.get_logger()
Fingerprint = dict[str, object]


class Source(Protocol):
    """Answers questions about one database; a Listener does."""

    async def fetchrow(self, query: str, *arguments: Any) -> asyncpg.Record | None:
        """One row; raises one of TROUBLE when there is no connection."""


class LocalWatch:
    """What is remembered of one served database, and how it is compared."""

    def __init__(
        self,
        database: str,
        source: Source,
        wake: Callable[[Hint], None],
        *,
        detector: Literal["Triggers", "Polling"] = "Triggers",
        own: Iterable[int] = (),
        polling_seconds: float = POLLING_SECONDS,
        in_turn: bool = False,
    ) -> None:
        """`detector` may be set anew when an installation succeeds or is refused.

        With `in_turn` it is one of many that are asked over the pool, one in each round.
        """
        self.in_turn = in_turn
        self.detector = detector
        self._database = database
        self._source = source
        self._wake = wake
        self._own = own
        self._polling_seconds = polling_seconds
        self._seen: Fingerprint = {}
        self._events: object = None
        self._not_recorded = 0
        self._locked_at: float | None = None
        self._polled_at = 0.0
        self._owes_a_look = False
        self._is_looking = False

    @property
    def is_ready(self) -> bool:
        """A look is owed, and none goes on."""
        return self._owes_a_look and not self._is_looking

    def note(self, *, gate_moved: bool) -> None:
        """Remember that a look is owed, until its turn has come."""
        self._owes_a_look = self._owes_a_look or gate_moved

    async def look(self) -> None:
        """Compare, and wake when something moved. A lost connection forgets: it wakes by itself.

        What moves while it looks is owed a look of its own.
        """
        self._owes_a_look, self._is_looking = False, True
        try:
            if self.detector == "Triggers":
                await self._look_at_detector()
            else:
                await self._look_at_objects()
        except TROUBLE:
            heed_cancellation()
            self._seen, self._events = {}, None
            self._owes_a_look = True
        finally:
            self._is_looking = False

    async def _look_at_detector(self) -> None:
        found = dict(await self._source.fetchrow(sql.load("watch/detector")) or {})
        has_events = found.pop("has_events", False)
        before, self._not_recorded = self._not_recorded, found.pop("not_recorded", None) or 0
        if self._is_new(found):
            self._wake(DetectorChanged(self._database))
        if self._not_recorded > before:
            self._wake(LocalEvents(self._database))
        if has_events:
            await self._look_at_events()

    async def _look_at_events(self) -> None:
        """Where somebody locks the table a pass looks at everything once, and once more after it.

        What could not be recorded meanwhile is counted, and heard of by that.
        """
        was_locked = self._locked_at is not None
        if self._locked_at is not None and monotonic() - self._locked_at < self._polling_seconds:
            self._owes_a_look = True
            return
        try:
            own = [*map(str, self._own)]
            row = await self._source.fetchrow(sql.load("watch/events_fingerprint"), own)
        except GONE:
            self._wake(DetectorChanged(self._database))
            return
        except asyncpg.LockNotAvailableError:
            self._locked_at, self._owes_a_look = monotonic(), True
            if not was_locked:
                self._wake(LocalEvents(self._database))
            return
        if was_locked:
            self._locked_at = None
            self._wake(Full(f"the events of {self._database} can be read again"))
        before, self._events = self._events, row["events"] if row else None
        if self._events is not None and self._events != before:
            self._wake(LocalEvents(self._database))

    async def _look_at_objects(self) -> None:
        if monotonic() - self._polled_at < self._polling_seconds:
            self._owes_a_look = True
            return
        found = dict(await self._source.fetchrow(fingerprints.of_objects()) or {})
        self._polled_at = monotonic()
        is_first = self.in_turn and not self._seen  # nobody asked for a pass by connecting
        if self._is_new(found) or is_first:
            self._wake(LocalChanged(self._database))

    def _is_new(self, found: Fingerprint) -> bool:
        """The first look only remembers: whoever just connected asked for a full pass."""
        before, self._seen = self._seen, found
        return bool(before) and before != found


class Watcher:
    """Watches one server; run() never ends but by cancellation."""

    def __init__(
        self,
        *,
        connect: Callable[[], Awaitable[asyncpg.Connection]],
        wake: Callable[[Hint], None],
        local: Mapping[str, LocalWatch],
        interval_seconds: float = INTERVAL_SECONDS,
        backoff: Backoff | None = None,
    ) -> None:
        """`connect` opens the one connection for gate and shared catalogs, to any database."""
        self._connect = connect
        self._wake = wake
        self._always = [watch for watch in local.values() if not watch.in_turn]
        self._in_turn = deque(watch for watch in local.values() if watch.in_turn)
        self._looking_in_turn = 0
        self._interval_seconds = interval_seconds
        self._backoff = backoff or reconnecting()
        self.is_watching = False
        self.trouble = ""
        """Why it does not watch; empty while it does, and before it was tried."""

    async def run(self) -> None:
        """Connect, watch until that fails, wait a little, again."""
        async with asyncio.TaskGroup() as looks:
            while True:
                try:
                    await self._watch(looks)
                except TROUBLE as error:
                    heed_cancellation()
                    said = shown(str(error)) or type(error).__name__
                    log.warning("watcher lost", error=said)
                    self.trouble = f"The shared catalogs are not watched: {said}"
                await asyncio.sleep(self._backoff.after())

    async def _watch(self, looks: asyncio.TaskGroup) -> None:
        connection = await self._connect()
        try:
            await connection.add_listener(CHANNEL, self._heard)
            gate: str | None = None
            shared = await _read_shared(connection)
            self.is_watching, self.trouble = True, ""
            self._backoff.succeeded()
            self._wake(Full("watching the shared catalogs"))
            while True:
                async with asyncio.timeout(ANSWER_SECONDS):
                    # In this order: what commits between the two moves the gate of the next round.
                    before, gate = gate, await connection.fetchval(sql.load("watch/gate"))
                    if gate != before:
                        shared = await self._compare_shared(connection, shared)
                self._begin_looks(looks, gate_moved=gate != before)
                await asyncio.sleep(self._interval_seconds)
        finally:
            self.is_watching = False
            connection.terminate()

    def _heard(self, *_what: object) -> None:
        """In the home database only its owners say something: a pause begins or ends there."""
        self._wake(Full("a role was paused or resumed"))

    def _begin_looks(self, looks: asyncio.TaskGroup, *, gate_moved: bool) -> None:
        """Beside the gate: at each database that LISTENs, and at one of the others each round."""
        for watch in (*self._always, *self._in_turn):
            watch.note(gate_moved=gate_moved)
        now = [watch for watch in self._always if watch.is_ready]
        if self._looking_in_turn < MOST_IN_TURN:
            now += self._next_in_turn()
        for watch in now:
            looks.create_task(self._look(watch))

    def _next_in_turn(self) -> list[LocalWatch]:
        """The next that owes a look; a list of one at most."""
        for _ in range(len(self._in_turn)):
            watch = self._in_turn[0]
            self._in_turn.rotate(-1)
            if watch.is_ready:
                return [watch]
        return []

    async def _look(self, watch: LocalWatch) -> None:
        self._looking_in_turn += watch.in_turn
        try:
            await watch.look()
        finally:
            self._looking_in_turn -= watch.in_turn

    async def _compare_shared(
        self, connection: asyncpg.Connection, before: Fingerprint
    ) -> Fingerprint:
        found = await _read_shared(connection)
        if moved := frozenset(part for part in found if found[part] != before.get(part)):
            self._wake(SharedChanged(moved))
        return found


async def _read_shared(connection: asyncpg.Connection) -> Fingerprint:
    query = partial(sql.compose, "watch/shared")
    try:
        row = await connection.fetchrow(query(table="pg_authid", version="ROW (r.ctid, r.xmin)"))
    except asyncpg.InsufficientPrivilegeError:
        row = await connection.fetchrow(query(table="pg_roles", version="r"))
    found = dict(row or {})
    if connection.get_server_version().major >= 15:
        found["parameters"] = await connection.fetchval(sql.load("watch/parameters"))
    return found

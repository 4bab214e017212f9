"""One connected life of a Regent: home database, lock, detectors, passes.

Ends when the lock or the home database is lost; the daemon then opens another one. Everything that
must outlive it is in the home database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import structlog

from regent.attribution import likely_actor, row_versions
from regent.backoff import Backoff
from regent.board import Board
from regent.connections import Connections
from regent.detectors import Detectors
from regent.events import Event, Taken
from regent.home import Home
from regent.home_database import Connects
from regent.locks import LockLost, RegentLock
from regent.look import Looker, Memory
from regent.metrics import Metrics
from regent.own_sessions import OwnConnector, OwnSessions
from regent.passes import Pass, Passes
from regent.refusals import AGAIN_AFTER
from regent.remembered import AcceptedState
from regent.report import Report
from regent.settings import DEFAULT_RESYNC_SECONDS, RegentSettings
from regent.wake import DetectorChanged, Full, Hint, LocalEvents, SharedChanged, Wake
from shared.outcomes import Actor

log = structlog.get_logger()
FIRST_RETRY_SECONDS = 0.5
CONFIRM_AFTER = timedelta(seconds=1)
CONFIRM_AT_LATEST = timedelta(seconds=10)
"""A full pass looks again once it has been quiet that long, and at the latest after this."""
NOBODY = Actor(certainty="Unknown", why_not="It was found by a timed or full look.")
TARGETED_TAGS = frozenset(
    {
        "GRANT",
        "REVOKE",
        "CREATE TABLE",
        "CREATE TABLE AS",
        "SELECT INTO",
        "CREATE VIEW",
        "CREATE MATERIALIZED VIEW",
        "CREATE FOREIGN TABLE",
        "CREATE SEQUENCE",
        "CREATE INDEX",
        "ALTER TABLE",
        "DROP TABLE",
        "DROP VIEW",
        "DROP INDEX",
        "DROP SEQUENCE",
    }
)
"""Commands whose effect is in the rows that they wrote; any other one gets a full pass at once."""


class Engine:
    """Runs passes while everything that they need is there."""

    def __init__(
        self,
        settings: RegentSettings,
        *,
        connector: OwnConnector,
        own: OwnSessions,
        home: Home,
        lock: RegentLock,
        memory: Memory,
        board: Board,
        metrics: Metrics,
    ) -> None:
        self.home = home
        self.lock = lock
        self.wake = Wake()
        self.latest: Pass | None = None
        self._settings = settings
        self._board = board
        self._own = own
        self._connections = Connections(connector)
        looker = Looker(
            regent=settings.regent,
            served=settings.databases,
            connections=self._connections,
            shared_through=home.database,
        )
        self.passes = Passes(
            looker=looker,
            home=home,
            connections=self._connections,
            served=settings.databases,
            memory=memory,
            before_write=lock.require,
        )
        self._report = Report(settings.regent, home, board, metrics)
        self._metrics = metrics
        self._detectors = Detectors(
            settings.databases,
            connector=connector,
            connections=self._connections,
            wake=self.wake.wake,
            own=self._own,
            board=board,
            metrics=metrics,
        )
        self._confirm_at: datetime | None = None
        self._unconfirmed_since: datetime | None = None
        self._retry_at: datetime | None = None
        self._retries = Backoff(FIRST_RETRY_SECONDS, DEFAULT_RESYNC_SECONDS)

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, settings: RegentSettings, *, plain: Connects, board: Board, metrics: Metrics
    ) -> AsyncIterator[Engine]:
        """Open home database and lock, load what is remembered; close it all at the end."""
        own = OwnSessions()
        connector = OwnConnector(plain, own)
        home = await Home.open(
            connector,
            database=settings.home_database,
            regent=settings.regent,
            through=settings.databases,
        )
        try:
            lock = await RegentLock.take(
                connector,
                database=settings.home_database,
                regent=settings.regent,
                served=settings.databases,
            )
            try:
                memory = await load_memory(home)
                engine = cls(
                    settings,
                    connector=connector,
                    own=own,
                    home=home,
                    lock=lock,
                    memory=memory,
                    board=board,
                    metrics=metrics,
                )
                try:
                    yield engine
                finally:
                    await engine._connections.close()
            finally:
                await lock.release()
        finally:
            await home.close()

    async def run(self) -> None:
        """Detect and correct until the lock is lost, or something unexpected is raised."""
        await self._detectors.install()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_lock())
            for loop in self._detectors.loops():
                tasks.create_task(loop)
            tasks.create_task(self._resync())
            tasks.create_task(self._pass_loop())

    async def store(self, accepted: AcceptedState) -> None:
        """A new accepted state: remembered first, then used. What was refused is asked again."""
        self.lock.require()
        await self.home.store_accepted(accepted)
        await self.home.forget_unmanageable()
        memory = self.passes.memory
        memory.accepted = accepted
        memory.refused = frozenset()

    async def release_brake(self, digest: str) -> None:
        """Remember the release, and look again."""
        memory = self.passes.memory
        memory.brake = memory.brake.model_copy(update={"released_digest": digest})
        await self.home.store_brake(memory.brake)
        self.wake.wake(Full("brake released"))

    async def _watch_lock(self) -> None:
        """The lock is for life: without it nothing may be written."""
        while await self.lock.check():
            try:
                async with asyncio.timeout(5):
                    await self.lock.lost.wait()
            except TimeoutError:
                continue
        raise LockLost(way_out="It is taken again as soon as the server can be reached.")

    async def _resync(self) -> None:
        """Ask for a full pass when the time comes: the resync, an expiry, a confirmation."""
        while True:
            accepted = self.passes.memory.accepted
            spec = accepted.state.regent.spec if accepted else None
            seconds = (spec and spec.resync_seconds) or DEFAULT_RESYNC_SECONDS
            await asyncio.sleep(seconds)
            self.wake.wake(Full("resync"))

    async def _pass_loop(self) -> None:
        while True:
            hints = await self._next_hints()
            if self.passes.memory.accepted is None:
                self._board.say(observing="No desired state was pushed yet.")
                continue
            await self._one_pass(hints)

    async def _next_hints(self) -> tuple[Hint, ...]:
        """The next hints, or the moment at which something falls due."""
        next_due = self.latest.next_due if self.latest else None
        due = [at for at in (self._confirm_at, self._retry_at, next_due) if at]
        if not due:
            return await self.wake.wait()
        seconds = max(0.0, (min(due) - datetime.now(UTC)).total_seconds())
        try:
            async with asyncio.timeout(seconds):
                return await self.wake.wait()
        except TimeoutError:
            return (Full("due"),)

    async def _one_pass(self, hints: Sequence[Hint]) -> None:
        actor = await self._likely_actor(hints)
        if any(isinstance(hint, DetectorChanged) for hint in hints):
            found_at = datetime.now(UTC)
            await self._report.repaired(await self._detectors.install(), actor, found_at)
        taken = await self._detectors.take_events()
        events = {database: one.events for database, one in taken.items()}
        is_local = all(isinstance(hint, LocalEvents) for hint in hints)
        if is_local and _is_simple(taken) and await self._targeted(taken):
            return
        await self._full(hints, events, actor)
        await self._detectors.forget_events()

    async def _targeted(self, taken: dict[str, Taken]) -> bool:
        """True when the targeted pass could do it."""
        if not self._writes():
            return False
        for database, one in taken.items():
            if not one.events:
                continue
            is_new = any(event.command_tag not in ("GRANT", "REVOKE") for event in one.events)
            result = await self.passes.targeted(
                database, oids=one.oids, xids=one.xids, with_schemas=is_new
            )
            if result is None:
                return False
            if result.drift:
                xmins = dict.fromkeys(_oids(result), frozenset(one.xids))
                await self._report.write(
                    result, events={database: one.events}, xmins=xmins, probable=NOBODY
                )
            if result.refused:
                return False
            self._ask_for_confirmation()
        await self._detectors.forget_events()
        return True

    def _ask_for_confirmation(self) -> None:
        now = datetime.now(UTC)
        self._unconfirmed_since = self._unconfirmed_since or now
        latest = self._unconfirmed_since + CONFIRM_AT_LATEST
        self._confirm_at = min(now + CONFIRM_AFTER, latest)

    async def _full(
        self, hints: Sequence[Hint], events: dict[str, tuple[Event, ...]], actor: Actor
    ) -> None:
        self._confirm_at = self._unconfirmed_since = None
        log.debug("pass", hints=[str(hint) for hint in hints])
        xmins: dict[int, frozenset[int]] = {}
        if self._writes():
            one = await self.passes.full(
                before_correcting=lambda found: self._versions(found, events, xmins)
            )
        else:
            one = await self.passes.observe(self.passes.accepted())
        self.latest = one
        self._plan_a_retry(one)
        self._board.say(observing="" if self._writes() else "enforcement is Observe.")
        await self._report.write(one, events=events, xmins=xmins, probable=actor)

    def _plan_a_retry(self, one: Pass) -> None:
        """What the server refused is asked again, later each time (semantics 21)."""
        self._retry_at = None
        if one.is_open:
            self._retry_at = datetime.now(UTC) + timedelta(seconds=self._retries.seconds())
        else:
            self._retries.reset()

    async def _versions(
        self,
        found: dict[str, tuple[int, ...]],
        events: dict[str, tuple[Event, ...]],
        xmins: dict[int, frozenset[int]],
    ) -> None:
        """Which transactions wrote the drifted objects: asked before we write them ourselves."""
        for database, oids in found.items():
            if events.get(database):
                async with self._connections.use(database) as connection:
                    xmins.update(await row_versions(connection, oids))

    async def _likely_actor(self, hints: Sequence[Hint]) -> Actor:
        """Sessions do not last: asked at once, before anything is read."""
        if not any(isinstance(hint, SharedChanged | DetectorChanged) for hint in hints):
            return NOBODY
        async with self._connections.use(self.home.database) as connection:
            return await likely_actor(connection, self._own)

    def _writes(self) -> bool:
        accepted = self.passes.memory.accepted
        spec = accepted.state.regent.spec if accepted else None
        return spec is not None and spec.enforcement != "Observe" and not spec.suspend


async def load_memory(home: Home) -> Memory:
    """Everything that the home database remembers of this Regent."""
    remembered = await home.load()
    now = datetime.now(UTC)
    refused = await home.unmanageable()
    return Memory(
        accepted=remembered.accepted,
        brake=remembered.brake,
        refused=frozenset(
            digest for digest, one in refused.items() if now - one.found_at < AGAIN_AFTER
        ),
    )


def _is_simple(taken: dict[str, Taken]) -> bool:
    return all(
        not one.is_damaged
        and not one.lost
        and not one.has_more
        and all(event.command_tag in TARGETED_TAGS for event in one.events)
        for one in taken.values()
    )


def _oids(one: Pass) -> tuple[int, ...]:
    return tuple(ref.oid for change in one.drift for ref in getattr(change, "objects", ()))

"""The detectors of every served database, and the one of the shared catalogs, as one thing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator
from functools import partial
from typing import Any, TypeVar

import asyncpg
import structlog

from regent.detect.events import EventReader, Taken
from regent.detect.install import DetectorStatus, install
from regent.detect.listener import Listener
from regent.detect.own_sessions import OwnSessions
from regent.detect.polled import PolledSource
from regent.detect.wake import Hint
from regent.detect.watcher import LocalWatch, Watcher
from regent.health.board import Board
from regent.health.metrics import Health, Metrics
from regent.server.connection import Connects
from regent.server.connections import Connections
from regent.server.lenient_text import shown
from regent.server.own_tables import in_the_way
from regent.server.trouble import TROUBLE, heed_cancellation
from shared.http import DetectorBody

MOST_LISTENING = 8
"""Databases with a connection that LISTENs; those after them are asked in turn, over the pool."""
ANSWER_SECONDS = 5.0
INSTALL_SECONDS = 60.0

T = TypeVar("T")
log = structlog.get_logger()


class Detectors:
    """Installs, listens, watches, and hands out the events."""

    def __init__(
        self,
        databases: tuple[str, ...],
        *,
        connector: Connects,
        connections: Connections,
        wake: Callable[[Hint], None],
        own: OwnSessions,
        board: Board,
        metrics: Metrics,
        shared_through: str,
    ) -> None:
        """`shared_through` is a database to watch the shared catalogs in, which is always there."""
        self._databases = databases
        self._connections = connections
        self._board = board
        metrics.follow(self.health)
        self._is_meant = False
        """That there are no triggers: it is declared so, or nothing may be written."""
        self.failed: set[str] = set()
        """Where the installation met trouble that may be over by the next time."""
        self._held: dict[str, str] = {}
        """Where somebody locks the event table, and who."""
        self._states: dict[str, DetectorStatus] = {}
        self._were_whole: set[str] = set()
        """Where triggers were seen whole: a database that is new has lost nothing."""
        self._readers = {name: EventReader(own) for name in databases}
        self._listeners = {
            name: Listener(
                name,
                connect=partial(connector.connect, name, purpose="listener"),
                wake=wake,
                own=own,
            )
            for name in databases[:MOST_LISTENING]
        }
        self._watches = {
            name: LocalWatch(name, listener, wake, own=own)
            for name, listener in self._listeners.items()
        }
        for name in databases[MOST_LISTENING:]:
            polled = PolledSource(name, connections, wake)
            self._watches[name] = LocalWatch(name, polled, wake, own=own, in_turn=True)
        self._watcher = Watcher(
            connect=partial(connector.connect, shared_through, purpose="watcher"),
            wake=wake,
            local=self._watches,
        )

    async def install(
        self, databases: Collection[str] | None = None
    ) -> tuple[tuple[str, str], ...]:
        """Make the triggers whole in these databases, or in all that are served.

        (database, what was wrong) of each repair of what was whole before. Side by side, as far as
        the pool has room.
        """
        names = [name for name in self._databases if databases is None or name in databases]
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(self._install(name)) for name in names}
        repaired = [(name, what) for name, task in tasks.items() for what in task.result()]
        lost = [(name, what) for name, what in repaired if name in self._were_whole]
        self._were_whole.update(name for name in names if self._has_triggers(name))
        for database, what in repaired:
            log.info("detector installed", database=database, what=what)
        self._is_meant = False
        self.say()
        return tuple(lost)

    async def _install(self, name: str) -> tuple[str, ...]:
        """What was repaired in this database, whose trouble is noted and stops no other."""
        try:
            async with self._connections.use(name, seconds=INSTALL_SECONDS) as connection:
                status = await install(connection)
            self.failed.discard(name)
        except TROUBLE as error:
            heed_cancellation()
            status = DetectorStatus(
                "Polling", f"The triggers could not be installed: {shown(str(error))}"
            )
            self.failed.add(name)
        self._note(name, status)
        return status.repaired

    def poll(self, why: str) -> None:
        """Install nothing: it is declared so, or nothing may be written."""
        self.failed.clear()
        for name in self._databases:
            self._note(name, DetectorStatus("Polling", why))
        self._is_meant = True
        self.say()

    def _note(self, database: str, status: DetectorStatus) -> None:
        self._states[database] = status
        self._watches[database].detector = status.kind

    def health(self) -> Iterator[Health]:
        """Each detector, and whether it works at this moment."""
        for name, state in self._states.items():
            if not self._is_meant:
                is_read = name not in self._held
                yield Health("triggers", name, healthy=state.kind == "Triggers" and is_read)
        for name, listener in self._listeners.items():
            yield Health("listener", name, healthy=listener.is_listening)
        yield Health("watcher", "", healthy=self._watcher.is_watching)

    def _has_triggers(self, database: str) -> bool:
        state = self._states.get(database)
        return state is not None and state.kind == "Triggers"

    def without_triggers(self) -> dict[str, str]:
        """Why there are none, by database."""
        return {name: one.why for name, one in self._states.items() if one.kind != "Triggers"}

    def loops(self) -> Iterator[Coroutine[Any, Any, None]]:
        """What must run for as long as something is to be detected."""
        yield self._watcher.run()
        for listener in self._listeners.values():
            yield listener.run()

    def begin(self) -> None:
        """A pass begins: the events that were taken before are dealt with."""
        for reader in self._readers.values():
            reader.begin()

    def give_again(self) -> None:
        """The pass failed: the events that it has taken are for the next one."""
        for reader in self._readers.values():
            reader.give_again()

    async def take_events(self, databases: Collection[str] | None = None) -> dict[str, Taken]:
        """What the triggers recorded in these databases, or in all that have triggers."""

        async def take(name: str, connection: asyncpg.Connection) -> Taken:
            taken = await self._readers[name].take(connection)
            self._held.pop(name, None)
            return taken

        found = await self._in_each(databases, take)
        return {name: one or Taken(is_damaged=True) for name, one in found.items()}

    async def forget_events(self, databases: Collection[str] | None = None) -> None:
        """Clear away what was taken, once it has been dealt with."""

        async def forget(name: str, connection: asyncpg.Connection) -> int:
            return await self._readers[name].forget(connection)

        await self._in_each(databases, forget)

    async def _in_each(
        self,
        databases: Collection[str] | None,
        work: Callable[[str, asyncpg.Connection], Awaitable[T]],
    ) -> dict[str, T | None]:
        """What became of it in each database that has triggers; None where there was trouble.

        Side by side, and bounded in time: a database that hangs delays no other.
        """

        async def one(name: str) -> T | None:
            try:
                async with self._connections.use(name, seconds=ANSWER_SECONDS) as connection:
                    try:
                        return await work(name, connection)
                    except asyncpg.LockNotAvailableError:
                        self._held[name] = await in_the_way(connection)
                        raise
            except TROUBLE as error:
                heed_cancellation()
                log.info("events not read", database=name, error=str(error))
                return None

        held = dict(self._held)
        asked = self._readers if databases is None else databases
        names = [name for name in self._readers if name in asked and self._has_triggers(name)]
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(one(name)) for name in names}
        if self._held != held:
            self.say()
        return {name: task.result() for name, task in tasks.items()}

    def say(self) -> None:
        """How changes are found now, and what of it does not work."""
        is_meant = self._is_meant
        why = self.without_triggers()
        message = " ".join(dict.fromkeys(why.values()))
        if not is_meant:
            message = " ".join(f"{name}: {text}" for name, text in why.items())
        troubles = [*(one.trouble for one in self._listeners.values()), self._watcher.trouble]
        troubles += [
            f"{name}: What is recorded cannot be read, so all is looked at each time. {said}"
            for name, said in self._held.items()
            if self._has_triggers(name)
        ]
        lost = [trouble for trouble in troubles if trouble]
        self._board.say(
            detector=DetectorBody(
                mode="Polling" if why else "Triggers",
                healthy=not lost and (is_meant or not why),
                message=" ".join([*([message] if message else []), *dict.fromkeys(lost)]),
            )
        )

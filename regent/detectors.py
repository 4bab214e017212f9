"""The detectors of every served database, and the one of the shared catalogs, as one thing."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

import structlog

from regent.board import Board
from regent.connections import Connections
from regent.events import EventReader, Taken
from regent.home_database import Connects
from regent.install import DetectorStatus, install
from regent.listener import Listener
from regent.metrics import Metrics
from regent.own_sessions import OwnSessions
from regent.trouble import TROUBLE
from regent.wake import Hint
from regent.watcher import LocalWatch, Watcher
from shared.http import DetectorBody

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
    ) -> None:
        self._databases = databases
        self._connections = connections
        self._board = board
        self._metrics = metrics
        self._states: dict[str, DetectorStatus] = {}
        self._readers = {name: EventReader(own) for name in databases}
        self._listeners = {
            name: Listener(
                name,
                connect=partial(connector.connect, name, purpose="listener"),
                wake=wake,
                own=own,
            )
            for name in databases
        }
        self._watches = {
            name: LocalWatch(name, self._listeners[name], wake, own=own) for name in databases
        }
        self._watcher = Watcher(
            connect=partial(connector.connect, databases[0], purpose="watcher"),
            wake=wake,
            local=self._watches,
        )

    async def install(self) -> tuple[tuple[str, str], ...]:
        """Make the triggers whole in every database; (database, what was wrong) of each repair."""
        repaired: list[tuple[str, str]] = []
        for name in self._databases:
            try:
                async with self._connections.use(name) as connection:
                    status = await install(connection)
            except TROUBLE as error:
                status = DetectorStatus("Polling", f"The triggers could not be installed: {error}")
            self._states[name] = status
            self._watches[name].detector = status.kind
            self._metrics.detector("triggers", name, healthy=status.kind == "Triggers")
            repaired += [(name, what) for what in status.repaired]
        for database, what in repaired:
            log.info("detector installed", database=database, what=what)
        self._say()
        return tuple(repaired)

    def loops(self) -> Iterator[Coroutine[Any, Any, None]]:
        """What must run for as long as something is to be detected."""
        yield self._watcher.run()
        for listener in self._listeners.values():
            yield listener.run()

    async def take_events(self) -> dict[str, Taken]:
        """What the triggers recorded, by database; nothing where there are none."""
        taken: dict[str, Taken] = {}
        for name, reader in self._readers.items():
            if self._states.get(name, DetectorStatus("Polling")).kind != "Triggers":
                continue
            async with self._connections.use(name) as connection:
                taken[name] = await reader.take(connection)
        return taken

    async def forget_events(self) -> None:
        """Clear away what was taken, once it has been dealt with."""
        for name, reader in self._readers.items():
            async with self._connections.use(name) as connection:
                await reader.forget(connection)

    def _say(self) -> None:
        polling = {n: s.why for n, s in self._states.items() if s.kind != "Triggers"}
        message = " ".join(f"{name}: {why}" for name, why in polling.items())
        self._board.say(
            detector=DetectorBody(
                mode="Polling" if polling else "Triggers", healthy=not polling, message=message
            )
        )

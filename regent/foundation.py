"""What a Regent stands on: its home database, its lock, its work connections, what it remembers.

The daemon, `apply` and everything else that writes stands on this, and on nothing less.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from regent.apply.result import Heed, nobody_heeds
from regent.gate.approval import Serving, to_serve
from regent.home.locks import RegentLock
from regent.home.store import Home
from regent.home.turns import Turn
from regent.passes.full import Passes
from regent.passes.look import Looker, Memory
from regent.remembered import Remembered
from regent.server.connect import TemplateServed
from regent.server.connection import Connects
from regent.server.connections import Connections
from regent.settings import RegentSettings
from sql import load


@dataclass(frozen=True, slots=True)
class Foundation:
    """Ready to write."""

    home: Home
    lock: RegentLock
    connections: Connections
    passes: Passes
    databases: tuple[str, ...]
    """That it may serve: the declared ones, and those that were approved and are not declared."""


async def _refuse_a_template(home: Home, main: str) -> None:
    """Only for databaseName: another one is refused when it is connected to, and alone."""
    async with home.connection() as connection:
        if await connection.fetch(load("inspect/served_templates"), [main]):
            raise TemplateServed(main)


@asynccontextmanager
async def founded(
    settings: RegentSettings,
    connector: Connects,
    heed: Heed = nobody_heeds,
    turn: Turn | None = None,
) -> AsyncIterator[Foundation]:
    """Take it all, and give it back at the end. `heed` hears what is applied, while it is.

    With `turn` a database is left to the Regent that served it a moment ago.

    Raises HomeDatabaseMissing, LockHeld and TemplateServed, and what connecting raises.
    """
    home = await Home.open(
        connector,
        database=settings.home_database,
        regent=settings.regent,
        through=settings.databases,
        origin=settings.origin,
    )
    connections = Connections(connector, reader=home.connection)
    try:
        await _refuse_a_template(home, settings.databases[0])
        known = await home.load()
        wanted = to_serve(known.brake, known.accepted, settings.databases)
        lock = await RegentLock.take(
            connector,
            database=settings.home_database,
            regent=settings.regent,
            served=settings.databases,
            if_free=wanted[len(settings.databases) :],
            turn=turn,
        )
        serving = Serving((*settings.databases, *lock.had_free), settings.databases)
        try:
            passes = Passes(
                looker=looker(settings, connections, serving, shared_through=home.database),
                home=home,
                connections=connections,
                serving=serving,
                memory=memory_of(await home.load()),
                before_write=lock.require,
                heed=heed,
            )
            yield Foundation(home, lock, connections, passes, serving.possible)
        finally:
            await lock.release()
    finally:
        await connections.close()
        await home.close()


def looker(
    settings: RegentSettings, connections: Connections, serving: Serving, *, shared_through: str
) -> Looker:
    """Looks at the server of these settings."""
    return Looker(
        regent=settings.regent,
        serving=serving,
        connections=connections,
        shared_through=shared_through,
        origin=settings.origin,
    )


def memory_of(remembered: Remembered | None) -> Memory:
    """What passes begin with; of a Regent that never was, nothing."""
    if remembered is None:
        return Memory()
    return Memory(
        accepted=remembered.accepted,
        brake=remembered.brake,
        refused=remembered.unmanageable,
        system_identifier=remembered.system_identifier or "",
        census=remembered.census,
        pauses=remembered.pauses,
    )

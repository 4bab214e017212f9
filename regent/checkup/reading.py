"""Reads what a check-up judges: read-only, without a daemon, and without making anything.

What cannot be read is kept as such, with the reason, and hides nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import asyncpg

from regent.checkup.seen import (
    AdminSeen,
    DatabaseSeen,
    HomeSeen,
    RegentSeen,
    Seen,
    ServerSeen,
    SessionSeen,
)
from regent.detect.install import damage
from regent.home.check import OWNER
from regent.home.database import LATEST, HomeDatabaseMissing, HomeDatabaseUnsafe
from regent.home.locks import holder_of
from regent.home.store import Home
from regent.home.unreadable import HomeStateUnreadable
from regent.remembered import Remembered
from regent.server.connect import Connector, NoSuchDatabaseError
from regent.server.connection import Connection
from regent.server.trouble import TROUBLE, heed_cancellation, in_words
from shared.resources import RegentSpec
from sql import load

PURPOSE = "status"
SIDE_BY_SIDE = 4
Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look: through `database` at the server, and in which home database.

    `login` is who looks, where that is the Regent's admin. `only` is one Regent, else all.
    """

    connector: Connector
    database: str
    home: str
    only: str | None = None


@asynccontextmanager
async def opened(place: Place) -> AsyncIterator[Home | None]:
    """What is remembered, for as long as it is looked at; None: no home database is there.

    Raises what connecting raises, HomeDatabaseUnsafe and HomeDatabaseMissing.
    """
    async with Home.reading(place.connector, database=place.home) as home:
        if home is not None:
            async with home.connection() as connection:
                await connection.execute("SET default_transaction_read_only = on")
        yield home


async def read(place: Place, now: Now = lambda: datetime.now(UTC)) -> Seen:
    """All that is to be judged. Raises CannotConnectError where the server lets nobody in."""
    connection = await place.connector.connect(place.database, purpose=PURPOSE)
    try:
        server = await _server(place, connection, now)
        others = [str(row["name"]) for row in await connection.fetch(
            load("home/other_homes"), OWNER, place.home)]  # fmt: skip
        rows = await connection.fetch(load("checkup/sessions"), OWNER)
        sessions = {row["pid"]: SessionSeen(**dict(row)) for row in rows}
        home, regents = await _remembered(place)
        home = replace(home, others=tuple(others))
        regents = tuple([await _around(place, connection, one) for one in regents])
    finally:
        await connection.close()
    return Seen(server, home, regents, sessions)


async def _server(place: Place, connection: Connection, now: Now) -> ServerSeen:
    before = now()
    row = await connection.fetchrow(load("checkup/server"), OWNER)
    after = now()
    if row is None:
        raise LookupError("checkup/server gives exactly one row")
    identifier = ""
    if row["may_identify"]:
        identifier = await connection.fetchval(load("inspect/system_identifier"))
    return ServerSeen(
        address=str(place.connector.address),
        database=place.database,
        version=row["version"],
        login=row["login"],
        now=row["now"],
        started_at=row["started_at"],
        identifier=identifier,
        is_in_recovery=row["is_in_recovery"],
        has_owner=row["has_owner"],
        is_installed_here=row["is_installed_here"],
        clock_ahead_seconds=ahead(before, row["now"], after),
    )


def ahead(before: datetime, there: datetime, after: datetime) -> float:
    """How far our clock is ahead of one that was read between two of our times, for certain."""
    if before > there:
        return (before - there).total_seconds()
    return min((after - there).total_seconds(), 0.0)


async def _remembered(place: Place) -> tuple[HomeSeen, tuple[RegentSeen, ...]]:
    try:
        async with opened(place) as home:
            if home is None:
                return HomeSeen(place.home, is_there=False), ()
            seen = HomeSeen(place.home, version=home.version)
            if not 0 < home.version <= LATEST:
                return seen, ()
            names = [one for one in await home.regents() if place.only is None or one == place.only]
            return seen, tuple([await _regent(home.of(name)) for name in names])
    except HomeDatabaseUnsafe as error:
        said = HomeSeen(place.home, trouble=error.message, way_out=error.way_out)
        return replace(said, strange=error.strange), ()
    except HomeDatabaseMissing as error:
        return HomeSeen(place.home, trouble=error.message, way_out=error.way_out), ()
    except TROUBLE as error:
        heed_cancellation()
        told = in_words(error)
        return HomeSeen(place.home, trouble=told.message, way_out=told.way_out), ()


async def _regent(home: Home) -> RegentSeen:
    """What one remembers, and who has its lock."""
    seen = RegentSeen(home.regent)
    try:
        remembered = await home.load()
        seen = replace(seen, remembered=remembered, unreadable=home.unreadable.told())
    except HomeStateUnreadable as error:
        seen = replace(seen, trouble=error.message, way_out=error.way_out)
    outstanding = await home.count_outstanding()
    async with home.connection() as connection:
        holder = await holder_of(connection, home.regent)
    return replace(seen, outstanding=outstanding, holder=holder)


async def _around(place: Place, connection: Connection, one: RegentSeen) -> RegentSeen:
    """With its databases and the rights of its admin, which `connection` is asked for."""
    accepted = one.remembered.accepted if one.remembered else None
    spec = accepted.state.regent.spec if accepted else None
    acts = acting(spec, place)
    served = spec.databases if spec else (place.database,)
    places = asyncio.Semaphore(SIDE_BY_SIDE)

    async def look(name: str) -> DatabaseSeen:
        async with places:
            return await _database(place.connector, name, acts)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(look(name)) for name in served]
    row = await connection.fetchrow(
        load("checkup/admin"), acts, OWNER, list(served), _managed(one.regent, one.remembered)
    )
    admin = _admin(acts, row)
    return replace(one, databases=tuple(task.result() for task in tasks), admin=admin)


def acting(spec: RegentSpec | None, place: Place) -> str:
    """The role that the Regent acts as; who looks, where it was told nothing yet."""
    if spec is None:
        return place.connector.address.admin_user
    return spec.set_role or spec.admin_user


def _admin(name: str, row: asyncpg.Record | None) -> AdminSeen:
    if row is None:
        return AdminSeen(name, is_there=False)
    return AdminSeen(
        name,
        is_superuser=row["is_superuser"],
        may_create_roles=row["may_create_roles"],
        has_expired=row["has_expired"],
        is_member=row["is_member"],
        closed=tuple(row["closed"]),
        beyond=tuple(row["beyond"]),
    )


def _managed(regent: str, remembered: Remembered | None) -> list[str]:
    if remembered is None:
        return []
    marks = remembered.marks
    return [str(one.role_oid) for one in marks if one.regent == regent and not one.released]


async def _database(connector: Connector, name: str, admin: str) -> DatabaseSeen:
    try:
        connection = await connector.connect(name, purpose=PURPOSE)
    except NoSuchDatabaseError:
        return DatabaseSeen(name, is_missing=True)
    except TROUBLE as error:
        heed_cancellation()
        return _unread(name, error)
    try:
        found = await damage(connection, admin=admin)
    except TROUBLE as error:
        heed_cancellation()
        return _unread(name, error)
    finally:
        connection.terminate()
    return DatabaseSeen(name, damage=tuple(map(str, found)))


def _unread(name: str, error: BaseException) -> DatabaseSeen:
    told = in_words(error)
    return DatabaseSeen(name, trouble=told.message, way_out=told.way_out)

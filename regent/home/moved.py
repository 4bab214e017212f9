"""A Regent that was told another home database, while what it remembers is in the old one (rule 5).

With another home database it would know neither its roles nor whose LOGIN it took, and nobody would
end or give back anything. So it does nothing until that was settled in the old one.
"""

from __future__ import annotations

from contextlib import suppress

import asyncpg

from regent.home import database as home_database
from regent.home.layout import CENSUS_SINCE
from regent.server.connection import Connection, Connects
from shared.errors import PostgRegentError
from sql import load


class HomeDatabaseMoved(PostgRegentError):
    """This Regent has roles in another home database of this server."""


async def refuse_moved(
    connector: Connects, connection: Connection, *, database: str, regent: str, origin: str
) -> None:
    """Raises HomeDatabaseMoved where `regent` of this source has roles in another home database.

    `connection` is any of this server, and `database` is the home database it shall have. What
    cannot be read is passed over: nobody is disabled beside it (rule 11).
    """
    rows = await connection.fetch(load("home/other_homes"), home_database.OWNER, database)
    for (name,) in rows:
        count = 0
        with suppress(PostgRegentError, asyncpg.PostgresError):
            count = await _left_in(connector, name, regent, origin)
        if count:
            raise HomeDatabaseMoved(
                f'homeDatabase is "{database}", and in the home database "{name}" of this server'
                f" {regent} has {count} roles that it manages or that it has disabled. Nothing is"
                " written, and no home database is made.",
                way_out=f'Set homeDatabase back to "{name}". To move it: `postgregent uninstall'
                f" --dsn … --regent {regent} --home-database {name}`, which leaves its roles as"
                " they are and gives LOGIN back to those that it disabled. Then accept the"
                " TakeoverNeeded that lists the roles.",
            )


async def _left_in(connector: Connects, name: str, regent: str, origin: str) -> int:
    connection = await home_database.enter(connector, name)
    if connection is None:
        return 0
    try:
        version = await home_database.version(connection)
        if version == 0:
            return 0
        await home_database.act_as_owner(connection)
        count = int(await connection.fetchval(load("home/still_managed"), regent, origin))
        if version >= CENSUS_SINCE:
            count += int(await connection.fetchval(load("home/still_disabled"), regent, origin))
        return count
    finally:
        await connection.close()

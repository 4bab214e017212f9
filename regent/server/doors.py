"""Through which database the shared catalogs are read, when the first one lets nobody in."""

from __future__ import annotations

from collections.abc import Sequence

from regent.server.connections import Connections
from regent.server.trouble import CannotConnectError

MAINTENANCE = "postgres"
OF_ONE_DATABASE = frozenset({"3D000", "42501", "53300", "55000"})
"""Not there, no CONNECT, no connection free, closed: another database may be open."""


async def first_open(connections: Connections, served: Sequence[str], *, home: str) -> str:
    """The first database that can be entered: of the served ones, else the home one or postgres.

    So a database that cannot be read hides no other. Raises the first refusal where all refuse, and
    at once what is about the server or the admin.
    """
    refusal: CannotConnectError | None = None
    for database in dict.fromkeys((*served, home, MAINTENANCE)):
        try:
            async with connections.use(database):
                return database
        except CannotConnectError as error:
            if error.sqlstate not in OF_ONE_DATABASE:
                raise
            refusal = refusal or error
    raise refusal or LookupError("no database is served")

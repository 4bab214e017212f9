"""Leave a server as it was, but for the roles (rule 28, interface 14)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from regent.detect.install import remove
from regent.home.locks import RegentLock, served_elsewhere
from regent.home.store import Home
from regent.server.connect import NoSuchDatabaseError
from regent.server.connections import Connections
from regent.server.lenient_text import shown
from regent.server.trouble import TROUBLE
from regent.settings import RegentSettings, connector_of
from shared.errors import PostgRegentError
from shared.listing import first_of
from shared.names import quote_ident
from sql import load

PARTS_REMOVED = "event triggers and schema removed"
NOTHING_THERE = "nothing of PostgRegent was installed"
SHOWN = 20
NO_HOME = "not dropped, as there is no home database of this name"


class InRecoveryError(PostgRegentError):
    """Nothing was removed: the server is in recovery, a standby."""

    def __init__(self) -> None:
        super().__init__(way_out="Give the address of the primary, or promote this server first.")


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """What was done, in words, and what is left where: a database that was not reached, and why."""

    done: tuple[str, ...] = ()
    left: Mapping[str, str] = field(default_factory=dict)


async def uninstall(
    settings: RegentSettings, *, home: bool = False, around: bool = False
) -> Uninstalled:
    """Take the triggers and the schema out of the served databases, and release the marks.

    The roles stay as they are, and their holders take them back without `adopt`. What was accepted,
    from where and for which server is forgotten, so this is also how somebody else, or another
    server, takes over. With `home` the home database goes too. `around` frees what can be reached,
    and what is returned names the rest; else a database that is not reached ends it. Raises
    LockHeld while a Regent still runs, and InRecoveryError on a standby. What a Regent of another
    home database serves now is left alone.

    Where it remembers no state of this Regent, a database that does not exist is an error: somebody
    named it, and it was not made known by a Regent that served it.
    """
    connector = connector_of(settings.server)
    remembered = await Home.find(connector, database=settings.home_database, regent=settings.regent)
    done: list[str] = []
    left: dict[str, str] = {}
    lock = None
    if remembered is not None:
        lock = await RegentLock.take(
            connector,
            database=settings.home_database,
            regent=settings.regent,
            served=settings.databases,
        )
    connections = Connections(connector, purpose="uninstall")
    try:
        for name in settings.databases:
            try:
                done.append(await _remove_from(connections, name, settings.home_database))
            except InRecoveryError:
                raise
            except NoSuchDatabaseError:
                if remembered is None or remembered.accepted is None:
                    raise
                done.append(f"{name}: there is no such database any more")
            except TROUBLE as error:
                if not around:
                    raise
                left[name] = shown(str(error)) or type(error).__name__
    finally:
        await connections.close()
        if lock is not None:
            await lock.release()
    if remembered is not None:
        done += await _forget(settings, drop=home)
    elif home:
        done.append(f"{settings.home_database}: {NO_HOME}")
    return Uninstalled(tuple(done), left)


async def is_installed(settings: RegentSettings) -> bool:
    """Whether anything that we install is in the first database."""
    connections = Connections(connector_of(settings.server), purpose="uninstall")
    try:
        async with connections.use(settings.databases[0]) as connection:
            row = await connection.fetchrow(load("install/is_there"))
    finally:
        await connections.close()
    return row is not None and bool(row["is_there"])


async def _remove_from(connections: Connections, database: str, home: str) -> str:
    async with connections.use(database) as connection:
        row = await connection.fetchrow(load("install/is_there"))
        if row is not None and row["is_in_recovery"]:
            raise InRecoveryError
        if row is not None and not row["is_there"]:
            return f"{database}: {NOTHING_THERE}"
        if (other := await served_elsewhere(connection, database, home)) is not None:
            return (
                f"{database}: left as it is, as a Regent of the home database {other!r} runs and"
                " serves it"
            )
        left = await remove(connection)
    return f"{database}: {left or PARTS_REMOVED}"


async def _forget(settings: RegentSettings, *, drop: bool) -> list[str]:
    home = await Home.open(
        connector_of(settings.server),
        database=settings.home_database,
        regent=settings.regent,
        through=settings.databases,
    )
    try:
        given, left = await home.give_logins_back()
        released = await home.release_all_marks()
        await home.forget_regent()
        done = [f"{settings.home_database}: {len(released)} roles released, left as they are"]
        if given:
            done.append(f"LOGIN given back to {first_of(given, SHOWN)}, which were disabled")
        done += [
            f"{name} keeps NOLOGIN, as {why}. Run ALTER ROLE {quote_ident(name)} LOGIN"
            for name, why in left.items()
        ]
        if drop:
            await home.drop()
            done.append(f"{settings.home_database}: dropped")
    finally:
        await home.close()
    return done

"""The home database comes into being: owner role, database, tables (rule 5).

Two Regents may start at once on an empty server. So every step looks first, takes "it exists
already" for done, and the tables are made under a lock. What somebody else may have made first is
checked before anything is written or run in it (regent.home.check).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import asyncpg

from regent.home.check import OWNER, HomeDatabaseUnsafe, check_database, check_owner
from regent.server.again import again
from regent.server.connection import Connection, Connects
from shared.backoff import Backoff
from shared.errors import PostgRegentError
from shared.memberships import with_options
from shared.names import quote_ident
from sql import load

LATEST = 4
"""The number of the last file sql/home/migration_N.sql."""

MIGRATION_KEY = 0x706F_7374_6772_6567
ATTEMPTS = 20

__all__ = [
    "OWNER",
    "Connection",
    "Connects",
    "HomeDatabaseMissing",
    "HomeDatabaseNewer",
    "HomeDatabaseUnsafe",
    "act_as_admin",
    "act_as_owner",
    "drop",
    "enter",
    "make",
    "sql_to_run",
    "version",
]

Check = Callable[[Connection], Awaitable[None]]

_EXISTS_ALREADY = (
    asyncpg.DuplicateObjectError,
    asyncpg.DuplicateDatabaseError,
    asyncpg.UniqueViolationError,
)
_SOMEBODY_ELSE_IS_AT_IT = (asyncpg.ObjectInUseError, asyncpg.InternalServerError)


class HomeDatabaseMissing(PostgRegentError):
    """The home database cannot be made or entered."""


class HomeDatabaseNewer(PostgRegentError):
    """The home database was made by a newer PostgRegent."""


async def enter(connector: Connects, database: str) -> Connection | None:
    """A connection to the home database, all of which is ours; None when there is no such one.

    Raises HomeDatabaseUnsafe for one that is not as we make it.
    """
    try:
        connection = await connector.connect(database, purpose="home")
    except Exception as error:
        match _sqlstate(error):
            case "3D000":
                return None
            case "42501":
                raise HomeDatabaseMissing(
                    f'The admin may not connect to the home database "{database}".',
                    way_out="Make it a member of the owner role, as a superuser: "
                    f"GRANT {quote_ident(OWNER)} TO <the admin>;",
                ) from error
            case _:
                raise
    try:
        await connection.execute(load("home/keep_alive"))
        await check_database(connection, database)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def act_as_owner(connection: Connection) -> None:
    """What this session does from now on it does as the owner role, which may do nothing else."""
    try:
        await connection.execute(f"SET ROLE {quote_ident(OWNER)}")
    except asyncpg.InsufficientPrivilegeError as error:
        admin = await connection.fetchval("SELECT session_user::text")
        raise HomeDatabaseMissing(
            f'The admin "{admin}" may not act as "{OWNER}", which owns the home database.',
            way_out=f"Run as a superuser: {_membership(admin, connection)};",
        ) from error


async def act_as_admin(connection: Connection) -> None:
    """This session has the admin's own rights again: for roles, locks and sessions.

    Those of the role in its startup packet, which is another one than logged in with `setRole`.
    """
    await connection.execute("RESET ROLE")


async def _nothing_is_wrong(_: Connection) -> None:
    """Whoever asks for no check."""


async def make(
    connector: Connects, database: str, *, through: Sequence[str], check: Check = _nothing_is_wrong
) -> tuple[Connection, bool]:
    """A connection to the home database, which exists with its newest tables afterwards.

    And whether its owner role was there already, as where a home database was before. `through` are
    databases from which it may be made, tried in order. Raises HomeDatabaseMissing with the SQL to
    run when the admin may not make it, and HomeDatabaseUnsafe. `check` looks first, with a
    connection of this server: what it raises keeps a database from being made.
    """
    had_owner = True
    connection = await enter(connector, database)
    if connection is not None:
        try:
            await check(connection)
        except BaseException:
            connection.terminate()
            raise
    else:
        had_owner = await _make_through(connector, database, through, check)
        connection = await enter(connector, database)
        if connection is None:
            raise HomeDatabaseMissing(f'The database "{database}" went away as it was made.')
    try:
        await _become_a_member(connection, database)
        await _close_to_public(connection, database)
        await _let_the_login_in(connection, database)
        await _migrate(connection)
    except BaseException:
        connection.terminate()
        raise
    return connection, had_owner


async def drop(connector: Connects, database: str, *, through: Sequence[str]) -> None:
    """The home database goes, and its owner role when nothing else needs it."""
    connection = await _any_connection(connector, [d for d in through if d != database])
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {quote_ident(database)} WITH (FORCE)")
        with suppress(asyncpg.DependentObjectsStillExistError, asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"DROP ROLE IF EXISTS {quote_ident(OWNER)}")
    finally:
        await connection.close()


def sql_to_run(database: str, admin: str, *, major: int) -> str:
    """What a superuser runs so that this admin has its home database."""
    owner, name = quote_ident(OWNER), quote_ident(database)
    options = with_options(major)
    return (
        f"CREATE ROLE {owner} NOLOGIN; "
        f"GRANT {owner} TO {quote_ident(admin)}{options}; "
        f"{_create_database(database, major)}; "
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC;"
    )


async def _make_through(
    connector: Connects, database: str, through: Sequence[str], check: Check
) -> bool:
    """Whether the owner role was there before."""
    connection = await _any_connection(connector, through)
    try:
        await check_owner(connection)
        await check(connection)
        had_owner = bool((await _standing(connection))["owner_exists"])
        standing = await _become_a_member(connection, database)
        await _create(connection, database, int(standing["major"]))
        await _close_to_public(connection, database)
        await _let_the_login_in(connection, database)
        return had_owner
    finally:
        await connection.close()


async def _any_connection(connector: Connects, databases: Sequence[str]) -> Connection:
    for number, database in enumerate(databases):
        try:
            return await connector.connect(database, purpose="home")
        except Exception as error:
            last = number == len(databases) - 1
            if last or _sqlstate(error) not in ("3D000", "42501", "55000"):
                raise
    raise HomeDatabaseMissing(
        "No database is known from which the home database could be made or dropped."
    )


async def _become_a_member(connection: Connection, database: str) -> asyncpg.Record:
    """The owner role exists, and the admin is its member with its rights."""
    standing = await _standing(connection)
    admin = await connection.fetchval("SELECT current_user::text")
    try:
        if not standing["owner_exists"]:
            with suppress(*_EXISTS_ALREADY):
                await connection.execute(f"CREATE ROLE {quote_ident(OWNER)} NOLOGIN")
        if not (standing["is_plain_member"] and standing["has_its_rights"]):
            await _join(connection, admin)
            standing = await _standing(connection)
    except asyncpg.InsufficientPrivilegeError as error:
        raise _may_not(database, admin, standing) from error
    if not standing["has_its_rights"]:
        raise HomeDatabaseMissing(
            f'The admin "{admin}" is a member of "{OWNER}" without inheriting its rights.',
            way_out=f"Run ALTER ROLE {quote_ident(admin)} INHERIT, and start again.",
        )
    return standing


async def _let_the_login_in(connection: Connection, database: str) -> None:
    """With `setRole` the login is a member too, and may connect whatever it inherits.

    Before 16 a login that is NOINHERIT has no CONNECT by its memberships.
    """
    row = await connection.fetchrow(load("home/login"), OWNER, database)
    if row is None or not row["is_another"]:
        return
    login = row["login"]
    try:
        if not row["is_plain_member"]:
            await _join(connection, login)
            row = await connection.fetchrow(load("home/login"), OWNER, database) or row
        if not row["may_connect"]:
            name = quote_ident(database)
            await _patiently(
                connection, f"GRANT CONNECT ON DATABASE {name} TO {quote_ident(login)}"
            )
    except asyncpg.InsufficientPrivilegeError as error:
        raise HomeDatabaseMissing(
            f'The login "{login}" of the admin is not let into the home database "{database}".',
            way_out=f"Run as a superuser: {_membership(login, connection)};",
        ) from error


async def _standing(connection: Connection) -> asyncpg.Record:
    row = await connection.fetchrow(load("home/owner_role"), OWNER)
    if row is None:  # pragma: no cover - a session without a role of its own
        raise HomeDatabaseMissing("The session's own role is not in pg_roles; connect again.")
    return row


async def _join(connection: Connection, admin: str) -> None:
    """From 16 on the creator has ADMIN alone: it gives itself the rights."""
    await _patiently(connection, _membership(admin, connection))


def _membership(admin: str, connection: Connection) -> str:
    major = connection.get_server_version().major
    options = with_options(major)
    return f"GRANT {quote_ident(OWNER)} TO {quote_ident(admin)}{options}"


async def _create(connection: Connection, database: str, major: int) -> None:
    try:
        await _patiently(connection, _create_database(database, major))
    except asyncpg.InsufficientPrivilegeError as error:
        admin = await connection.fetchval("SELECT current_user::text")
        raise _may_not(database, admin, await _standing(connection)) from error


def _create_database(database: str, major: int) -> str:
    """From template0: template1 may hold live event triggers, and other people's tables."""
    provider = " LOCALE_PROVIDER libc" if major >= 15 else ""
    return (
        f"CREATE DATABASE {quote_ident(database)} OWNER {quote_ident(OWNER)} "
        f"TEMPLATE template0 ENCODING 'UTF8'{provider} LOCALE 'C'"
    )


def _may_not(database: str, admin: str, standing: asyncpg.Record) -> HomeDatabaseMissing:
    lacks = [
        name
        for name, has in (
            ("CREATEROLE", standing["may_create_roles"]),
            ("CREATEDB", standing["may_create_databases"]),
        )
        if not has
    ]
    return may_not_make(database, admin, lacks, major=int(standing["major"]))


def may_not_make(
    database: str, admin: str, lacks: Sequence[str], *, major: int
) -> HomeDatabaseMissing:
    """That the admin may not make it, which attributes it lacks, and what a superuser runs."""
    why = f" (it has no {' and no '.join(lacks)})" if lacks else ""
    statements = sql_to_run(database, admin, major=major)
    return HomeDatabaseMissing(
        f'The admin "{admin}" may not make the home database "{database}"{why}.',
        way_out=f"Run as a superuser what is not there yet of: {statements}",
    )


async def _close_to_public(connection: Connection, database: str) -> None:
    row = await connection.fetchrow(load("home/database"), database)
    if row is None or not row["public_has_rights"] or row["owner"] != OWNER:
        return
    await _patiently(connection, f"REVOKE ALL ON DATABASE {quote_ident(database)} FROM PUBLIC")


async def _patiently(connection: Connection, statement: str) -> None:
    """Until it is done, by us or by another Regent that is making the same."""

    async def once() -> None:
        with suppress(*_EXISTS_ALREADY):
            await connection.execute(statement)

    await again(
        once,
        attempts=ATTEMPTS,
        waits=Backoff(first=0.05, longest=1.0),
        passes_by=lambda error: isinstance(error, _SOMEBODY_ELSE_IS_AT_IT),
    )


async def _migrate(connection: Connection) -> None:
    if await version(connection) == LATEST:
        return
    async with connection.transaction():
        await connection.execute(load("home/migration_lock"), MIGRATION_KEY)
        await connection.execute(f"SET LOCAL ROLE {quote_ident(OWNER)}")
        reached = await version(connection)
        if reached > LATEST:
            raise HomeDatabaseNewer(
                f"The home database is of version {reached}, this PostgRegent knows {LATEST}.",
                way_out="Run the newer PostgRegent, or drop the home database and start again.",
            )
        for number in range(reached + 1, LATEST + 1):
            await connection.execute(load(f"home/migration_{number}"))
            await connection.execute(load("home/migration_done"), number)


async def version(connection: Connection) -> int:
    """The number of the last migration; 0 where our tables are not.

    A login that inherits nothing, as with NOINHERIT before 16, reads it as the owner role.
    """
    try:
        return await _version(connection)
    except asyncpg.InsufficientPrivilegeError:
        await act_as_owner(connection)
        try:
            return await _version(connection)
        finally:
            await act_as_admin(connection)


async def _version(connection: Connection) -> int:
    if not await connection.fetchval(load("home/has_schema")):
        return 0
    return int(await connection.fetchval(load("home/version")))


def _sqlstate(error: BaseException | None) -> str:
    """Of the PostgreSQL error that this one is, or was made from."""
    while error is not None:
        state = getattr(error, "sqlstate", None)
        if state:
            return str(state)
        error = error.__cause__
    return ""

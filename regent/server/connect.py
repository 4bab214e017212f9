"""Opens connections to one server, safely: whom we speak to, how we say who we are, what we set.

Errors say what to do about them and never hold the password.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from regent.server.address import ServerAddress
from regent.server.authentication import GuardedLoop, UnsafeAuthenticationError
from regent.server.lenient_text import RAW, is_legible
from regent.server.sending import SendingConnection
from regent.server.session_settings import afterwards, expected, in_the_packet
from regent.server.trouble import CannotConnectError
from regent.server.words import say_by_dsn
from shared.errors import PostgRegentError
from sql import load

PasswordSource = Callable[[], Awaitable[str]]
"""Read again at each connect: a mounted Secret changes under us (docs/architecture.md)."""

CONNECT_SECONDS = 10.0
APPLICATION = "postgregent"
TRANSACTION_TIMEOUT = "25P04"
MAJOR_OF_TRANSACTION_TIMEOUT = 17
UNKNOWN_PARAMETER = "42704"
NOT_OPEN = "55000"
"""ALLOW_CONNECTIONS is false, or a DROP DATABASE was interrupted."""
OLDEST_MAJOR = 14
TO_SERVE = frozenset({"work", "listener"})
"""Purposes of connections that serve a database, which a template is not."""
_INTERRUPTED = (asyncpg.InterfaceError, asyncpg.InternalClientError)
_HALF_A_PROTOCOL = (LookupError, AttributeError, ValueError, TypeError, BufferError, AssertionError)
"""What asyncpg raises where a server leaves out, or mixes up, what the protocol asks for."""


OF_THE_RESOURCE = (
    "Check adminUser, and the Secret that adminPasswordSecretRef or connectionSecretRef names."
)


class WrongPasswordError(CannotConnectError):
    """The server does not accept the admin's password."""


class NoSuchDatabaseError(CannotConnectError):
    """The database does not exist."""


class SettingsDoNotHoldError(CannotConnectError):
    """A setting of the session is not what was asked for."""


class TemplateServed(CannotConnectError):
    """A served database is a template: every copy would carry the Regent's triggers."""

    def __init__(self, *databases: str) -> None:
        """`databases` are the templates."""
        super().__init__(
            f"A template cannot be served: {', '.join(databases)}. CREATE DATABASE from it would"
            " fail while the Regent is connected, and each copy would carry the Regent's triggers.",
            way_out="Take it out of databaseName and additionalDatabases, or run"
            " ALTER DATABASE .. IS_TEMPLATE false.",
        )


class IsAPoolerError(CannotConnectError):
    """Between us and the server stands a pooler, which hands our session to others."""


_OUR_OWN_WORD = (SettingsDoNotHoldError, TemplateServed, IsAPoolerError)
"""What the session shows once it is open: another one would show the same."""


class Connector:
    """Opens connections to one server as its admin."""

    def __init__(
        self, address: ServerAddress, password: PasswordSource, *, password_hint: str = ""
    ) -> None:
        """`password_hint` says what to check when the server does not accept the password.

        Where no resource says it, a DSN does.
        """
        self.address = address
        self._is_by_dsn = password_hint != ""
        self._password_hint = password_hint or OF_THE_RESOURCE
        self._password = password
        self._tls = _tls(address)
        self._major: int | None = None

    async def connect(self, database: str, *, purpose: str) -> asyncpg.Connection:
        """A connection of one's own, seen in pg_stat_activity as `postgregent/<purpose>`.

        Raises CannotConnectError: WrongPasswordError, NoSuchDatabaseError, TemplateServed,
        SettingsDoNotHoldError, UnsafeAuthenticationError and IsAPoolerError are kinds of it.
        """
        try:
            return await self._connected(database, purpose)
        except PostgRegentError as error:
            if self._is_by_dsn:
                say_by_dsn(error)
            raise

    async def _connected(self, database: str, purpose: str) -> asyncpg.Connection:
        known = self._major
        try:
            return await self._settled(database, purpose)
        except CannotConnectError as error:
            is_young = error.sqlstate == TRANSACTION_TIMEOUT or self._major is not None
            if known is None and is_young and not isinstance(error, _OUR_OWN_WORD):
                # It ended the session while its name could not be in the startup packet yet.
                self._major = self._major or MAJOR_OF_TRANSACTION_TIMEOUT
            elif error.sqlstate == UNKNOWN_PARAMETER and known is not None:
                self._major = None
            else:
                raise
        return await self._settled(database, purpose)

    async def _settled(self, database: str, purpose: str) -> asyncpg.Connection:
        connection = await self._open_with_a_password(database, purpose)
        try:
            await self._settle(connection, database, purpose)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _open_with_a_password(self, database: str, purpose: str) -> asyncpg.Connection:
        password = await self._password()
        try:
            return await self._open(database, purpose, password)
        except WrongPasswordError:
            # It may have been rotated between the Secret's two copies, the server's and ours.
            again = await self._password()
            if again == password:
                raise
            return await self._open(database, purpose, again)

    async def _open(self, database: str, purpose: str, password: str) -> asyncpg.Connection:
        if not is_legible(database):
            raise NoSuchDatabaseError("A database whose name is not UTF-8 cannot be connected to.")
        guarded = GuardedLoop(
            asyncio.get_running_loop(),
            tls_is_verified=self.address.verifies_tls,
            has_password=bool(password),
        )
        loop: Any = guarded
        try:
            return await asyncpg.connect(
                host=self.address.host,
                port=self.address.port,
                user=self.address.admin_user,
                password=password,
                database=database,
                ssl=self._tls,
                direct_tls=False,
                target_session_attrs=SessionAttribute.any,
                timeout=CONNECT_SECONDS,
                loop=loop,
                connection_class=SendingConnection,
                server_settings={
                    **in_the_packet(self._major),
                    "application_name": f"{APPLICATION}/{purpose}",
                },
            )
        except (OSError, asyncpg.PostgresError, *_INTERRUPTED, *_HALF_A_PROTOCOL) as error:
            await guarded.hang_up()
            if guarded.refusal:
                raise guarded.refusal from None
            # Without the cause: its traceback holds frames of asyncpg that hold the password.
            raise self._explained(error, database) from None

    async def _settle(self, connection: asyncpg.Connection, database: str, purpose: str) -> None:
        """Set what the startup packet could not name, and see that all of it holds."""
        major = self._major = connection.get_server_version().major
        is_superuser = getattr(connection.get_settings(), "is_superuser", "off") == "on"
        later = afterwards(major, is_superuser=is_superuser)
        wanted = expected(major, is_superuser=is_superuser)
        if getattr(connection.get_settings(), "server_encoding", "") == RAW:
            later["client_encoding"] = wanted["client_encoding"] = RAW
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.fetch(load("connect/set"), list(later), list(later.values()))
                row = await connection.fetchrow(load("connect/session"), list(wanted))
        except (OSError, asyncpg.PostgresError, *_INTERRUPTED, *_HALF_A_PROTOCOL) as error:
            raise self._explained(error, database) from None
        if row is None or row["pid"] != connection.get_server_pid():
            raise IsAPoolerError(
                f"{self.address} is a connection pooler: locks and notifications are lost in it.",
                way_out="Give databaseHost and port of PostgreSQL itself.",
            )
        found = dict(zip(wanted, row["values"], strict=True))
        wrong = [name for name, value in wanted.items() if found[name] != value]
        if wrong:
            name = wrong[0]
            raise SettingsDoNotHoldError(
                f"{self.address} gave the session in {database!r} the setting {name} ="
                f" {found[name]!r}, and {wanted[name]!r} was asked for.",
                way_out="Find out what sets it (pg_db_role_setting, an extension, a proxy).",
            )
        if not row["is_the_admin"]:
            raise SettingsDoNotHoldError(
                f"{self.address} let {self.address.admin_user!r} in as {row['current']!r}.",
                way_out="Find out what sets the role at login (pg_db_role_setting).",
            )
        if row["is_template"] and purpose in TO_SERVE:
            raise TemplateServed(database)

    def _explained(self, error: Exception, database: str) -> CannotConnectError:
        user = self.address.admin_user
        if isinstance(error, asyncpg.InvalidPasswordError):
            return WrongPasswordError(
                f"{self.address} does not accept the password of {user!r}.",
                way_out=self._password_hint,
                sqlstate=error.sqlstate,
            )
        if isinstance(error, asyncpg.InvalidCatalogNameError):
            return NoSuchDatabaseError(
                f"{self.address} has no database {database!r}.",
                way_out="Check databaseName, or make the database.",
                sqlstate=error.sqlstate,
            )
        if getattr(error, "sqlstate", None) == UNKNOWN_PARAMETER:
            return CannotConnectError(
                f"{self.address} does not know a setting that PostgreSQL {OLDEST_MAJOR} has:"
                f" {_said(error)}.",
                way_out=f"Upgrade the server to PostgreSQL {OLDEST_MAJOR} or newer.",
                sqlstate=UNKNOWN_PARAMETER,
            )
        if not isinstance(error, (OSError, asyncpg.PostgresError, *_INTERRUPTED)):
            return CannotConnectError(
                f"What answers at {self.address} does not speak PostgreSQL's protocol as"
                f" PostgreSQL does ({type(error).__name__}).",
                way_out="Check databaseHost and port: is a proxy or a pooler in between?",
            )
        return CannotConnectError(
            f"Cannot connect to {database!r} on {self.address} as {user!r}: {_said(error)}.",
            way_out=_way_out(error),
            sqlstate=getattr(error, "sqlstate", None),
        )


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_SECONDS:.0f} s"
    return str(error).strip().rstrip(".") or type(error).__name__


def _way_out(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "Check tls.caSecretRef, and that the certificate is for databaseHost."
    if isinstance(error, (ssl.SSLError, ConnectionError)) and "SSL" in str(error):
        return "Switch TLS on at the server, or set tls.mode."
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return "Check that adminUser may log in, and pg_hba.conf."
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return "Give adminUser CONNECT on the database."
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return _where_connections_are_limited(error)
    if isinstance(error, OSError):
        return "Check databaseHost and port, and that the network lets us through."
    if getattr(error, "sqlstate", None) == NOT_OPEN:
        return str(getattr(error, "hint", None) or "").strip() or (
            "Open it with ALTER DATABASE .. ALLOW_CONNECTIONS true, or serve it no more."
        )
    return "See the server's log, and try again."


def _where_connections_are_limited(error: asyncpg.TooManyConnectionsError) -> str:
    """By the function that refused: the message itself may be in any language."""
    match error.as_dict().get("server_source_function"):
        case "InitializeSessionUserId":
            return (
                "The CONNECTION LIMIT of adminUser is reached: ALTER ROLE .. CONNECTION LIMIT 20,"
                " which is what one Regent needs at most, or -1."
            )
        case "CheckMyDatabase":
            return (
                "The database's CONNECTION LIMIT is reached, and only superusers are let in beyond"
                " it: ALTER DATABASE .. CONNECTION LIMIT, 2 more than its applications use."
            )
        case _:
            return "Raise max_connections, or keep some with reserved_connections."


def _tls(address: ServerAddress) -> ssl.SSLContext | Literal["prefer", False]:
    """What asyncpg wants as `ssl`. Given in full, so that no PGSSL* variable has a say."""
    mode = address.tls_mode
    if mode == "disable":
        return False
    if mode is None and not address.verifies_tls:
        return "prefer"
    context = ssl.create_default_context(cadata=address.ca_pem)
    context.check_hostname = mode not in {"require", "verify-ca"}
    if not address.verifies_tls:
        context.verify_mode = ssl.CERT_NONE
    return context


__all__ = [
    "CannotConnectError",
    "Connector",
    "IsAPoolerError",
    "NoSuchDatabaseError",
    "PasswordSource",
    "ServerAddress",
    "SettingsDoNotHoldError",
    "TemplateServed",
    "UnsafeAuthenticationError",
    "WrongPasswordError",
]

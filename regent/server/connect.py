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

from regent.server.address import BadAddressError, ServerAddress
from regent.server.authentication import GuardedLoop, UnsafeAuthenticationError
from regent.server.client_certificate import CertificateSource, ClientCertificate, load_into
from regent.server.lenient_text import RAW, is_legible
from regent.server.refused import (
    CONNECT_SECONDS,
    INTERRUPTED,
    OF_A_CERTIFICATE,
    OF_A_CLOUD,
    OF_THE_RESOURCE,
    UNKNOWN_PARAMETER,
    IsAPoolerError,
    NoSuchDatabaseError,
    SetRoleRefused,
    SettingsDoNotHoldError,
    TemplateServed,
    WrongPasswordError,
    explained,
    role_refused,
)
from regent.server.sending import SendingConnection
from regent.server.session_settings import afterwards, expected, in_the_packet
from regent.server.trouble import CannotConnectError
from regent.server.words import say_by_dsn
from shared.errors import PostgRegentError
from sql import load

PasswordSource = Callable[[], Awaitable[str]]
"""Read again at each connect: a mounted Secret changes under us (docs/architecture.md)."""

APPLICATION = "postgregent"
TRANSACTION_TIMEOUT = "25P04"
MAJOR_OF_TRANSACTION_TIMEOUT = 17
TO_SERVE = frozenset({"work", "listener"})
"""Purposes of connections that serve a database, which a template is not."""
_HALF_A_PROTOCOL = (LookupError, AttributeError, ValueError, TypeError, BufferError, AssertionError)
"""What asyncpg raises where a server leaves out, or mixes up, what the protocol asks for."""


_OUR_OWN_WORD = (SetRoleRefused, SettingsDoNotHoldError, TemplateServed, IsAPoolerError)
"""What the session shows once it is open: another one would show the same."""


class Connector:
    """Opens connections to one server as its admin."""

    def __init__(
        self,
        address: ServerAddress,
        password: PasswordSource,
        *,
        password_hint: str = "",
        certificate: CertificateSource | None = None,
        refused: Callable[[str], None] | None = None,
    ) -> None:
        """`password_hint` says what to check when the server does not accept the password.

        Where no resource says it, a DSN does. With a `certificate` no password is ever given.
        `refused` hears of each token that the server did not accept; without it, it is a password.
        """
        if certificate is not None and not address.verifies_tls:
            raise BadAddressError(
                "A client certificate is shown to a server that proves who it is, and to no other.",
                way_out="Leave tls.mode out, or set verify-full, or verify-ca with"
                " tls.caSecretRef.",
            )
        self.address = address
        self._is_by_dsn = password_hint != ""
        of_the_resource = OF_THE_RESOURCE if refused is None else OF_A_CLOUD
        if certificate is not None:
            of_the_resource = OF_A_CERTIFICATE
        self._password_hint = password_hint or of_the_resource
        self._certificate = certificate
        self._tls = _tls(address)
        self._shown: ClientCertificate | None = None
        self._password = password
        self._refused = refused
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
            if self._refused is not None:
                self._refused(password)
            again = await self._password()
            if again == password:
                raise
            return await self._open(database, purpose, again)

    async def _open(self, database: str, purpose: str, password: str) -> asyncpg.Connection:
        if not is_legible(database):
            raise NoSuchDatabaseError("A database whose name is not UTF-8 cannot be connected to.")
        if self._certificate is not None:
            self._show(await self._certificate())
        guarded = GuardedLoop(
            asyncio.get_running_loop(),
            tls_is_verified=self.address.verifies_tls,
            has_password=bool(password),
            has_certificate=self._certificate is not None,
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
                max_cacheable_statement_size=0,  # of any: the largest is the one of each pass
                server_settings={
                    **in_the_packet(self._major, role=self.address.set_role),
                    "application_name": f"{APPLICATION}/{purpose}",
                },
            )
        except (OSError, asyncpg.PostgresError, *INTERRUPTED, *_HALF_A_PROTOCOL) as error:
            await guarded.hang_up()
            if guarded.refusal:
                raise guarded.refusal from None
            # Without the cause: its traceback holds frames of asyncpg that hold the password.
            raise self._explained(error, database) from None

    def _show(self, client: ClientCertificate) -> None:
        """To the server, from the next connection on. Another one needs another context."""
        if client == self._shown:
            return
        context = _tls(self.address)
        if isinstance(context, ssl.SSLContext):
            load_into(context, client)
        self._tls, self._shown = context, client

    async def _settle(self, connection: asyncpg.Connection, database: str, purpose: str) -> None:
        """Set what the startup packet could not name, and see that all of it holds."""
        major = self._major = connection.get_server_version().major
        is_superuser = _is_superuser(connection)
        role = self.address.set_role
        later = afterwards(major, is_superuser=is_superuser)
        if getattr(connection.get_settings(), "server_encoding", "") == RAW:
            later["client_encoding"] = RAW
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.fetch(load("connect/set"), list(later), list(later.values()))
                if role is not None and not is_superuser:
                    is_superuser = await self._settle_as_the_login(connection)
                wanted = expected(major, is_superuser=is_superuser, role=role) | later
                row = await connection.fetchrow(load("connect/session"), list(wanted))
        except (OSError, asyncpg.PostgresError, *INTERRUPTED, *_HALF_A_PROTOCOL) as error:
            raise self._explained(error, database) from None
        if row is None or row["pid"] != connection.get_server_pid():
            raise IsAPoolerError(
                f"{self.address} is a connection pooler: locks and notifications are lost in it.",
                way_out="Give databaseHost and port of PostgreSQL itself.",
            )
        found = dict(zip(wanted, row["values"], strict=True))
        if role is not None and row["current"] != role:
            raise role_refused(self.address, f"the session acts as {row['current']!r}")
        wrong = [name for name, value in wanted.items() if found[name] != value]
        if wrong:
            name = wrong[0]
            raise SettingsDoNotHoldError(
                f"{self.address} gave the session in {database!r} the setting {name} ="
                f" {found[name]!r}, and {wanted[name]!r} was asked for.",
                way_out="Find out what sets it (pg_db_role_setting, an extension, a proxy).",
            )
        if row["logged_in_as"] != self.address.admin_user or not (role or row["is_the_admin"]):
            raise SettingsDoNotHoldError(
                f"{self.address} let {self.address.admin_user!r} in as"
                f" {row['logged_in_as'] if role else row['current']!r}.",
                way_out="Find out what sets the role at login (pg_db_role_setting).",
            )
        if row["is_template"] and purpose in TO_SERVE:
            raise TemplateServed(database)

    async def _settle_as_the_login(self, connection: asyncpg.Connection) -> bool:
        """Whether the login is a superuser, unlike the role that acts; then what such may set is.

        Its own settings apply at login, and its role may not set them back.
        """
        await connection.execute("SET ROLE NONE")
        is_superuser = _is_superuser(connection)
        if is_superuser:
            later = afterwards(connection.get_server_version().major, is_superuser=True)
            await connection.fetch(load("connect/set"), list(later), list(later.values()))
        await connection.execute("RESET ROLE")
        return is_superuser

    def _explained(self, error: Exception, database: str) -> CannotConnectError:
        return explained(
            error,
            database,
            self.address,
            password_hint=self._password_hint,
            has_certificate=self._certificate is not None,
            is_token=self._refused is not None,
        )


def _is_superuser(connection: asyncpg.Connection) -> bool:
    return bool(getattr(connection.get_settings(), "is_superuser", "off") == "on")


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
    "SetRoleRefused",
    "SettingsDoNotHoldError",
    "TemplateServed",
    "UnsafeAuthenticationError",
    "WrongPasswordError",
]

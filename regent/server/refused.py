"""What refuses a connection, in words with a way out; none holds the password.

Kinds of CannotConnectError, for whoever opens connections (regent.server.connect).
"""

from __future__ import annotations

import ssl

import asyncpg

from regent.server.address import ServerAddress
from regent.server.trouble import CannotConnectError
from shared.names import quote_ident

CONNECT_SECONDS = 10.0
UNKNOWN_PARAMETER = "42704"
NOT_OPEN = "55000"
"""ALLOW_CONNECTIONS is false, or a DROP DATABASE was interrupted."""
OLDEST_MAJOR = 14
OF_THE_DATABASE = "CheckMyDatabase"
"""The function of PostgreSQL that refuses one database."""
_NO_SUCH_ROLE = frozenset({"22023", "42501"})
"""Of a parameter `role` in the startup packet: it is not there, or not for this login."""
INTERRUPTED = (asyncpg.InterfaceError, asyncpg.InternalClientError)

_CUT = (asyncpg.ConnectionDoesNotExistError, ConnectionResetError, BrokenPipeError)

OF_A_CERTIFICATE = (
    "Check clientCertificateSecretRef: pg_hba.conf asks for cert, the server's ssl_ca_file has who"
    " issued the certificate, and its common name is adminUser (or pg_ident.conf maps it)."
)
OF_THE_RESOURCE = (
    "Check adminUser, and the Secret that adminPasswordSecretRef or connectionSecretRef names."
)


OF_A_CLOUD = (
    "Check adminUser, which the cloud spells in its own way, and that the identity that asks for"
    " the token may log in there (docs/managed-postgresql.md)."
)


class WrongPasswordError(CannotConnectError):
    """The server does not accept the admin's password, or token."""


class CertificateRefused(CannotConnectError):
    """The server does not accept the admin's client certificate."""


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


class SetRoleRefused(CannotConnectError):
    """The admin that logs in may not act as `setRole`."""


class IsAPoolerError(CannotConnectError):
    """Between us and the server stands a pooler, which hands our session to others."""


def explained(
    error: Exception,
    database: str,
    address: ServerAddress,
    *,
    password_hint: str,
    has_certificate: bool = False,
    is_token: bool = False,
) -> CannotConnectError:
    """The error of a connection that was not had, or not settled."""
    user = address.admin_user
    if role := _role_refused(error, address):
        return role
    if isinstance(error, asyncpg.InvalidPasswordError):
        return WrongPasswordError(
            f"{address} does not accept the {'token' if is_token else 'password'} of {user!r}.",
            way_out=password_hint,
            sqlstate=error.sqlstate,
        )
    if is_token and isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        # What checks tokens is no password method of PostgreSQL, so 28P01 is not what it says.
        return WrongPasswordError(
            f"{address} does not accept the token of {user!r}: {_said(error)}.",
            way_out=password_hint,
            sqlstate=error.sqlstate,
        )
    if has_certificate and _is_about_the_certificate(error):
        return CertificateRefused(
            f"{address} does not accept the client certificate of {user!r}: {_said(error)}.",
            way_out=password_hint,
            sqlstate=getattr(error, "sqlstate", None),
        )
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return NoSuchDatabaseError(
            f"{address} has no database {database!r}.",
            way_out="Check databaseName, or make the database.",
            sqlstate=error.sqlstate,
        )
    if getattr(error, "sqlstate", None) == UNKNOWN_PARAMETER:
        return CannotConnectError(
            f"{address} does not know a setting that PostgreSQL {OLDEST_MAJOR} has:"
            f" {_said(error)}.",
            way_out=f"Upgrade the server to PostgreSQL {OLDEST_MAJOR} or newer.",
            sqlstate=UNKNOWN_PARAMETER,
        )
    if not isinstance(error, (OSError, asyncpg.PostgresError, *INTERRUPTED)):
        return CannotConnectError(
            f"What answers at {address} does not speak PostgreSQL's protocol as"
            f" PostgreSQL does ({type(error).__name__}).",
            way_out="Check databaseHost and port: is a proxy or a pooler in between?",
        )
    is_cut = has_certificate and isinstance(error, (*INTERRUPTED, *_CUT))
    return CannotConnectError(
        f"Cannot connect to {database!r} on {address} as {user!r}: {_said(error)}.",
        way_out=f"A server cuts the connection when it does not know who issued the client"
        f" certificate. {password_hint}"
        if is_cut
        else _way_out(error),
        sqlstate=getattr(error, "sqlstate", None),
    )


def _role_refused(error: Exception, address: ServerAddress) -> SetRoleRefused | None:
    """The server refuses a startup packet whose role the login may not become.

    It has no SQLSTATE of one database: another database would refuse the same.
    """
    role, state = address.set_role, getattr(error, "sqlstate", None)
    if role is None or not isinstance(error, asyncpg.PostgresError) or state not in _NO_SUCH_ROLE:
        return None
    if error.as_dict().get("server_source_function") == OF_THE_DATABASE:
        return None
    return role_refused(address, f"{_said(error)} (SQLSTATE {state})")


def role_refused(address: ServerAddress, why: str) -> SetRoleRefused:
    """With the statement that lets it act as this role; `why` is what the server said."""
    login, role = address.admin_user, address.set_role or ""
    return SetRoleRefused(
        f"{address} does not let {login!r} act as {role!r}, which setRole names: {why}.",
        way_out=f"Run as a superuser GRANT {quote_ident(role)} TO {quote_ident(login)};"
        " (from 16 on WITH SET TRUE), or correct setRole.",
    )


def _is_about_the_certificate(error: Exception) -> bool:
    """Refused by pg_hba.conf, or by a TLS alert, which comes after the handshake."""
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return True
    is_own_check = isinstance(error, ssl.SSLCertVerificationError)
    return isinstance(error, ssl.SSLError) and not is_own_check and "ALERT" in str(error).upper()


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
        case "CheckMyDatabase":  # OF_THE_DATABASE
            return (
                "The database's CONNECTION LIMIT is reached, and only superusers are let in beyond"
                " it: ALTER DATABASE .. CONNECTION LIMIT, 2 more than its applications use."
            )
        case _:
            return "Raise max_connections, or keep some with reserved_connections."

"""`--dsn`: where a server is, read as libpq reads it. Nothing here ever shows the password.

Only what we mean to support is taken: one host by name or address, no list, no socket, no options.
The rest is refused by name rather than passed on to a driver that would read it in its own way
(rule 28b). Of libpq's variables PGPASSWORD is read, and those of the service file and the password
file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from cli.conninfo import Unreadable, parse
from cli.credential_command import CLOUD_VARIABLE, read_cloud, read_command
from cli.dsn_error import BadDsnError
from cli.dsn_tls import read_certificate, read_tls
from cli.password_file import FromFile, from_file
from cli.service_file import with_service
from regent.server.address import host_problem
from regent.server.credential_command import VARIABLE as COMMAND
from regent.server.refused import OF_A_CERTIFICATE, OF_A_CLOUD
from regent.settings import ServerSettings
from shared.errors import PostgRegentError
from shared.resources.regent import DEFAULT_PORT

NAMES = (
    "user",
    "password",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "passfile",
    "service",
)
"""What is taken."""
NOT_TAKEN = frozenset(
    [
        "application_name",
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "fallback_application_name",
        "gssdelegation",
        "gssencmode",
        "gsslib",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "krbsrvname",
        "load_balance_hosts",
        "max_protocol_version",
        "min_protocol_version",
        "oauth_client_id",
        "oauth_client_secret",
        "oauth_issuer",
        "oauth_scope",
        "options",
        "replication",
        "require_auth",
        "requirepeer",
        "requiressl",
        "scram_client_key",
        "scram_server_key",
        "servicefile",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
        "sslcertmode",
        "sslcompression",
        "sslcrl",
        "sslcrldir",
        "sslkeylogfile",
        "sslnegotiation",
        "sslpassword",
        "sslsni",
        "target_session_attrs",
        "tcp_user_timeout",
    ]
)
"""What libpq knows besides."""
_PLAIN = re.compile(r"[^\s'\\]+")
VARIABLES = {"host": "PGHOST", "user": "PGUSER", "dbname": "PGDATABASE"}
PASSWORD_VARIABLE = "PGPASSWORD"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True)
class Dsn:
    """One database of one server, and who we are there."""

    server: ServerSettings
    database: str

    def __str__(self) -> str:
        return f"{self.server.host}:{self.server.port}/{self.database}"


def needed_dsn(text: str | None, environment: Mapping[str, str], *, to: str) -> Dsn:
    """Of a command that was given no DIR. Without one the error says what for."""
    if text is None:
        raise PostgRegentError(
            f"Nothing says which server to {to}.",
            way_out="Say --dsn DSN, or the DIR whose Regent names it.",
        )
    return parse_dsn(text, environment)


def parse_dsn(text: str, environment: Mapping[str, str]) -> Dsn:
    """A URI or `keyword=value` words, and what the service adds that it or PGSERVICE names.

    Without a password there, PGPASSWORD is taken, else what the password file says. Raises
    BadDsnError, which quotes no part of a text that it did not understand.
    """
    try:
        given = with_service(parse(text), environment)
    except Unreadable as why:
        raise BadDsnError(str(why)) from None
    for name in given:
        _must_be_taken(name)
    host = _host(given, environment)
    user, database = _must(given, "user", environment), _must(given, "dbname", environment)
    port = _port(given.get("port"))
    password = given.get("password") or environment.get(PASSWORD_VARIABLE)
    certificate, key = read_certificate(given)
    command, cloud = read_command(environment), read_cloud(environment)
    _require_one_way(given, environment, has_command=bool(command), has_cloud=cloud is not None)
    found = FromFile()
    if certificate is None and not password and not command and cloud is None:
        fields = given.get("host") or host, str(port), database, user
        found = from_file(given.get("passfile"), environment, fields)
    tls_mode, ca_pem = read_tls(given.get("sslmode"), given.get("sslrootcert"))
    server = ServerSettings(
        host=host,
        port=port,
        admin_user=user,
        admin_password=SecretStr(secret) if (secret := password or found.password) else None,
        tls_mode=tls_mode,
        ca_pem=ca_pem,
        client_certificate=certificate,
        client_key=key,
        credential_command=command,
        authentication=cloud,
        password_hint=OF_A_CERTIFICATE
        if certificate is not None
        else f"Check what the command in {COMMAND} gives for {user!r}."
        if command
        else OF_A_CLOUD
        if cloud
        else _password_hint(user, environment, found, is_given=bool(given.get("password"))),
    )
    return Dsn(server, database)


def without_password(text: str) -> str:
    """The same as `keyword=value` words, to be read again later. Raises BadDsnError."""
    try:
        given = parse(text)
    except Unreadable as why:
        raise BadDsnError(str(why)) from None
    shown = (name for name in NAMES if name != "password" and name in given)
    return " ".join(f"{name}={_quoted(given[name])}" for name in shown)


def _quoted(value: str) -> str:
    """As libpq reads it."""
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _require_one_way(
    given: Mapping[str, str], environment: Mapping[str, str], *, has_command: bool, has_cloud: bool
) -> None:
    """No other way is tried where one is named: so two are a mistake."""
    ways = [
        name
        for name, is_named in (
            (COMMAND, has_command),
            (CLOUD_VARIABLE, has_cloud),
            ("sslcert in --dsn", given.get("sslcert")),
            ("a password in --dsn", given.get("password")),
            ("passfile in --dsn", given.get("passfile") and not given.get("password")),
            (PASSWORD_VARIABLE, not given.get("password") and environment.get(PASSWORD_VARIABLE)),
        )
        if is_named
    ]
    is_about_passwords = not has_command and not has_cloud and not given.get("sslcert")
    if len(ways) > 1 and not is_about_passwords:
        raise BadDsnError(
            f"goes with one way to log in, and there are {' and '.join(ways)}",
            way_out="Keep one way to log in: take the other out, or unset the variable.",
        )


def _password_hint(
    user: str, environment: Mapping[str, str], found: FromFile, *, is_given: bool
) -> str:
    """Where the password came from: no Secret is read with --dsn."""
    if is_given:
        return f"Check the password of {user!r} in --dsn; no Secret is read with --dsn."
    if environment.get(PASSWORD_VARIABLE):
        return (
            f"Check the password of {user!r} in {PASSWORD_VARIABLE}; no Secret is read with --dsn."
        )
    if found.password is not None:
        return f"Check the password of {user!r}. {found.hint}"
    said = f" {found.hint}" if found.hint else ""
    return (
        f"Give the password of {user!r} in {PASSWORD_VARIABLE} or in ~/.pgpass; no Secret is read"
        f" with --dsn.{said}"
    )


def _must_be_taken(name: str) -> None:
    if name in NAMES:
        return
    if name in NOT_TAKEN:
        raise BadDsnError(f"has {name}, which PostgRegent does not use: take it out")
    known = ", ".join(NAMES)
    raise BadDsnError(f"has a parameter that is not known here; known are {known}")


def _must(given: Mapping[str, str], name: str, environment: Mapping[str, str]) -> str:
    found = given.get(name)
    if found:
        return found
    word = "database" if name == "dbname" else name
    variable = VARIABLES[name]
    unread = f"; {variable} is not read, write it there or into a service file"
    raise BadDsnError(f"names no {word}{unread if environment.get(variable) else ''}")


def _host(given: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """The one host; `hostaddr` alone counts as one, or where both say the same."""
    name, address = given.get("host", ""), given.get("hostaddr", "")
    if any("," in one for one in (name, address, given.get("port", ""))):
        raise BadDsnError("names several hosts or ports; a Regent serves one server")
    if name and address and name != address:
        raise BadDsnError("has host and hostaddr, of which only one can be used: take one out")
    host = address or name or _must(given, "host", environment)
    if "@" in host[1:]:
        raise BadDsnError('has a second "@": write %40 for one in the user or the password')
    if host.startswith(("/", "@")):
        raise BadDsnError("host is a socket, neither a DNS name nor an IP address; give TCP's")
    if problem := host_problem(host):
        raise BadDsnError(f"host {host!r} {problem}")
    return host


def _port(text: str | None) -> int:
    if not text:
        return DEFAULT_PORT
    number = text.strip()
    if not number.isascii() or not number.isdigit() or not 0 < int(number) < 2**16:
        raise BadDsnError("port is not a number from 1 to 65535")
    return int(number)

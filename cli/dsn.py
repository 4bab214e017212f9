"""`--dsn`: where a server is, read as libpq reads it. Nothing here ever shows the password.

Only what we mean to support is taken: one host by name or address, no list, no socket, no service
file, no options. The rest is refused by name rather than passed on to a driver that would read it
in its own way (rule 28b). Of libpq's variables PGPASSWORD alone is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from pydantic import SecretStr

from cli.conninfo import Unreadable, parse
from regent.server.address import host_problem
from regent.settings import ServerSettings
from shared.errors import PostgRegentError
from shared.resources.regent import DEFAULT_PORT, TlsMode

NAMES = ("user", "password", "host", "hostaddr", "port", "dbname", "sslmode", "sslrootcert")
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
        "passfile",
        "replication",
        "require_auth",
        "requirepeer",
        "requiressl",
        "scram_client_key",
        "scram_server_key",
        "service",
        "servicefile",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
        "sslcert",
        "sslcertmode",
        "sslcompression",
        "sslcrl",
        "sslcrldir",
        "sslkey",
        "sslkeylogfile",
        "sslnegotiation",
        "sslpassword",
        "sslsni",
        "target_session_attrs",
        "tcp_user_timeout",
    ]
)
"""What libpq knows besides."""
FILES = frozenset({"service", "servicefile", "passfile"})
VARIABLES = {"host": "PGHOST", "user": "PGUSER", "dbname": "PGDATABASE"}
OPPORTUNISTIC = ("prefer", "allow")
SYSTEM = "system"
PASSWORD_VARIABLE = "PGPASSWORD"  # noqa: S105 - the name of a variable
EXAMPLE = "postgresql://admin@db.example.com:5432/mydb"


class BadDsnError(PostgRegentError):
    """--dsn cannot be read."""

    def __init__(self, message: str) -> None:
        super().__init__(f"--dsn {message}.", way_out=f"Write it as {EXAMPLE}.")


@dataclass(frozen=True, slots=True)
class Dsn:
    """One database of one server, and who we are there."""

    server: ServerSettings
    database: str

    def __str__(self) -> str:
        return f"{self.server.host}:{self.server.port}/{self.database}"


def parse_dsn(text: str, environment: Mapping[str, str]) -> Dsn:
    """A URI or `keyword=value` words. Without a password in it, PGPASSWORD is taken.

    Raises BadDsnError, which quotes no part of a text that it did not understand.
    """
    try:
        given = parse(text)
    except Unreadable as why:
        raise BadDsnError(str(why)) from None
    for name in given:
        _must_be_taken(name)
    host = _host(given, environment)
    user, database = _must(given, "user", environment), _must(given, "dbname", environment)
    password = given.get("password") or environment.get(PASSWORD_VARIABLE)
    tls_mode, ca_pem = _tls(given.get("sslmode"), given.get("sslrootcert"))
    server = ServerSettings(
        host=host,
        port=_port(given.get("port")),
        admin_user=user,
        admin_password=SecretStr(password) if password else None,
        tls_mode=tls_mode,
        ca_pem=ca_pem,
        password_hint=_password_hint(user, environment, is_given=bool(given.get("password"))),
    )
    return Dsn(server, database)


def _password_hint(user: str, environment: Mapping[str, str], *, is_given: bool) -> str:
    """Where the password came from: no Secret is read with --dsn."""
    if is_given:
        return f"Check the password of {user!r} in --dsn; no Secret is read with --dsn."
    if environment.get(PASSWORD_VARIABLE):
        return (
            f"Check the password of {user!r} in {PASSWORD_VARIABLE}; no Secret is read with --dsn."
        )
    return f"Give the password of {user!r} in {PASSWORD_VARIABLE}; no Secret is read with --dsn."


def _must_be_taken(name: str) -> None:
    if name in NAMES:
        return
    if name in FILES:
        raise BadDsnError(f"has {name}, and PostgRegent reads no service file and no password file")
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
    unread = f"; {variable} is not read, {PASSWORD_VARIABLE} alone is"
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


def _tls(mode: str | None, authority: str | None) -> tuple[TlsMode | None, str | None]:
    """As libpq: `require` with a certificate authority verifies it, `system` verifies all."""
    if mode and mode not in (*get_args(TlsMode), *OPPORTUNISTIC):
        modes = ", ".join((*get_args(TlsMode), *OPPORTUNISTIC))
        raise BadDsnError(f"sslmode is not one of {modes}")
    if authority == SYSTEM:
        if mode not in (None, "", "verify-full"):
            raise BadDsnError(f"sslrootcert=system goes with sslmode=verify-full, not {mode}")
        return "verify-full", None
    ca_pem = _authority(authority)
    if mode == "require" and ca_pem is not None:
        return "verify-ca", ca_pem
    chosen = None if not mode or mode in OPPORTUNISTIC else mode
    return cast("TlsMode | None", chosen), ca_pem


def _authority(path: str | None) -> str | None:
    if not path:
        return None
    try:
        return Path(path).expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadDsnError(f"sslrootcert {path!r} cannot be read ({type(error).__name__})") from None

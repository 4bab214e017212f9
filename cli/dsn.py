"""`--dsn`: where a server is, as libpq writes it. Nothing here ever shows the password.

Only what we mean to support is taken: one host by name or address, no list, no socket, no service
file, no options. The rest is refused by name rather than passed on to a driver that would read it
in its own way (semantics 28b).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from regent.address import TlsMode, host_problem
from regent.settings import DEFAULT_PORT, ServerSettings
from shared.errors import PostgRegentError

SCHEMES = ("postgresql", "postgres")
NAMES = {"user": "user", "password": "password", "host": "host", "hostaddr": "host",
         "port": "port", "dbname": "database", "sslmode": "sslmode",
         "sslrootcert": "sslrootcert"}  # fmt: skip
OPPORTUNISTIC = ("prefer", "allow")
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
    """A URL or `key=value` words. Without a password in it, PGPASSWORD is taken.

    Raises BadDsnError, which quotes no part of a text that it did not understand.
    """
    is_url = text.partition("://")[0] in SCHEMES
    given = _from_url(text) if is_url else _from_words(text)
    for name in ("host", "user", "database"):
        if not given.get(name):
            raise BadDsnError(f"names no {name}")
    host = given["host"]
    if problem := host_problem(host):
        raise BadDsnError(f"host {host!r} {problem}")
    password = given.get("password") or environment.get(PASSWORD_VARIABLE)
    server = ServerSettings(
        host=host,
        port=_port(given.get("port")),
        admin_user=given["user"],
        admin_password=SecretStr(password) if password else None,
        tls_mode=_tls_mode(given.get("sslmode")),
        ca_pem=_authority(given.get("sslrootcert")),
    )
    return Dsn(server, given["database"])


def _from_url(text: str) -> dict[str, str]:
    try:
        parts = urlsplit(text)
        port = str(parts.port) if parts.port is not None else ""
        host = parts.hostname or ""
    except ValueError:
        raise BadDsnError("has no readable host and port") from None
    _, at, place = parts.netloc.rpartition("@")
    if "," in (place if at else parts.netloc):
        raise BadDsnError("names several hosts; a Regent serves one server")
    given = {
        "host": unquote(host),
        "port": port,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": unquote(parts.path.removeprefix("/")),
    }
    asked = _named(parse_qsl(parts.query, keep_blank_values=True))
    return given | asked


def _from_words(text: str) -> dict[str, str]:
    try:
        words = shlex.split(text)
    except ValueError:
        raise BadDsnError("has a quote that is never closed") from None
    pairs = [word.partition("=") for word in words]
    if not pairs or not all(middle for _, middle, _ in pairs):
        raise BadDsnError("is neither a postgresql:// address nor key=value words")
    return _named([(name, value) for name, _, value in pairs])


def _named(pairs: list[tuple[str, str]]) -> dict[str, str]:
    for name, _ in pairs:
        if name not in NAMES:
            shown = name if name.isidentifier() else "something that"
            known = ", ".join(NAMES)
            raise BadDsnError(f"has {shown}, which is not known here; known are {known}")
    return {NAMES[name]: value for name, value in pairs}


def _port(text: str | None) -> int:
    if not text:
        return DEFAULT_PORT
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**16:
        raise BadDsnError("port is not a number from 1 to 65535")
    return int(text)


def _tls_mode(text: str | None) -> TlsMode | None:
    if not text or text in OPPORTUNISTIC:
        return None
    if text not in get_args(TlsMode):
        modes = ", ".join((*get_args(TlsMode), *OPPORTUNISTIC))
        raise BadDsnError(f"sslmode {text!r} is not one of {modes}")
    return cast("TlsMode", text)


def _authority(path: str | None) -> str | None:
    if not path or path == "system":
        return None
    try:
        return Path(path).expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadDsnError(f"sslrootcert {path!r} cannot be read ({type(error).__name__})") from None

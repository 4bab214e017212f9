"""What `--dsn` says of TLS and of a client certificate, as libpq means it.

https://www.postgresql.org/docs/current/libpq-ssl.html
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import cast, get_args

from pydantic import SecretStr

from cli.dsn_error import BadDsnError
from shared.resources.regent import TlsMode

OPPORTUNISTIC = ("prefer", "allow")
SYSTEM = "system"
SUPERUSER_ID = 0


def read_tls(mode: str | None, authority: str | None) -> tuple[TlsMode | None, str | None]:
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
    return _read("sslrootcert", path) if path else None


def read_certificate(given: Mapping[str, str]) -> tuple[str | None, SecretStr | None]:
    """Certificate and key. What libpq reads where nothing is named (~/.postgresql) is not read."""
    certificate, key = given.get("sslcert"), given.get("sslkey")
    if not certificate and not key:
        return None, None
    if not certificate or not key:
        raise BadDsnError("has one of sslcert and sslkey: name both")
    _require_private(key)
    return _read("sslcert", certificate), SecretStr(_read("sslkey", key))


def _require_private(path: str) -> None:
    """As libpq: a key that others may read is refused; root's own may be read by a group."""
    try:
        found = Path(path).expanduser().stat()
    except OSError as error:
        raise BadDsnError(f"sslkey {path!r} cannot be read ({type(error).__name__})") from None
    allowed = 0o640 if found.st_uid == SUPERUSER_ID else 0o600
    if stat.S_ISREG(found.st_mode) and stat.S_IMODE(found.st_mode) & 0o077 & ~allowed:
        raise BadDsnError(
            f"sslkey {path!r} may be read by others than its owner",
            way_out=f"Run chmod 600 {path}.",
        )


def _read(name: str, path: str) -> str:
    try:
        return Path(path).expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadDsnError(f"{name} {path!r} cannot be read ({type(error).__name__})") from None

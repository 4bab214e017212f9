"""`service=` and PGSERVICE: parameters from a service file, as libpq reads one.

https://www.postgresql.org/docs/current/libpq-pgservice.html. What the connection string says comes
first. A service file is shared with other programs: what does not matter here is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cli.dsn_error import BadDsnError

SERVICE, SERVICE_FILE, SYSTEM_FOLDER = "PGSERVICE", "PGSERVICEFILE", "PGSYSCONFDIR"
OF_PACKAGES = ("/etc/postgresql-common", "/etc")
"""Where the packages of Debian and of Red Hat keep the system's own file."""
PASSED_OVER = frozenset(
    {
        "application_name",
        "client_encoding",
        "connect_timeout",
        "fallback_application_name",
        "gssencmode",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "sslcompression",
        "sslsni",
        "tcp_user_timeout",
    }
)
"""What changes neither whom one speaks to nor how one says who one is."""


def with_service(given: Mapping[str, str], environment: Mapping[str, str]) -> Mapping[str, str]:
    """What is given, and besides what the service says that is meant. Raises BadDsnError."""
    name = given.get("service") or environment.get(SERVICE)
    rest = {key: value for key, value in given.items() if key != "service"}
    if not name:
        return rest
    for path, must_be_there in _files(environment):
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            if must_be_there:
                raise BadDsnError(
                    f"names a service, and its file {path} is not there", way_out=_check(path)
                ) from None
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise BadDsnError(
                f"names a service, and its file {path} cannot be read ({type(error).__name__})",
                way_out=_check(path),
            ) from None
        found = parameters(text, name, str(path))
        if found is not None:
            kept = {key: value for key, value in found.items() if key not in PASSED_OVER}
            return {**kept, **rest}
    raise BadDsnError(
        f"names the service {name!r}, which no service file defines",
        way_out=f"Add [{name}] to ~/.pg_service.conf, or to the file that {SERVICE_FILE} names.",
    )


def parameters(text: str, service: str, where: str) -> Mapping[str, str] | None:
    """Those of a service in the text of a file; None where it is not in there. Pure."""
    found: dict[str, str] | None = None
    for number, written in enumerate(text.split("\n"), 1):
        line = written.strip(" \t\v\f\r")
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            if found is not None:
                return found
            if line.startswith(f"[{service}]"):
                found = {}
        elif found is not None:
            key, equals, value = line.partition("=")
            if not equals or key in ("service", "servicefile") or line.startswith("ldap"):
                why = "names another service" if equals else "is no keyword=value"
                raise BadDsnError(
                    f"names the service {service!r}, and line {number} of {where} {why}",
                    way_out="Correct the line: keyword=value, without blanks around the sign.",
                )
            found.setdefault(key, value)
    return found


def _files(environment: Mapping[str, str]) -> list[tuple[Path, bool]]:
    """In their order, and whether one must be there."""
    files: list[tuple[Path, bool]] = []
    if own := environment.get(SERVICE_FILE):
        files.append((Path(own), True))
    elif home := environment.get("HOME"):
        files.append((Path(home) / ".pg_service.conf", False))
    system = environment.get(SYSTEM_FOLDER)
    folders = (system,) if system else OF_PACKAGES
    return [*files, *((Path(folder) / "pg_service.conf", False) for folder in folders)]


def _check(path: Path) -> str:
    return f"Check {path}, and that this user may read it."

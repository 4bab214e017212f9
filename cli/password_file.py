"""`.pgpass`, PGPASSFILE and `passfile=`: the password of a connection, as libpq looks it up.

https://www.postgresql.org/docs/current/libpq-pgpass.html. A file that others may read is not used.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PASSWORD_FILE = "PGPASSFILE"  # noqa: S105 - the name of a variable
IN_THE_HOME = ".pgpass"
ANY = "*:"


@dataclass(frozen=True, slots=True)
class FromFile:
    """The password, where there is one, and what is to be said of the file."""

    password: str | None = field(default=None, repr=False)
    hint: str = ""


def from_file(named: str | None, environment: Mapping[str, str], fields: Sequence[str]) -> FromFile:
    """By host, port, database and user, as they are connected to."""
    path = _path(named, environment)
    if path is None:
        return FromFile()
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return FromFile(hint=f"{path} is no regular file, so it was not read.")
        if stat.S_IMODE(found.st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            return FromFile(
                hint=f"{path} may be read by others, so it was not: run chmod 600 {path}."
            )
        text = path.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return FromFile(hint=f"{path} is not there." if named else "")
    except OSError as error:
        return FromFile(hint=f"{path} cannot be read ({type(error).__name__}).")
    password = look_up(text, fields)
    if password is None:
        return FromFile(hint=f"No line of {path} fits.")
    return FromFile(password, f"It was taken from {path}.")


def look_up(text: str, fields: Sequence[str]) -> str | None:
    """The password of the first line whose fields are these, or `*`. Pure."""
    for written in text.split("\n"):
        line = written.removesuffix("\r")
        if line.startswith("#"):
            continue
        rest: str | None = line
        for one in fields:
            rest = _after(rest, one) if rest is not None else None
        if rest is not None:
            return _unescaped(rest)
    return None


def _path(named: str | None, environment: Mapping[str, str]) -> Path | None:
    if chosen := named or environment.get(PASSWORD_FILE):
        return Path(chosen)
    home = environment.get("HOME")
    return Path(home) / IN_THE_HOME if home else None


def _after(line: str, wanted: str) -> str | None:
    """What comes after a field that is this, or anything; None where it is another."""
    if line.startswith(ANY):
        return line.removeprefix(ANY)
    at = matched = 0
    while at < len(line):
        if line[at] == ":" and matched == len(wanted):
            return line[at + 1 :]
        at += line[at] == "\\"
        if at == len(line) or matched == len(wanted) or line[at] != wanted[matched]:
            return None
        at, matched = at + 1, matched + 1
    return None


def _unescaped(rest: str) -> str:
    """Up to the next colon; a backslash takes the next character as it is."""
    found: list[str] = []
    at = 0
    while at < len(rest) and rest[at] != ":":
        at += rest[at] == "\\" and at + 1 < len(rest)
        found.append(rest[at])
        at += 1
    return "".join(found)

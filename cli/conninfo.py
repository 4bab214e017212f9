"""A connection string as libpq reads it: a URI, or `keyword = value` words. Pure.

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING. What it means is judged
elsewhere (`cli.dsn`). No message repeats a part of the text: any part of it may be the password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

SCHEMES = ("postgresql://", "postgres://")
BLANK = frozenset(" \t\n\v\f\r")
ENDS_HOST = frozenset(":/?,")
ENDS_PORT = frozenset("/?,")
_PERCENT = re.compile(rb"%(..)?", re.DOTALL)
_HEX = re.compile(rb"[0-9A-Fa-f]{2}")


class Unreadable(ValueError):
    """libpq would not read this either; the text says why, after the words `--dsn`."""


def parse(text: str) -> Mapping[str, str]:
    """What is given, by libpq's keywords. Several hosts or ports stand there with commas.

    Raises Unreadable. Whether a keyword exists is not asked.
    """
    for scheme in SCHEMES:
        if text.startswith(scheme):
            return _Uri(text.removeprefix(scheme)).parse()
    if "=" not in text:
        raise Unreadable("is neither a postgresql:// address nor keyword=value words")
    return dict(_words(text))


def _words(text: str) -> Iterator[tuple[str, str]]:
    at = _after_blanks(text, 0)
    while at < len(text):
        began = at
        while at < len(text) and text[at] != "=" and text[at] not in BLANK:
            at += 1
        name = text[began:at]
        at = _after_blanks(text, at)
        if at == len(text) or text[at] != "=":
            raise Unreadable(f'lacks a "=" after the word at character {began + 1}')
        value, at = _value(text, _after_blanks(text, at + 1))
        yield name, value
        at = _after_blanks(text, at)


def _value(text: str, at: int) -> tuple[str, int]:
    """A backslash takes the next character as it is, in quotes and without."""
    is_quoted = text[at : at + 1] == "'"
    at += is_quoted
    found: list[str] = []
    while at < len(text):
        char = text[at]
        if char == "'" and is_quoted:
            return "".join(found), at + 1
        if char in BLANK and not is_quoted:
            break
        if char == "\\":
            at += 1
            char = text[at : at + 1]
        found.append(char)
        at += 1
    if is_quoted:
        raise Unreadable("has a quote that is never closed")
    return "".join(found), at


def _after_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in BLANK:
        at += 1
    return at


class _Uri:
    """What follows the scheme: [user[:password]@][host[:port],…][/database][?name=value&…]."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._given: dict[str, str] = {}

    def parse(self) -> Mapping[str, str]:
        """From left to right."""
        self._credentials()
        hosts, ports = [], []
        while True:
            hosts.append(self._host())
            ports.append(self._up_to(ENDS_PORT) if self._skip(":") else "")
            if not self._skip(","):
                break
        self._store("host", ",".join(hosts))
        self._store("port", ",".join(ports) if any(ports) or len(ports) > 1 else "")
        if self._skip("/"):
            self._store("dbname", self._up_to(frozenset("?")))
        if self._skip("?"):
            pairs = self._text[self._at :].split("&")
            for pair in pairs if pairs[-1] else pairs[:-1]:
                self._parameter(pair)
        return self._given

    def _credentials(self) -> None:
        """Up to the first @, when it comes before the first slash."""
        place, at, _ = self._text.partition("@")
        if not at or "/" in place:
            return
        user, _, password = place.partition(":")
        self._store("user", user)
        self._store("password", password)
        self._at = len(place) + 1

    def _host(self) -> str:
        if not self._skip("["):
            return self._up_to(ENDS_HOST)
        host = self._up_to(frozenset("]"))
        if not self._skip("]"):
            raise Unreadable('has an IPv6 address without its "]"')
        if not host:
            raise Unreadable("has an empty IPv6 address")
        if self._at < len(self._text) and self._text[self._at] not in ENDS_HOST:
            raise Unreadable('has something other than a port or a path after "]"')
        return host

    def _parameter(self, pair: str) -> None:
        name, middle, value = pair.partition("=")
        if not middle:
            raise Unreadable('has a parameter without "=" after the "?"')
        if "=" in value:
            raise Unreadable('has a parameter with two "=" after the "?": write %3D for the second')
        name, value = _decoded(name), _decoded(value)
        if (name, value) == ("ssl", "true"):
            name, value = "sslmode", "require"
        self._given[name] = value

    def _store(self, name: str, value: str) -> None:
        if value:
            self._given[name] = _decoded(value)

    def _skip(self, char: str) -> bool:
        found = self._text[self._at : self._at + 1] == char
        self._at += found
        return found

    def _up_to(self, ends: frozenset[str]) -> str:
        began = self._at
        while self._at < len(self._text) and self._text[self._at] not in ends:
            self._at += 1
        return self._text[began : self._at]


def _decoded(text: str) -> str:
    """Percent-encoding alone: a plus sign is a plus sign."""

    def byte(found: re.Match[bytes]) -> bytes:
        digits = found[1] or b""
        if not _HEX.fullmatch(digits):
            raise Unreadable('has a "%" without two hexadecimal digits: write %25 for the sign')
        if digits == b"00":
            raise Unreadable("has %00, which no value may hold")
        return bytes([int(digits, 16)])

    try:
        return _PERCENT.sub(byte, text.encode("utf-8", "surrogateescape")).decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("has percent-encoded bytes that are not UTF-8") from None

"""Text of the server that is not UTF-8 hides nothing: its odd bytes become lone surrogates.

A name made in a LATIN1 or SQL_ASCII database is read as it is in every other database. asyncpg
decodes strictly, so one such name would fail a whole reading. It takes its codec from the parameter
client_encoding that the server reports: here that report is given another name, of a codec that is
UTF-8 but for this. What we send is strict: a name that was not read whole is never sent.
"""

from __future__ import annotations

import codecs
import threading
from collections.abc import Sequence
from typing import Any

PLACEHOLDER = "(a name that is not UTF-8, which cannot be shown but as the bytes "
"""How the words begin that stand for such a name. No statement may have them as a name: the server
would cut them to one that somebody could give a role of his."""
SHOWN = 5
ENCODING = "postgregent_utf8"
PARAMETER_STATUS, READY, HEADER_BYTES = ord("S"), ord("Z"), 5
RAW = "SQL_ASCII"
"""The encoding of databases that keep any bytes, which are read as they are."""

REPORTS = (b"client_encoding\0UTF8\0", b"client_encoding\0SQL_ASCII\0")
RENAMED = b"client_encoding\0" + ENCODING.encode() + b"\0"
KEEPS_ANY_BYTES = b"server_encoding\0SQL_ASCII\0"


def _decode(data: Any, _errors: str = "strict") -> tuple[str, int]:
    return codecs.utf_8_decode(data, "surrogateescape", True)


_kept = threading.local()


def _encode(text: str, _errors: str = "strict") -> tuple[bytes, int]:
    """As UTF-8. The last result of each thread is kept alive until the next.

    asyncpg (0.32) gives up what a codec returns before it has copied it: as_pg_string_and_size in
    pgproto/codecs/text.pyx returns a pointer into it. It is copied before anything else is encoded.
    """
    _kept.encoded, size = codecs.utf_8_encode(text, "strict")
    return _kept.encoded, size


def _found(name: str) -> codecs.CodecInfo | None:
    if name != ENCODING:
        return None
    return codecs.CodecInfo(_encode, _decode, name=ENCODING)


codecs.register(_found)


class Renaming:
    """Passes on what one server says, with its encoding under the other name.

    A database that keeps any bytes checks what it sends as UTF-8, so it is asked for the bytes as
    they are. There a second report follows.
    """

    def __init__(self) -> None:
        self._pending = b""
        self._is_over = False
        self._awaits_raw = False

    def pass_on(self, data: bytes) -> bytes:
        """What of `data`, and of what came before, is whole."""
        if self._is_over:
            return data
        data, passed, is_over = self._pending + data, [], False
        while not is_over and len(data) >= HEADER_BYTES:
            size = 1 + int.from_bytes(data[1:HEADER_BYTES], "big")
            if len(data) < size:
                break
            message, data = data[:size], data[size:]
            passed.append(self._renamed(message))
            is_over = message[0] == READY and not self._awaits_raw
        if is_over:
            passed.append(data)
        self._is_over, self._pending = is_over, b"" if is_over else data
        return b"".join(passed)

    def _renamed(self, message: bytes) -> bytes:
        body = message[HEADER_BYTES:]
        if message[0] != PARAMETER_STATUS:
            return message
        if body == KEEPS_ANY_BYTES:
            self._awaits_raw = True
        if body not in REPORTS:
            return message
        if body == REPORTS[1]:
            self._awaits_raw = False
        return message[:1] + (len(RENAMED) + 4).to_bytes(4, "big") + RENAMED


def is_legible(name: str) -> bool:
    """False where the server sent bytes that are not UTF-8."""
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def legible(name: str) -> str:
    """The name; for one that is not UTF-8 words, too long to be anybody's name."""
    if is_legible(name):
        return name
    raw = name.encode("utf-8", "surrogateescape").hex()
    return f"{PLACEHOLDER}{raw})"


def shown(text: str) -> str:
    r"""A text of several words with every byte that is not UTF-8 as `\xff`."""
    if is_legible(text):
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def left_alone(kind: str, oids: Sequence[int], where: str = "") -> str:
    """Says of objects, of which there is at least one, that their names are not UTF-8."""
    shown = ", ".join(map(str, oids[:SHOWN])) + (" and more" if len(oids) > SHOWN else "")
    return f"{len(oids)} {kind}{where} left alone: the name is not UTF-8 (oid {shown})."

"""Beside the real libpq, which stands with the servers that the tests run."""

from __future__ import annotations

import ctypes
import random
from pathlib import Path

import pytest

from cli.conninfo import Unreadable, parse
from tests.postgres.server import PostgresServer

WORDS = ("host", "port", "user", "password", "=", "=", "=", "'", "\\", " ", "\t", "a", "\\'", "%20",
         "+", "é")  # fmt: skip
URIS = ("a", "b", ":", "@", "/", "?", "&", "=", "%20", "%", "%41", "+", "[", "]", ",", "::1",
        "host", "user", "1", "é")  # fmt: skip
NOT_ASKED = (b"invalid connection option", b"invalid URI query parameter")
"""Whether a keyword exists is not the parser's question."""


class Option(ctypes.Structure):
    """PQconninfoOption."""

    _fields_ = [
        *((name, ctypes.c_char_p) for name in ("keyword", "envvar", "compiled", "val")),
        ("label", ctypes.c_char_p),
        ("dispchar", ctypes.c_char_p),
        ("dispsize", ctypes.c_int),
    ]


def as_libpq(library: ctypes.CDLL, text: str) -> dict[str, str] | bytes:
    """What it reads, or its error."""
    error = ctypes.c_char_p()
    options = library.PQconninfoParse(text.encode(), ctypes.byref(error))
    if not options:
        return error.value or b"refused"
    found: dict[str, str] = {}
    index = 0
    while options[index].keyword:
        if options[index].val is not None:
            found[options[index].keyword.decode()] = options[index].val.decode(errors="replace")
        index += 1
    return found


@pytest.mark.found("C28")
@pytest.mark.versions(15)
def test_a_thousand_strings_are_read_as_libpq_reads_them(running_server: PostgresServer) -> None:
    """Those that make sense, and many that do not."""
    program = Path(running_server.cluster.binaries.program("postgres"))
    library = ctypes.CDLL(str(next((program.parent.parent / "lib").glob("libpq.so.5"))))
    library.PQconninfoParse.restype = ctypes.POINTER(Option)
    library.PQconninfoParse.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p)]
    chance = random.Random(28)  # noqa: S311 - no secret
    texts = ["=".join(chance.choices(WORDS, k=2)) for _ in range(100)]
    texts += ["".join(chance.choices(WORDS, k=chance.randint(1, 10))) for _ in range(2000)]
    uris = ["".join(chance.choices(URIS, k=chance.randint(0, 12))) for _ in range(3000)]
    texts = [text for text in texts if "=" in text] + [f"postgres://{uri}" for uri in uris]
    agreed = 0
    for text in texts:
        expected = as_libpq(library, text)
        try:
            found: dict[str, str] | str = dict(parse(text))
        except Unreadable as why:
            found = str(why)
        if "UTF-8" in found:
            continue
        if isinstance(expected, dict):
            assert found == expected, text
            agreed += 1
        elif not any(words in expected for words in NOT_ASKED):
            assert isinstance(found, str), (text, expected)
    assert agreed > 1000

"""How PostgreSQL prepares a password before it is hashed for SCRAM: RFC 4013, more leniently.

Ours and not a library's, because the server and libpq differ from the RFC in places, and a verifier
must be the one that their clients will compute. Source: pg_saslprep() in
https://git.postgresql.org/gitweb/?p=postgresql.git;f=src/common/saslprep.c
"""

from __future__ import annotations

import stringprep
import unicodedata
from collections.abc import Callable

_PROHIBITED: tuple[Callable[[str], bool], ...] = (
    stringprep.in_table_a1,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def prepared(password: str) -> bytes:
    """The bytes that are hashed. What SASLprep prohibits is hashed as it stands, as there.

    Raises UnicodeEncodeError for a lone surrogate, which no client could send.
    """
    if password.isascii():
        return password.encode("ascii")
    mapped = "".join(_mapped(char) for char in password)
    if not mapped or _is_prohibited(mapped):
        return password.encode("utf-8")
    return unicodedata.normalize("NFKC", mapped).encode("utf-8")


def _mapped(char: str) -> str:
    """Spaces first: U+200B is in both tables, and PostgreSQL takes it for a space."""
    if stringprep.in_table_c12(char):
        return " "
    return "" if stringprep.in_table_b1(char) else char


def _is_prohibited(mapped: str) -> bool:
    """Looked for before normalisation, as the server does (U+0340 would disappear in it)."""
    if any(test(char) for char in mapped for test in _PROHIBITED):
        return True
    if not any(stringprep.in_table_d1(char) for char in mapped):
        return False
    ends_right_to_left = stringprep.in_table_d1(mapped[0]) and stringprep.in_table_d1(mapped[-1])
    return not ends_right_to_left or any(stringprep.in_table_d2(char) for char in mapped)

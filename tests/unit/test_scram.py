"""Verifiers are those that PostgreSQL and its clients compute."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.saslprep import prepared
from shared.scram import (
    VerifierMalformed,
    VerifierOutOfBounds,
    build,
    checked,
    fits,
    has_form_of_verifier,
    parse,
)
from shared.secret_text import NEWLINE_CUT, SecretEmpty, SecretUnreadable, read_secret_text
from shared.state import Verifier

# The published exchange of RFC 7677, section 3: user "user", password "pencil".
RFC_SALT = "W22ZaJ0SNY7soEsUEjb6gQ=="


def test_the_verifier_of_a_known_password_and_salt_is_the_one_postgresql_stores() -> None:
    """What PostgreSQL 15 stored for password `pencil` with this salt."""
    verifier = build("pencil", salt=b64decode(RFC_SALT))
    assert verifier.value == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
        "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
        "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


def test_a_verifier_fits_its_password_and_no_other() -> None:
    verifier = build("correct horse")
    assert fits("correct horse", verifier)
    assert not fits("correct horse ", verifier)
    assert not fits("", verifier)


def test_the_same_password_gets_another_salt_each_time() -> None:
    assert build("same").value != build("same").value


@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_every_password_fits_the_verifier_built_from_it(password: str) -> None:
    assert fits(password, build(password, iterations=1))


def test_a_verifier_that_would_take_minutes_to_check_fits_nothing() -> None:
    cheap = build("secret", iterations=1).value
    assert not fits("secret", Verifier(cheap.replace("$1:", "$2000000000:")))


@pytest.mark.parametrize(
    ("password", "hashed"),
    [
        ("plain ASCII\ttoo", b"plain ASCII\ttoo"),
        ("I\u00adX", b"IX"),
        ("\u00aa", b"a"),
        ("\u2168", b"IX"),
        ("a\u00a0b", b"a b"),
        ("a\u200bb", b"a b"),
        ("e\u0301", "é".encode()),
        ("\u00ad", "\u00ad".encode()),
        ("é\u0007", "é\u0007".encode()),
        ("a\u0340", "a\u0340".encode()),
        ("\u0627\u0031", "\u0627\u0031".encode()),
        ("\u0627\u0031\u0628", "\u0627\u0031\u0628".encode()),
        ("\u06271\uff41\u0628", "\u06271\uff41\u0628".encode()),
        ("\U0001f512", "\U0001f512".encode()),
    ],
)
def test_a_password_is_prepared_as_the_server_does(password: str, hashed: bytes) -> None:
    """Mapped, normalised, and left as it stands where SASLprep prohibits it."""
    assert prepared(password) == hashed


GOOD = build("x", iterations=1).value


@pytest.mark.rule("19")
@pytest.mark.parametrize(
    "value",
    [
        "SCRAM-SHA-256$",
        "SCRAM-SHA-256$4096:salt",
        "scram-sha-256" + GOOD[13:],
        GOOD.replace("SCRAM-SHA-256", "SCRAM-SHA-1"),
        GOOD[:-4],
        GOOD[:-1],
        GOOD + "\n",
        GOOD + "=",
        GOOD.replace("$1:", "$0:"),
        GOOD.replace("$1:", "$9999999999:"),
        GOOD.replace("$1:", "$-1:"),
        GOOD.replace("$1:", "$1:" + "A" * 512),
        "md5" + "0a" * 16,
    ],
)
def test_a_malformed_verifier_is_refused_and_its_error_shows_nothing_of_it(value: str) -> None:
    """The server would store each of these as a clear password, or as md5."""
    assert has_form_of_verifier(value)
    with pytest.raises(VerifierMalformed) as refused:
        parse(value)
    assert GOOD[20:40] not in str(refused.value)
    assert refused.value.way_out


@pytest.mark.found("B12")
@pytest.mark.rule("19")
@pytest.mark.parametrize(
    ("iterations", "salt", "said"),
    [
        ("1", b"0" * 16, "4,096 to 100,000"),
        ("4095", b"0" * 16, "4,096 to 100,000"),
        ("100001", b"0" * 16, "100,001 iterations"),
        ("2147483647", b"0" * 16, "100,000"),
        ("4096", b"0" * 7, "salt of 7 bytes"),
        ("4096", b"0" * 65, "salt of 65 bytes"),
    ],
)
def test_a_verifier_that_costs_too_much_or_protects_too_little_is_out_of_bounds(
    iterations: str, salt: bytes, said: str
) -> None:
    value = build("x", iterations=1, salt=salt).value.replace("$1:", f"${iterations}:")
    with pytest.raises(VerifierOutOfBounds, match=said) as refused:
        checked(value)
    assert value[30:60] not in str(refused.value)


@pytest.mark.parametrize("value", ["md5", "md5 is bad", "MD5" + "0a" * 16, "scram", "$1$2:3"])
def test_a_password_that_only_resembles_a_hash_is_a_password(value: str) -> None:
    assert not has_form_of_verifier(value)


def test_a_whole_verifier_is_taken_apart_and_its_parts_are_hidden() -> None:
    parts = parse(build("x", iterations=4097, salt=b"0123").value)
    assert (parts.iterations, parts.salt) == (4097, b"0123")
    assert "0123" not in repr(parts)


@pytest.mark.rule("19")
@pytest.mark.parametrize(
    ("raw", "text", "note"),
    [
        (b"pw", "pw", ""),
        (b"pw\n", "pw", NEWLINE_CUT),
        (b"pw\r\n", "pw", NEWLINE_CUT),
        (b"pw\n\n", "pw\n", NEWLINE_CUT),
        (b" pw ", " pw ", ""),
        (b"pw\r", "pw\r", ""),
        ("pä".encode(), "pä", ""),
    ],
)
def test_one_trailing_newline_is_cut_and_said(raw: bytes, text: str, note: str) -> None:
    read = read_secret_text(raw)
    assert (read.value, read.note) == (text, note)
    assert text not in repr(read)


@pytest.mark.rule("19")
@pytest.mark.parametrize("raw", [b"", b"\n", b"\r\n"])
def test_an_empty_value_is_no_password(raw: bytes) -> None:
    with pytest.raises(SecretEmpty):
        read_secret_text(raw)


@pytest.mark.rule("19")
@pytest.mark.parametrize("raw", [b"\xff\xfe", b"a\x00b", b"x" * 16_385])
def test_a_value_that_no_client_could_send_is_unreadable(raw: bytes) -> None:
    with pytest.raises(SecretUnreadable):
        read_secret_text(raw)

"""SCRAM-SHA-256 verifiers: what PostgreSQL stores instead of a password (rule 19).

`SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, the last three in base64. The server
stores a well-formed one as given and takes anything else for a clear password, which is why a
malformed one must never be sent. Sources: RFC 5802, RFC 7677,
https://www.postgresql.org/docs/18/catalog-pg-authid.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

from shared.errors import PostgRegentError
from shared.saslprep import prepared
from shared.state import Verifier

ITERATIONS = 4096
"""PostgreSQL's default."""
LEAST_ITERATIONS = 4096
"""RFC 7677 asks for no fewer."""
MOST_ITERATIONS = 100_000
"""pgjdbc and node-postgres log in with no more. When a role gets a verifier, PostgreSQL compares it
with the empty password, which takes all its iterations and cannot be interrupted (ADR 24)."""
SALT_BYTES = 16
LEAST_SALT_BYTES = 8
MOST_SALT_BYTES = 64
KEY_BYTES = 32
MAX_CHARACTERS = 512
"""The server refuses longer ones (MAX_ENCRYPTED_PASSWORD_LEN)."""
SERVER_ITERATIONS = 2**31 - 1
"""The server takes no more."""

_MD5 = re.compile(r"md5[0-9a-f]{32}")
_SHAPE = re.compile(
    r"SCRAM-SHA-256\$(?P<iterations>[0-9]{1,10}):(?P<salt>[A-Za-z0-9+/=]+)"
    r"\$(?P<stored>[A-Za-z0-9+/=]+):(?P<server>[A-Za-z0-9+/=]+)"
)


class VerifierMalformed(PostgRegentError):
    """The value has the form of a password verifier and is none."""


class VerifierOutOfBounds(PostgRegentError):
    """The verifier costs the server too much, or protects its password too little."""


@dataclass(frozen=True, slots=True)
class VerifierParts:
    """A verifier taken apart. None of it is shown."""

    iterations: int = field(repr=False)
    salt: bytes = field(repr=False)
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


def build(password: str, iterations: int = ITERATIONS, salt: bytes | None = None) -> Verifier:
    """A verifier for this password, with a new random salt unless one is given."""
    used = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    stored_key, server_key = _keys(password, iterations, used)
    return Verifier(
        f"SCRAM-SHA-256${iterations}:{_to_base64(used)}"
        f"${_to_base64(stored_key)}:{_to_base64(server_key)}"
    )


def fits(password: str, verifier: Verifier) -> bool:
    """Whether this password logs in with this verifier. About 1 ms at 4096 iterations.

    A verifier that is malformed, or that would take minutes to check, fits nothing.
    """
    try:
        parts = parse(verifier.value)
    except VerifierMalformed:
        return False
    if parts.iterations > MOST_ITERATIONS:
        return False
    stored_key, server_key = _keys(password, parts.iterations, parts.salt)
    return hmac.compare_digest(stored_key, parts.stored_key) and hmac.compare_digest(
        server_key, parts.server_key
    )


def has_form_of_verifier(value: str) -> bool:
    """Whether somebody meant this as a verifier or a hash rather than as a password."""
    return value[:10].upper() == "SCRAM-SHA-" or _MD5.fullmatch(value) is not None


def parse(value: str) -> VerifierParts:
    """Take a verifier apart. Raises VerifierMalformed, whose message holds nothing of the value."""
    if _MD5.fullmatch(value):
        raise VerifierMalformed(
            "The value is an md5 hash, which is as good as the password itself.",
            way_out="Put the password, or a SCRAM-SHA-256 verifier, into the Secret.",
        )
    shape = _SHAPE.fullmatch(value)
    if shape is None:
        raise _malformed("does not read SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey")
    if len(value) > MAX_CHARACTERS:
        raise _malformed(f"is longer than {MAX_CHARACTERS} characters")
    iterations = int(shape["iterations"])
    if not 1 <= iterations <= SERVER_ITERATIONS:
        raise _malformed(f"has an iteration count outside 1 to {SERVER_ITERATIONS}")
    return VerifierParts(
        iterations=iterations,
        salt=_from_base64(shape["salt"], "salt"),
        stored_key=_key_from_base64(shape["stored"], "StoredKey"),
        server_key=_key_from_base64(shape["server"], "ServerKey"),
    )


def checked(value: str) -> Verifier:
    """The verifier that somebody wrote, when a role may get it.

    Raises VerifierMalformed or VerifierOutOfBounds; neither message holds anything of its keys.
    """
    parts = parse(value)
    if not LEAST_ITERATIONS <= parts.iterations <= MOST_ITERATIONS:
        raise VerifierOutOfBounds(
            f"The verifier has {parts.iterations:,} iterations,"
            f" and may have {LEAST_ITERATIONS:,} to {MOST_ITERATIONS:,}.",
            way_out="Put the password itself into the Secret, or a verifier within these bounds.",
        )
    if not LEAST_SALT_BYTES <= len(parts.salt) <= MOST_SALT_BYTES:
        raise VerifierOutOfBounds(
            f"The verifier has a salt of {len(parts.salt)} bytes,"
            f" and may have {LEAST_SALT_BYTES} to {MOST_SALT_BYTES}.",
            way_out="Put the password itself into the Secret, or a verifier within these bounds.",
        )
    return Verifier(value)


def _keys(password: str, iterations: int, salt: bytes) -> tuple[bytes, bytes]:
    salted = hashlib.pbkdf2_hmac("sha256", prepared(password), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return hashlib.sha256(client_key).digest(), server_key


def _to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _from_base64(text: str, part: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise _malformed(f"has a {part} that is not base64") from None


def _key_from_base64(text: str, part: str) -> bytes:
    key = _from_base64(text, part)
    if len(key) != KEY_BYTES:
        raise _malformed(f"has a {part} of {len(key)} bytes instead of {KEY_BYTES}")
    return key


def _malformed(why: str) -> VerifierMalformed:
    return VerifierMalformed(
        f"The value begins like a SCRAM verifier and {why}; "
        "the server would store it as a clear password.",
        way_out="Copy the verifier again, or put the password itself into the Secret.",
    )

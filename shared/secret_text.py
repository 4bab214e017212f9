"""From the bytes of a Secret to the password they mean (rule 19)."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.errors import PostgRegentError

MAX_BYTES = 16_384
"""What preparing a password costs grows faster than its length."""
NEWLINE_CUT = "one trailing newline of the Secret's value was cut"


class SecretEmpty(PostgRegentError):
    """The Secret's value is empty."""


class SecretUnreadable(PostgRegentError):
    """The Secret's value cannot be a password."""


@dataclass(frozen=True, slots=True)
class SecretText:
    """A password in clear, never shown; `note` says what was done to the value."""

    value: str = field(repr=False)
    note: str = ""


def read_secret_text(raw: bytes) -> SecretText:
    """What a person meant to write: UTF-8, one trailing newline cut.

    Raises SecretEmpty or SecretUnreadable; neither says anything of the value.
    """
    if len(raw) > MAX_BYTES:
        raise SecretUnreadable(
            f"The Secret's value is {len(raw):,} bytes long, and a password may have"
            f" {MAX_BYTES:,}.",
            way_out="Store a shorter password.",
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise SecretUnreadable(
            "The Secret's value is not UTF-8.", way_out="Store the password as UTF-8 text."
        ) from None
    cut = text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
    if not cut:
        raise SecretEmpty(
            "The Secret's value is empty." if not text else "The Secret's value is only a newline.",
            way_out="Store a password in it.",
        )
    if "\x00" in cut:
        raise SecretUnreadable(
            "The Secret's value holds a NUL character, which no client can send.",
            way_out="Store the password as plain text.",
        )
    return SecretText(cut, NEWLINE_CUT if cut != text else "")

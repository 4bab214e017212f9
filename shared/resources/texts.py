"""Texts that can be stored, sent and shown: what none may hold, and what people's words may not.

PostgreSQL stores no NUL, and no encoding writes half of a surrogate pair: one such text in one
resource would make every push of its Regent fail.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

Path = tuple[str | int, ...]
_KEPT_CONTROLS = frozenset("\n\t")
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSEEN = frozenset({"Cc", "Zl", "Zp"})


def refuse(message: str, way_out: str) -> PydanticCustomError:
    """The error of one value, for a validator to raise."""
    return PydanticCustomError("refused", "{message}", {"message": message, "way_out": way_out})


def unstorable(text: str) -> str | None:
    """Why a text can be neither stored nor sent; None when it can be."""
    if "\x00" in text:
        return "holds a NUL character"
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds half of a surrogate pair, which no encoding can write"
    return None


def storable(text: str) -> str:
    """The text. Raises for one that can be neither stored nor sent."""
    if problem := unstorable(text):
        raise refuse(problem, "take it out")
    return text


def unstorable_in(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text inside of a value, keys included, that can be neither stored nor sent."""
    inside: Iterable[tuple[Any, Any]] = ()
    match value:
        case str():
            if problem := unstorable(value):
                yield path, problem
        case dict():
            inside = value.items()
        case list() | tuple():
            inside = enumerate(value)
    for step, part in inside:
        if isinstance(step, str) and (problem := unstorable(step)):
            yield (*path, step), f"is a name that {problem}"
        yield from unstorable_in(part, (*path, step))


def _is_seen(text: str) -> str:
    """What a terminal or a log shows as it stands."""
    for char in storable(text):
        if char not in _KEPT_CONTROLS and (
            unicodedata.category(char) in _UNSEEN or char in _REORDERING
        ):
            raise refuse(f"holds the control character U+{ord(char):04X}", "write it as plain text")
    return text


Words = Annotated[str, AfterValidator(_is_seen)]
"""What people write for people: newline and tab are its only control characters."""

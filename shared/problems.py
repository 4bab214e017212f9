"""What is wrong with a declaration: where, in which field, with what value, and the way out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from heapq import merge
from itertools import islice
from typing import Literal

Severity = Literal["error", "warning"]
LONGEST_VALUE = 60
MOST_COMPARED = 300
LONGEST_COMPARED = 128
_SECRET = re.compile(r"passw|secret|token|credential|private|passphrase|stringdata", re.IGNORECASE)

_CREDENTIALS = re.compile(r"://[^/]*@|passw(or)?d\s*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right. An empty text means that it is about the file as a whole.

    `field` is written as in the manifest: `spec.schemas[1]`. `value` is as written too, shortened,
    and absent where it could be a secret. A warning refuses nothing.
    """

    file: str
    line: int | None
    resource: str
    field: str
    value: str | None
    message: str
    way_out: str
    severity: Severity = "error"

    @property
    def place(self) -> str:
        """`flights/roles.yaml:12`, as editors and terminals understand it."""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    @property
    def sentence(self) -> str:
        """Field, value and message in one: `spec.port "abc" is not a whole number`."""
        shown = None if self.value is None else _quoted(self.value)
        return " ".join(part for part in (self.field, shown, self.message) if part)

    def __str__(self) -> str:
        way_out = capitalised(self.way_out)
        stop = "" if way_out.endswith("?") else "."
        said = f"{self.severity}: {self.sentence}. {way_out}{stop}"
        return ": ".join(part for part in (self.place, self.resource, said) if part)

    def to_json(self) -> dict[str, str | int | None]:
        """Every field under its camelCase name."""
        return {
            "severity": self.severity,
            "file": self.file,
            "line": self.line,
            "resource": self.resource,
            "field": self.field,
            "value": self.value,
            "message": self.message,
            "wayOut": self.way_out,
        }


def field_text(path: Iterable[str | int]) -> str:
    """`("spec", "schemas", 1)` is `spec.schemas[1]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", step):
            text += f".{step}" if text else step
        else:
            text += f"[{_quoted(shortened(step))}]"
    return text


def _quoted(text: str) -> str:
    """In double quotes, with an escape for whatever a terminal does not show as it stands."""
    written = json.dumps(text, ensure_ascii=False)
    if written.isprintable():
        return written
    return "".join(char if char.isprintable() else json.dumps(char).strip('"') for char in written)


def shown_value(value: object, path: Iterable[str | int]) -> str | None:
    """The value for a Problem: shortened, and None where it may be a secret or is no single value.

    A password in the wrong place is the mistake that such a message would spread.
    """
    if value is None or isinstance(value, dict | list | tuple):
        return None
    steps = [step for step in path if isinstance(step, str)]
    named_after_a_secret = any(_SECRET.search(step) for step in steps)
    is_reference = steps[-1:] in (["name"], ["key"], ["secretName"]) and len(steps) > 1
    if named_after_a_secret and not is_reference:
        return None
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    return None if _CREDENTIALS.search(text) else shortened(text)


def shortened(text: str) -> str:
    """The text, or its beginning with an ellipsis."""
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


class Words:
    """Known words, ready to be compared with any number of others."""

    def __init__(self, known: Iterable[str]) -> None:
        words = sorted(set(known))
        self._by_folded = {fold(candidate): candidate for candidate in words}
        self._by_length: dict[int, list[str]] = {}
        for one in words:
            self._by_length.setdefault(len(one), []).append(one)

    def same(self, word: str) -> str | None:
        """The one that differs in case and separators at most."""
        return self._by_folded.get(fold(word))

    def near(self, word: str) -> str | None:
        """The one that is spelt much like it, of as many as can be compared in a moment."""
        if len(word) > LONGEST_COMPARED:
            return None
        reach = len(word) // 2 + 1
        lengths = range(len(word) - reach, len(word) + reach + 1)
        alike = merge(*(self._by_length.get(one, ()) for one in lengths))
        near = get_close_matches(word, islice(alike, MOST_COMPARED), n=1, cutoff=0.6)
        return near[0] if near else None


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    words = Words(known)
    return words.same(word) or words.near(word)


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """A way out that names the nearest known word, or else `otherwise`."""
    return meant(nearest(word, known)) or otherwise


def meant(near: str | None) -> str:
    """The way out that names the nearest known word; empty where there is none."""
    return f"did you mean {near}?" if near else ""


def fold(word: str) -> str:
    """What is left of a name when case and separators do not count."""
    return re.sub(r"[^a-z0-9]", "", word.lower())


def capitalised(text: str) -> str:
    """The text as a sentence begins, without a closing full stop."""
    return (text[:1].upper() + text[1:]).rstrip(".")

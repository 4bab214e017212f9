"""Shell patterns over names (semantics 13): `*`, `?`, `[a-z]`, `[!a-z]`, a backslash escapes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

ANY = "*"
_MAGIC = re.compile(r"[*?\[\\]")


def is_literal(pattern: str) -> bool:
    """True when the pattern can only ever match itself."""
    return _MAGIC.search(pattern) is None


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """One pattern as a regular expression for `fullmatch`.

    A `[` that is never closed, and a backslash at the end, stand for themselves.
    """
    return re.compile(_translate(pattern), re.DOTALL)


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """A test whether a name matches any of the patterns; literals cost one set lookup."""
    named = frozenset(patterns)
    if ANY in named:
        return lambda _name: True
    literals = frozenset(p for p in named if is_literal(p))
    magic = sorted(named - literals)
    if not magic:
        return literals.__contains__
    expression = re.compile("|".join(f"(?:{_translate(p)})" for p in magic), re.DOTALL)
    return lambda name: name in literals or expression.fullmatch(name) is not None


def _translate(pattern: str) -> str:
    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            out.append(".*")
        elif char == "?":
            out.append(".")
        elif char == "\\" and at < len(pattern):
            out.append(re.escape(pattern[at]))
            at += 1
        elif char == "[" and (end := _class_end(pattern, at)) > 0:
            out.append(_character_class(pattern[at:end]))
            at = end + 1
        else:
            out.append(re.escape(char))
    return "".join(out)


def _class_end(pattern: str, start: int) -> int:
    """Where the `]` of a class that begins at `start` stands; -1 when nowhere."""
    first = start + 1 if pattern[start : start + 1] in ("!", "^") else start
    return pattern.find("]", first + 1)


def _character_class(body: str) -> str:
    negated = body[0] in "!^"
    inside = body[1:] if negated else body
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", inside)
    return f"[{'^' if negated else ''}{escaped}]"

"""Shell patterns over names (rule 13): `*`, `?`, `[a-z]`, `[!a-z]`, a backslash escapes.

Patterns come from tenants, so each is matched in linear time: what stands between two stars is
taken at its first place, which is never tried again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, assert_never

ANY = "*"
_MAGIC = re.compile(r"[*?\[\\]")
_NEVER = "(?!)"
_Kind = Literal["star", "any", "class", "character"]


def is_literal(pattern: str) -> bool:
    """True when the pattern can only ever match itself."""
    return _MAGIC.search(pattern) is None


def escaped(text: str) -> str:
    """A pattern that matches this text alone."""
    return _MAGIC.sub(lambda found: "\\" + found[0], text)


def literal_of(pattern: str) -> str | None:
    """The one name that the pattern can match, its escapes taken off; None with a wildcard."""
    if is_literal(pattern):
        return pattern
    pieces = _pieces(pattern)
    return pieces[0].literal if len(pieces) == 1 else None


def empty_range(pattern: str) -> str | None:
    """The first range of a class that runs backwards and so holds nothing, such as `z-a`."""
    for kind, body in _tokens(pattern):
        for first, last in _ranges(body) if kind == "class" else ():
            if first > last:
                return f"{first}-{last}"
    return None


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """A test whether a name matches any of the patterns; literals cost one set lookup.

    A `[` that is never closed, and a backslash at the end, stand for themselves.
    """
    named = frozenset(patterns)
    if ANY in named:
        return lambda _name: True
    literals = {pattern for pattern in named if is_literal(pattern)}
    prefixes: list[str] = []
    suffixes: list[str] = []
    others: list[str] = []
    for pattern in sorted(named - literals):
        pieces = _pieces(pattern)
        match [piece.literal for piece in pieces]:
            case [str(whole)]:
                literals.add(whole)
            case [str(prefix), ""]:
                prefixes.append(prefix)
            case ["", str(suffix)]:
                suffixes.append(suffix)
            case _:
                others.append(_expression(pieces))
    return _any_of(frozenset(literals), tuple(prefixes), tuple(suffixes), others)


def _any_of(
    literals: frozenset[str],
    prefixes: tuple[str, ...],
    suffixes: tuple[str, ...],
    others: list[str],
) -> Callable[[str], bool]:
    if not prefixes and not suffixes and not others:
        return literals.__contains__
    if not others:
        return lambda name: name in literals or name.startswith(prefixes) or name.endswith(suffixes)
    fullmatch = re.compile("|".join(f"(?:{one})" for one in others), re.DOTALL).fullmatch
    return lambda name: (
        name in literals
        or name.startswith(prefixes)
        or name.endswith(suffixes)
        or fullmatch(name) is not None
    )


@dataclass(frozen=True, slots=True)
class _Piece:
    """What stands between two stars: always as long as what it matches.

    `literal` is None where it holds a question mark or a class.
    """

    expression: str
    literal: str | None


def _expression(pieces: tuple[_Piece, ...]) -> str:
    """Linear: atomic groups never give back what they took, and the pieces are of fixed length."""
    if len(pieces) == 1:
        return pieces[0].expression
    first, *middle, last = pieces
    inner = "".join(f"(?>.*?{piece.expression})" for piece in middle)
    return f"{first.expression}{inner}.*{last.expression}"


def _pieces(pattern: str) -> tuple[_Piece, ...]:
    """The pattern, split at its runs of stars."""
    runs: list[list[_Piece]] = [[]]
    for kind, text in _tokens(pattern):
        match kind:
            case "star" if runs[-1] or len(runs) == 1:
                runs.append([])
            case "star":
                pass
            case "any":
                runs[-1].append(_Piece(".", None))
            case "class":
                runs[-1].append(_Piece(_character_class(text), None))
            case "character":
                runs[-1].append(_Piece(re.escape(text), text))
            case _:
                assert_never(kind)
    return tuple(_joined(run) for run in runs)


def _joined(run: list[_Piece]) -> _Piece:
    literals = [one.literal for one in run if one.literal is not None]
    is_literal_throughout = len(literals) == len(run)
    return _Piece(
        "".join(one.expression for one in run), "".join(literals) if is_literal_throughout else None
    )


def _tokens(pattern: str) -> Iterator[tuple[_Kind, str]]:
    """What each part of a pattern means, with the character or the inside of the class."""
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            yield "star", ""
        elif char == "?":
            yield "any", ""
        elif char == "\\" and at < len(pattern):
            yield "character", pattern[at]
            at += 1
        elif char == "[" and (end := _class_end(pattern, at)) > 0:
            yield "class", pattern[at:end]
            at = end + 1
        else:
            yield "character", char


def _class_end(pattern: str, start: int) -> int:
    """Where the `]` of a class that begins at `start` stands; -1 when nowhere."""
    first = start + 1 if pattern[start : start + 1] in ("!", "^") else start
    return pattern.find("]", first + 1)


def _ranges(body: str) -> Iterator[tuple[str, str]]:
    """What a class names, negated or not; a single character is a range of one."""
    at = 1 if body[0] in "!^" else 0
    while at < len(body):
        if body[at + 1 : at + 2] == "-" and at + 2 < len(body):
            yield body[at], body[at + 2]
            at += 3
        else:
            yield body[at], body[at]
            at += 1


def _character_class(body: str) -> str:
    negated = body[0] in "!^"
    inside = "".join(
        re.escape(first) if first == last else f"{re.escape(first)}-{re.escape(last)}"
        for first, last in _ranges(body)
        if first <= last
    )
    if not inside:
        return "." if negated else _NEVER
    return f"[{'^' if negated else ''}{inside}]"

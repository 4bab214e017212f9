"""`name(argument types)`: how a Permission writes one routine, and how the server names its types.

The types of a signature are those that a call brings: IN, INOUT and VARIADIC, not OUT. They are
brought to the words of format_type(), as oidvectortypes() has them: `int` is `integer`. Pure, and
in linear time: what stands here comes from tenants.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shared.patterns import literal_of

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"]|"")+")|(?P<word>[^\W\d][\w$]*)|(?P<number>\d+)|(?P<sign>[.,()\[\]]))"""
)
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_ONE_TYPE = re.compile(r'(?:[^",]|"(?:[^"]|"")*")+')
_MODES = frozenset({"in", "inout", "variadic"})
_ALIASES = {
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float": "double precision",
    "float4": "real",
    "float8": "double precision",
    "dec": "numeric",
    "decimal": "numeric",
    "bool": "boolean",
    "char": "character",
    "bpchar": "character",
    "nchar": "character",
    "national char": "character",
    "national character": "character",
    "varchar": "character varying",
    "char varying": "character varying",
    "nchar varying": "character varying",
    "national char varying": "character varying",
    "national character varying": "character varying",
    "varbit": "bit varying",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
}
_ALIASED = frozenset({
    "bool", "bpchar", "float4", "float8", "int2", "int4", "int8", "time", "timestamp",
    "timestamptz", "timetz", "varbit", "varchar",
})  # fmt: skip
"""Those of the aliases that are types of pg_catalog, so that they may be quoted or qualified."""


class NotASignatureError(ValueError):
    """What is wrong with it, in words."""


@dataclass(frozen=True, slots=True)
class NamedRoutine:
    """One routine of a schema."""

    name: str
    arguments: str


def is_signature(pattern: str) -> bool:
    """A backslash before the bracket makes it a part of a name."""
    return pattern.endswith(")") and _bracket(pattern) >= 0


def signature_of(pattern: str) -> NamedRoutine:
    """What it names, with its types in the words of format_type()."""
    at = _bracket(pattern)
    name = literal_of(pattern[:at].rstrip())
    if not name:
        raise NotASignatureError("has a wildcard and argument types" if at else "has no name")
    types = [_type(one) for one in _arguments(list(_tokens(pattern[at + 1 : -1])))]
    return NamedRoutine(name, ", ".join(one for one in types if one))


def types_of(arguments: str) -> list[str]:
    """One by one what oidvectortypes() lists. A comma may stand inside of quotes."""
    return [one.strip() for one in _ONE_TYPE.findall(arguments)]


def bare(arguments: str) -> str:
    """Without the quotes that a name has only because it is a word of SQL."""
    return _QUOTED.sub(_bare, arguments)


def _bracket(pattern: str) -> int:
    """Where the first opening bracket without a backslash stands; -1 when nowhere."""
    at = 0
    while at < len(pattern):
        if pattern[at] == "(":
            return at
        at += 2 if pattern[at] == "\\" else 1
    return -1


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """(kind, text), unquoted words in lower case."""
    at = 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotASignatureError(f"has argument types that cannot be read at {text[at:]!r}")
        kind = str(found.lastgroup)
        word = found[kind]
        yield kind, word.lower() if kind == "word" else word
        at = found.end()


def _arguments(tokens: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Split at the commas that are in no brackets."""
    if not tokens:
        return
    one: list[tuple[str, str]] = []
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token[1], 0)
        if token[1] == "," and depth == 0:
            yield one
            one = []
        else:
            one.append(token)
    yield one


def _type(tokens: list[tuple[str, str]]) -> str:
    """Empty for an OUT argument, which is no part of the signature."""
    if tokens and tokens[0] == ("word", "out"):
        return ""
    if tokens and tokens[0][0] == "word" and tokens[0][1] in _MODES:
        tokens = tokens[1:]
    tokens, is_array = _without_array(tokens)
    if tokens[:2] == [("word", "float"), ("sign", "(")]:
        raise NotASignatureError("has a float(n): say real or double precision")
    tokens = _without_modifier(tokens)
    if not tokens or any(kind in ("sign", "number") and text != "." for kind, text in tokens):
        raise NotASignatureError("has an argument without a type")
    if ("sign", ".") in tokens or tokens[0][0] == "quoted":
        found = _named(tokens)
    else:
        words = " ".join(text for _, text in tokens)
        found = "interval" if tokens[0][1] == "interval" else _ALIASES.get(words, words)
    return f"{found}[]" if is_array else found


def _without_array(tokens: list[tuple[str, str]]) -> tuple[list[tuple[str, str]], bool]:
    """All arrays of a type are one type, however many dimensions and bounds are written."""
    for at, token in enumerate(tokens):
        if token in (("sign", "["), ("word", "array")):
            return tokens[:at], True
    return tokens, False


def _without_modifier(tokens: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """`numeric(10, 2)` is `numeric` in a signature; so is `timestamp(3) with time zone`."""
    kept = []
    depth = 0
    for token in tokens:
        depth += token[1] == "("
        if not depth:
            kept.append(token)
        depth -= token[1] == ")"
    return kept


def _named(tokens: list[tuple[str, str]]) -> str:
    """A type by its identifiers: pg_catalog goes without its name."""
    names = [_unquoted(*token) for token in tokens if token[0] != "sign"]
    if len(names) > 1 and names[0] != "pg_catalog":
        return ".".join(map(_quoted, names))
    name = names[-1]
    return _ALIASES[name] if name in _ALIASED else _quoted(name)


def _unquoted(kind: str, text: str) -> str:
    return text[1:-1].replace('""', '"') if kind == "quoted" else text


def _quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def _bare(found: re.Match[str]) -> str:
    return _quoted(_unquoted("quoted", found[0]))

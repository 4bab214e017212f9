"""What patterns are matched with: names, and of what has a signature the types of arguments too.

A name and its types are one text with a NUL between them, which no name can hold. A pattern over
names alone is then one that ends in a star: every overload. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from regent.kinds import Naming, Row
from regent.observed import ObjectGroup
from shared.patterns import ANY, escaped, literal_of
from shared.signatures import bare, is_signature, signature_of

_BEFORE = "\0"


def keys_of(group: ObjectGroup) -> Sequence[str]:
    """What stands for each object of a group."""
    if not group.arguments:
        return group.names
    pairs = zip(group.names, group.arguments, strict=True)
    return [f"{name}{_BEFORE}{bare(arguments)}" for name, arguments in pairs]


def patterns_of(row: Row, patterns: Sequence[str]) -> Sequence[str]:
    """The patterns of a Permission, for what keys_of() gives."""
    match row.naming:
        case Naming.SIGNATURE:
            return [*map(_with_types, patterns)]
        case Naming.NAME | Naming.NUMBER | Naming.PARAMETER:
            return patterns
        case _:
            assert_never(row.naming)


def literals_of(row: Row, patterns: Iterable[str]) -> Iterator[str]:
    """Those without a wildcard, as the names that they mean, and the types with them."""
    for pattern in patterns:
        if row.naming is Naming.SIGNATURE and is_signature(pattern):
            one = signature_of(pattern)
            yield f"{one.name}({one.arguments})"
        elif (name := literal_of(pattern)) is not None:
            yield name


def known_as(group: ObjectGroup) -> Iterator[str]:
    """What a literal may call the objects of a group."""
    yield from group.names
    for name, arguments in zip(group.names, group.arguments, strict=False):
        yield f"{name}({bare(arguments)})"


def _with_types(pattern: str) -> str:
    if pattern == ANY:
        return ANY
    if is_signature(pattern):
        one = signature_of(pattern)
        return escaped(one.name) + _BEFORE + escaped(one.arguments)
    name = literal_of(pattern)
    if name is not None:
        return escaped(name) + _BEFORE + ANY
    stands_for_itself = (len(pattern) - len(pattern.rstrip("\\"))) % 2
    return pattern + "\\" * stands_for_itself + _BEFORE + ANY

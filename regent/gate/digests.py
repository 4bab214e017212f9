"""A digest of a value that is the same in every process. Pure.

Sets have no order, and the one they are shown in changes with every start of Python: so what is to
be known again after a restart cannot be named by its repr. Verifiers count, and cannot be read out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any

from shared.keys import ResourceKey
from shared.state import Verifier


def digest(value: object) -> str:
    """A sha256 over dataclasses, enums, times, texts, numbers and collections of these."""
    return hashlib.sha256(_written(value).encode()).hexdigest()


def _written(value: Any) -> str:
    kind = value.__class__
    if kind is str or kind is int or kind is bool or value is None:
        return repr(value)
    if kind is ResourceKey:
        return f"ResourceKey({','.join(map(repr, value))})"
    if kind is tuple:
        return f"({','.join(map(_written, value))})"
    names = _fields_of(kind)
    if names and kind is not Verifier:
        parts = [_written(getattr(value, name)) for name in names]
        return f"{kind.__name__}({','.join(parts)})"
    match value:
        case Enum():
            return value.name
        case Verifier():
            return repr(value.value)
        case datetime():
            return _moment(value)
        case Mapping():
            pairs = (f"{_written(key)}:{_written(one)}" for key, one in value.items())
            return f"{{{','.join(sorted(pairs))}}}"
        case Set():
            return f"{{{','.join(sorted(map(_written, value)))}}}"
        case list():
            return f"({','.join(map(_written, value))})"
    raise TypeError(f"{kind.__name__} has no digest")


@cache
def _fields_of(kind: type) -> tuple[str, ...]:
    """Of a dataclass, those by which its values are compared; none of anything else."""
    return tuple(one.name for one in fields(kind) if one.compare) if is_dataclass(kind) else ()


def _moment(value: datetime) -> str:
    """In UTC; at the edge of Python's years as it is, for one odd value must not end a pass."""
    try:
        return value.astimezone(UTC).isoformat()
    except OverflowError:
        return value.isoformat()

"""The edges that a change of privileges is made of, and a change in two by a word on each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Literal, NamedTuple, assert_never, get_args

from regent.changes import PrivilegeChange

Place = Literal["oid", "grantee", "privilege", "column"]
PLACES: tuple[Place, ...] = get_args(Place)


class Edge(NamedTuple):
    """One privilege on one object for one role; its fields are PLACES."""

    oid: int
    grantee: str | None
    """None is PUBLIC."""
    privilege: str
    column: str
    """Empty for the whole object."""


def edges(change: PrivilegeChange) -> Iterator[Edge]:
    """All that the change gives or takes, in its order."""
    return map(Edge._make, product(*_values(change)))


def split(
    change: PrivilegeChange, is_one: Callable[[Edge], bool]
) -> tuple[list[PrivilegeChange], list[PrivilegeChange]]:
    """The edges of which `is_one` is true, and the others, each in as few changes as possible."""
    ones: list[PrivilegeChange] = []
    others: list[PrivilegeChange] = []
    for part, answer in _rectangles(change, bytes(map(is_one, edges(change))), _values(change)):
        (ones if answer else others).append(part)
    return ones, others


def _values(change: PrivilegeChange) -> tuple[Sequence[object], ...]:
    """What the change has in each place."""
    oids = [one.oid for one in change.objects]
    return oids, change.grantees, sorted(change.privileges), change.columns or ("",)


def _rectangles(
    change: PrivilegeChange, answers: bytes, values: Sequence[Sequence[object]]
) -> Iterator[tuple[PrivilegeChange, bool]]:
    """Values that are answered alike stay together: objects first, then grantees, and so on.

    `answers` are of the product of the `values`, which are of the last places.
    """
    if len(set(answers)) <= 1:
        yield change, any(answers)
        return
    size = len(answers) // len(values[0])
    groups: dict[bytes, list[object]] = {}
    for at, value in enumerate(values[0]):
        groups.setdefault(answers[at * size : (at + 1) * size], []).append(value)
    for alike, some in groups.items():
        part = _with(change, PLACES[-len(values)], frozenset(some))
        yield from _rectangles(part, alike, values[1:])


def _with(change: PrivilegeChange, place: Place, values: Collection[object]) -> PrivilegeChange:
    """The change for these values of one of its places alone, in their order."""
    match place:
        case "oid":
            return replace(change, objects=tuple(o for o in change.objects if o.oid in values))
        case "grantee":
            return replace(change, grantees=tuple(g for g in change.grantees if g in values))
        case "privilege":
            return replace(change, privileges=change.privileges.intersection(values))
        case "column":
            return replace(change, columns=tuple(c for c in change.columns if c in values))
        case _:
            assert_never(place)

"""The edges that a change of privileges is made of, and a change in two by a word on each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Literal, NamedTuple, TypeAlias, assert_never, get_args

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


Answers: TypeAlias = Mapping[Edge, bool]


def edges(change: PrivilegeChange) -> Iterator[Edge]:
    """All that the change gives or takes, in its order."""
    oids = (one.oid for one in change.objects)
    columns = change.columns or ("",)
    return map(Edge._make, product(oids, change.grantees, sorted(change.privileges), columns))


def split(
    change: PrivilegeChange, is_one: Callable[[Edge], bool]
) -> tuple[list[PrivilegeChange], list[PrivilegeChange]]:
    """The edges of which `is_one` is true, and the others, each in as few changes as possible."""
    ones: list[PrivilegeChange] = []
    others: list[PrivilegeChange] = []
    answers = {edge: is_one(edge) for edge in edges(change)}
    for part, answer in _rectangles(change, answers, 0):
        (ones if answer else others).append(part)
    return ones, others


def _rectangles(
    change: PrivilegeChange, answers: Answers, place: int
) -> Iterator[tuple[PrivilegeChange, bool]]:
    """Values that are answered alike stay together: objects first, then grantees, and so on."""
    here = [(edge, answers[edge]) for edge in edges(change)]
    if len({answer for _, answer in here}) <= 1:
        yield change, any(answer for _, answer in here)
        return
    alike: dict[object, set[object]] = {}
    for edge, answer in here:
        rest = (*edge[:place], *edge[place + 1 :], answer)
        alike.setdefault(edge[place], set()).add(rest)
    groups: dict[frozenset[object], set[object]] = {}
    for value, signature in alike.items():
        groups.setdefault(frozenset(signature), set()).add(value)
    for values in groups.values():
        yield from _rectangles(_with(change, PLACES[place], values), answers, place + 1)


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

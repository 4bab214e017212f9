"""Where a resource left and one that declares the same came: it looks like a rename. Pure.

Everybody may get another name in one push, and stay so while the brake waits. So those who left
are not compared with all who came one by one: both are gathered by what they declare.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel

from regent.resolve.context import Context
from regent.resolve.situation import Situation
from shared.keys import ResourceKey
from shared.state import RoleEntry, UserEntry

TOGETHER = timedelta(minutes=10)
"""A deletion and a creation so near to each other may be one rename."""

_NAMES = frozenset({"renamed_from", "adopt", "role_name", "user_name"})


@dataclass(frozen=True, slots=True)
class Gone:
    """A Role or User that was deleted, with the name that its role had."""

    key: ResourceKey
    name: str
    entry: RoleEntry | UserEntry
    at: datetime


@dataclass(frozen=True, slots=True)
class _Came:
    key: ResourceKey
    name: str
    since: datetime


def departed(situation: Situation) -> Iterator[Gone]:
    """Whose end is not done yet, or was done lately."""
    for text, one in situation.accepted.departed.items():
        key, entry = ResourceKey.parse(text), one.entry
        if entry.kind != "Permission":
            yield Gone(key, entry.spec.postgres_name(key.name), entry, one.at)


def note_hints(context: Context, gone: Iterable[Gone]) -> None:
    """Only where one came for one that left: of several nobody knows which it was."""
    left: dict[Hashable, list[Gone]] = {}
    for one in gone:
        if _has_its_role(context.situation, one):
            left.setdefault(_what_it_declares(one.key, one.entry), []).append(one)
    if not left:
        return
    came = _newcomers(context)
    for what, leavers in left.items():
        for one, new in _pairs(leavers, came.get(what, ())):
            context.findings.note(
                new.key,
                f"It looks like a rename of {one.key}, which was deleted: so its role"
                f" {one.name!r} ends, and {new.name!r} is a new one."
                f" With renamedFrom: {one.name} in the same change the role is renamed, and keeps"
                " what it has.",
            )


def _newcomers(context: Context) -> Mapping[Hashable, list[_Came]]:
    situation = context.situation
    found: dict[Hashable, list[_Came]] = {}
    for key, entry in context.listed.entries.items():
        since = situation.accepted.since.get(str(key))
        if since is not None and _makes_its_role(situation, key, entry):
            one = _Came(key, entry.spec.postgres_name(key.name), since)
            found.setdefault(_what_it_declares(key, entry), []).append(one)
    return found


def _pairs(left: Iterable[Gone], came: Iterable[_Came]) -> Iterator[tuple[Gone, _Came]]:
    """Those who have nobody but each other within the time.

    None has the name of the other: it is marked for the one that left, so nobody else makes it.
    """
    leavers = sorted(left, key=lambda one: one.at)
    newcomers = sorted(came, key=lambda one: one.since)
    went, began = [one.at for one in leavers], [one.since for one in newcomers]
    for one in leavers:
        near = _near(one.at, began)
        if len(near) == 1 and len(_near(began[near.start], went)) == 1:
            yield one, newcomers[near.start]


def _near(moment: datetime, times: Sequence[datetime]) -> range:
    """Where in these, which are in order, somebody would be together with this moment."""
    first = bisect_left(times, moment - TOGETHER)
    return range(first, bisect_right(times, moment + TOGETHER))


def _has_its_role(situation: Situation, one: Gone) -> bool:
    """Whether its role is still there as marked for it, and could be renamed by us."""
    mark = situation.marked.mine.get(one.name)
    observed = situation.server.roles.get(one.name)
    if mark is None or observed is None or observed.attributes.superuser:
        return False
    return (mark.holder, mark.role_oid) == (one.key, observed.oid)


def _makes_its_role(situation: Situation, key: ResourceKey, entry: RoleEntry | UserEntry) -> bool:
    """Whether the role is made for it: not one that somebody else made."""
    name = entry.spec.postgres_name(key.name)
    if entry.spec.renamed_from is not None:
        return False
    mark = situation.marked.mine.get(name)
    return name not in situation.server.roles or (mark is not None and mark.holder == key)


def _what_it_declares(key: ResourceKey, entry: RoleEntry | UserEntry) -> Hashable:
    """The same for all that declare the same in one namespace, but for names."""
    return key.kind, key.namespace, _frozen(entry.spec, but=_NAMES)


def _frozen(value: object, but: frozenset[str] = frozenset()) -> Hashable:
    """Equal where the values are, and to be looked up."""
    if isinstance(value, BaseModel):
        parts = {name: part for name, part in value if name not in but}
        return type(value), _frozen(parts)
    if isinstance(value, Mapping):
        return frozenset((name, _frozen(part)) for name, part in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    if isinstance(value, Hashable):
        return value
    raise TypeError(f"{type(value).__name__} cannot be looked up")

"""The lists of `allow`, made ready once: thousands of resources ask the same few patterns. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from shared.patterns import ANY, literal_of, matcher
from shared.resources import Allow


@dataclass(frozen=True, slots=True)
class AllowList:
    """One of them. `names` are those that stand there exactly; a list that is not given has none.

    Whether it is given at all decides what holds without it.
    """

    is_given: bool
    matches: Callable[[str], bool]
    names: frozenset[str]
    is_everything: bool = False
    """Every name there may ever be is within."""

    @classmethod
    def of(cls, patterns: Iterable[str] | None) -> AllowList:
        """As it is written."""
        given = tuple(patterns or ())
        names = frozenset(name for one in given if (name := literal_of(one)) is not None)
        return cls(patterns is not None, matcher(given), names, ANY in given)


@dataclass(frozen=True, slots=True)
class AllowLists:
    """Those that hold patterns over names."""

    adopt: AllowList
    creators: AllowList
    databases: AllowList
    member_of: AllowList
    names: AllowList
    parameters: AllowList
    reassign_owned_to: AllowList
    schemas: AllowList

    @classmethod
    def of(cls, allow: Allow | None) -> AllowLists:
        """Of one Regent."""
        return cls(
            adopt=AllowList.of(allow.adopt if allow else None),
            creators=AllowList.of(allow.creators if allow else None),
            databases=AllowList.of(allow.databases if allow else None),
            member_of=AllowList.of(allow.member_of if allow else None),
            names=AllowList.of(allow.names if allow else None),
            parameters=AllowList.of(allow.parameters if allow else None),
            reassign_owned_to=AllowList.of(allow.reassign_owned_to if allow else None),
            schemas=AllowList.of(allow.schemas if allow else None),
        )

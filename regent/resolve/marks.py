"""The marks of a server, looked up by role and by holder: one pass over them, whatever is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from regent.remembered import Mark
from regent.resolve.situation import Situation
from shared.keys import ResourceKey


@dataclass(frozen=True, slots=True)
class MarkIndex:
    """`mine` are our own that are in force; `names` are the observed roles by oid."""

    by_role: Mapping[str, Mark]
    mine: Mapping[str, Mark]
    mine_by_holder: Mapping[ResourceKey, Mark]
    names: Mapping[int, str]

    @classmethod
    def of(cls, situation: Situation) -> MarkIndex:
        """All of it, from the marks and the catalog of one moment."""
        mine = situation.own_marks()
        return cls(
            by_role={mark.role: mark for mark in situation.marks},
            mine=mine,
            mine_by_holder={mark.holder: mark for mark in mine.values()},
            names={role.oid: name for name, role in situation.server.roles.items()},
        )

"""The marks of a server, looked up by role and by holder: one pass over them, whatever is asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from regent.remembered import Mark
from regent.resolve.situation import Situation
from shared.keys import ResourceKey


@dataclass(frozen=True, slots=True)
class MarkIndex:
    """`mine` are our own that are in force.

    `names` are the names of the observed roles by oid, `observed` all of these names.
    """

    by_role: Mapping[str, Mark]
    mine: Mapping[str, Mark]
    mine_by_holder: Mapping[ResourceKey, Mark]
    names: Mapping[int, str]
    observed: Collection[str]

    @classmethod
    def of(cls, situation: Situation) -> MarkIndex:
        """All of it, from the marks and the catalog of one moment."""
        mine = situation.own_marks()
        return cls(
            by_role={mark.role: mark for mark in situation.marks},
            mine=mine,
            mine_by_holder={mark.holder: mark for mark in mine.values()},
            names={role.oid: name for name, role in situation.server.roles.items()},
            observed=situation.server.roles.keys(),
        )

    def observed_name(self, mark: Mark) -> str | None:
        """What the marked role is called in the catalog: by its oid, else by its name.

        The oid comes first: where the role was renamed behind us and somebody made another one of
        its name, that one is a stranger.
        """
        if name := self.names.get(mark.role_oid):
            return name
        return mark.role if mark.role in self.observed else None

    def is_remade(self, mark: Mark) -> bool:
        """Whether the role of this name is another one than the mark was written for."""
        return (
            mark.role_oid != 0
            and mark.role_oid not in self.names
            and bool(self.observed_name(mark))
        )

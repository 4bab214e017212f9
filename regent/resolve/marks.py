"""The marks of a server, looked up by role and by holder: one pass over them, whatever is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from regent.observed import ObservedServer
from regent.remembered import Mark
from shared.keys import ResourceKey


@dataclass(frozen=True, slots=True)
class MarkIndex:
    """`mine` are our own that are in force.

    `mine_by_holder` are the same: a resource has several where it left a role for another one, the
    one that it goes on with first. A resource that has none in force has those that were released,
    as when a Regent was uninstalled: whatever it declares now, they are its roles. `held` are all
    of these, by role. `foreign` are the roles of other Regents. `names` are the names
    of the observed roles by oid, `observed` all of these names.
    """

    by_role: Mapping[str, Mark]
    mine: Mapping[str, Mark]
    mine_by_holder: Mapping[ResourceKey, tuple[Mark, ...]]
    held: Mapping[str, Mark]
    foreign: frozenset[str]
    names: Mapping[int, str]
    observed: Collection[str]

    @classmethod
    def of(cls, marks: Iterable[Mark], regent: str, server: ObservedServer) -> MarkIndex:
        """All of it, from the marks and the catalog of one moment."""
        by_role = {mark.role: mark for mark in marks}
        mine = {
            role: mark
            for role, mark in by_role.items()
            if mark.regent == regent and not mark.released
        }
        names = {role.oid: name for name, role in server.roles.items()}
        in_force = {mark.holder for mark in mine.values()}
        released = [
            mark
            for mark in by_role.values()
            if mark.released
            and mark.regent == regent
            and mark.holder not in in_force
            and _is_there_still(mark, names, server)
        ]
        by_holder = _by_holder((*mine.values(), *released), names, server)
        return cls(
            by_role=by_role,
            mine=mine,
            mine_by_holder=by_holder,
            held={mark.role: mark for marks in by_holder.values() for mark in marks},
            foreign=frozenset(
                role
                for role, mark in by_role.items()
                if mark.regent != regent and not mark.released
            ),
            names=names,
            observed=server.roles.keys(),
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


def _is_there_still(mark: Mark, names: Mapping[int, str], server: ObservedServer) -> bool:
    """The very role that was released; one of its name that was made since is a stranger's."""
    if mark.role_oid == 0:
        return mark.role in server.roles
    return mark.role_oid in names


def _by_holder(
    marks: Iterable[Mark], names: Mapping[int, str], server: ObservedServer
) -> Mapping[ResourceKey, tuple[Mark, ...]]:
    """Of several the roles that are there first, and of these the ones with LOGIN."""
    found: dict[ResourceKey, list[Mark]] = {}
    for mark in marks:
        found.setdefault(mark.holder, []).append(mark)

    def order(mark: Mark) -> tuple[bool, bool, str]:
        role = server.roles.get(names.get(mark.role_oid, mark.role))
        return role is None, role is None or not role.login, mark.role

    return {holder: tuple(sorted(those, key=order)) for holder, those in found.items()}

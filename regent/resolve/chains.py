"""What a group leads to once this pass is done, step by step (rule 3). Pure.

Of a role that this Regent manages that is what is declared for it, and what other Regents put it
into: what is there beside is drift, and is corrected in the same pass. Of any other role it is
what the catalog says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from regent.observed import ObservedServer
from regent.reach import POWERFUL_ATTRIBUTES
from regent.resolve.marks import MarkIndex
from shared.keys import ResourceKey
from shared.state import DesiredState, RoleEntry, UserEntry

Chain = tuple[str, ...]
"""A group, and what it leads to: each a member of the next."""


@dataclass(frozen=True, slots=True)
class Chains:
    """The groups of each role, and the attributes of great power that it has."""

    groups_of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    attributes_of: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, state: DesiredState, marked: MarkIndex, server: ObservedServer) -> Chains:
        """Of all roles, declared and observed."""
        declared = dict(_declared(state, marked, server))
        managed = declared.keys() | marked.mine.keys()
        groups: dict[str, dict[str, None]] = {}
        for one in server.memberships:
            if one.member not in managed or one.group in marked.foreign:
                groups.setdefault(one.member, {})[one.group] = None
        attributes = {
            name: [one for one in POWERFUL_ATTRIBUTES if getattr(role.attributes, one)]
            for name, role in server.roles.items()
            if name not in managed
        }
        for name, entries in declared.items():
            for entry in entries:
                for group in _groups(entry, state):
                    groups.setdefault(name, {})[group] = None
                given = entry[1].spec.attributes
                attributes.setdefault(name, []).extend(
                    one for one in POWERFUL_ATTRIBUTES if given and getattr(given, one)
                )
        return cls({name: tuple(found) for name, found in groups.items()}, attributes)

    def beyond(self, group: str) -> Iterator[Chain]:
        """Every role that a group leads to, itself first, each by a shortest way."""
        met = {group}
        left: list[Chain] = [(group,)]
        for chain in left:
            yield chain
            further = [one for one in self.groups_of.get(chain[-1], ()) if one not in met]
            met.update(further)
            left += [(*chain, one) for one in further]


_Entry = tuple[ResourceKey, RoleEntry | UserEntry]


def _declared(
    state: DesiredState, marked: MarkIndex, server: ObservedServer
) -> Iterator[tuple[str, list[_Entry]]]:
    """What is declared for each role, by its holder; of a new one by whoever asks for its name."""
    found: dict[str, list[_Entry]] = {}
    for text, entry in state.resources.items():
        if entry.kind == "Permission":
            continue
        key = ResourceKey.parse(text)
        name = entry.spec.postgres_name(key.name)
        mark = marked.by_role.get(name)
        is_its_own = mark is not None and mark.holder.namespace == key.namespace
        names = {name} if is_its_own or (mark is None and name not in server.roles) else set()
        names |= {one.role for one in marked.mine_by_holder.get(key, ())}  # it may keep that name
        for one in sorted(names):
            found.setdefault(one, []).append((key, entry))
    yield from found.items()


def _groups(entry: _Entry, state: DesiredState) -> Iterator[str]:
    key, declared = entry
    yield from (one.role for one in declared.spec.member_of)
    if isinstance(declared, UserEntry):
        for name in (*declared.spec.roles, *(one.role for one in declared.spec.access)):
            role = ResourceKey("Role", key.namespace, name)
            found = state.resources.get(str(role))
            if isinstance(found, RoleEntry):
                yield found.spec.postgres_name(name)

"""What the former owner of an object keeps: the new one gives it where the object moves.

In the same transaction, so that it is missing at no moment. The object is altered by its name, so
what is given is on what was read, or the transaction ends (ADR 40).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from regent.apply.becoming import Becoming
from regent.apply.render import render
from regent.apply.transaction import as_their_roles
from regent.changes import GatherObjects, GrantPrivileges, ObjectRef
from regent.kinds import Address
from regent.observed import ObservedServer


@dataclass(frozen=True, slots=True)
class Also:
    """What else is said where an object moves; `meant` are the objects that it names."""

    statements: tuple[str, ...] = ()
    meant: Mapping[Address, ObjectRef] = field(default_factory=dict)


NOTHING_ELSE = Also()


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept of one change, object by object."""

    owner: str
    major: int
    becoming: Becoming
    kept: Mapping[Address, Sequence[GrantPrivileges]]

    @classmethod
    def of(cls, change: GatherObjects, server: ObservedServer) -> Keeping:
        """Of this change, on this server."""
        found: dict[Address, list[GrantPrivileges]] = {}
        for one in change.keeps:
            for address, ref in zip(one.addresses, one.objects, strict=True):
                found.setdefault(address, []).append(replace(one, objects=(ref,)))
        return cls(change.owner, server.major, Becoming.on(server), found)

    def on(self, objects: Iterable[Address]) -> Also:
        """What is kept on an object, and on what moves with it."""
        kept = {one: self.kept[one] for one in objects if one in self.kept}
        if not kept:
            return NOTHING_ELSE
        statements = [
            replace(said, as_role=self.owner, is_owners=True)
            for grants in kept.values()
            for grant in grants
            for said in render(grant, major=self.major)
        ]
        return Also(
            tuple(as_their_roles(statements, self.becoming)),
            {one: grants[0].objects[0] for one, grants in kept.items()},
        )

"""The lists of `allow`, made ready once: thousands of resources ask the same few patterns. Pure.

What a resource of the Regent's own namespace may declare is bounded by the Regent's `allow`. One of
another namespace is bounded by that as well, and by the `allow` of the entry that lets its
namespace in, of which a list that is left out lists nothing (rule 3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from regent.reach import OPEN_ATTRIBUTES
from shared.outside_schemas import opened, opened_to_others
from shared.patterns import ANY, literal_of, matcher
from shared.resources import Allow
from shared.state import RegentEntry


@dataclass(frozen=True, slots=True)
class AllowList:
    """One of them. `names` are those that stand there exactly; a list that is not given has none.

    Whether it is given at all decides what holds without it.
    """

    is_given: bool
    matches: Callable[[str], bool]
    names: frozenset[str]
    patterns: tuple[str, ...] = ()

    @classmethod
    def of(cls, patterns: Iterable[str] | None) -> AllowList:
        """As it is written."""
        given = tuple(patterns or ())
        names = frozenset(name for one in given if (name := literal_of(one)) is not None)
        return cls(patterns is not None, matcher(given), names, given)

    def lets_in(self, name: str) -> bool:
        """Where a list that is not given lets everything in."""
        return not self.is_given or self.matches(name)

    @property
    def is_everything(self) -> bool:
        """Whether whatever has a name is let in."""
        return not self.is_given or ANY in self.patterns


@dataclass(frozen=True, slots=True)
class AllowLists:
    """One `allow`, by what it bounds. `where` is its field in the Regent.

    `actions` are None where every action may be given. `is_own`: of the Regent's own namespace,
    where something may be declared that no list names.
    """

    where: str
    is_own: bool
    adopt: AllowList
    creators: AllowList
    databases: AllowList
    member_of: AllowList
    names: AllowList
    owned_databases: AllowList
    owned_schemas: AllowList
    parameters: AllowList
    reassign_owned_to: AllowList
    schemas: AllowList
    outside_schemas: frozenset[str]
    actions: frozenset[str] | None
    attributes: frozenset[str]

    @classmethod
    def of(cls, allow: Allow | None) -> AllowLists:
        """Of the Regent itself: what is left out means its default."""
        given = allow or Allow()
        attributes = OPEN_ATTRIBUTES if given.attributes is None else given.attributes
        return cls(
            where="spec.allow",
            is_own=True,
            adopt=AllowList.of(given.adopt),
            creators=AllowList.of(given.creators),
            databases=AllowList.of(given.databases),
            member_of=AllowList.of(given.member_of),
            names=AllowList.of(given.names),
            owned_databases=AllowList.of(given.owned_databases),
            owned_schemas=AllowList.of(given.owned_schemas),
            parameters=AllowList.of(given.parameters),
            reassign_owned_to=AllowList.of(given.reassign_owned_to),
            schemas=AllowList.of(given.schemas),
            outside_schemas=opened(given),
            actions=None if given.actions is None else frozenset(given.actions),
            attributes=frozenset(attributes),
        )

    @classmethod
    def of_others(cls, allow: Allow | None, where: str) -> AllowLists:
        """Of an entry for other namespaces: what is left out is nothing.

        But for `reassignOwnedTo`: what they own may go to their own roles, as everybody's.
        """
        given = allow or Allow()
        return cls(
            where=where,
            is_own=False,
            adopt=AllowList.of(given.adopt or ()),
            creators=AllowList.of(given.creators or ()),
            databases=AllowList.of(given.databases or ()),
            member_of=AllowList.of(given.member_of or ()),
            names=AllowList.of(given.names or ()),
            owned_databases=AllowList.of(given.owned_databases or ()),
            owned_schemas=AllowList.of(given.owned_schemas or ()),
            parameters=AllowList.of(given.parameters or ()),
            reassign_owned_to=AllowList.of(given.reassign_owned_to),
            schemas=AllowList.of(given.schemas or ()),
            outside_schemas=opened_to_others(given),
            actions=frozenset(given.actions or ()),
            attributes=frozenset(given.attributes or ()),
        )


class _Everything(frozenset[str]):
    """A set that has whatever is asked for. It is not empty, though nothing stands in it."""

    def __contains__(self, _: object) -> bool:
        return True

    def __bool__(self) -> bool:
        return True


_EVERY = _Everything()
_WHATEVER = AllowList(is_given=False, matches=lambda _: True, names=_EVERY)
_NO_BOUNDS = AllowLists(
    where="",
    is_own=True,
    adopt=_WHATEVER,
    creators=_WHATEVER,
    databases=_WHATEVER,
    member_of=_WHATEVER,
    names=_WHATEVER,
    owned_databases=_WHATEVER,
    owned_schemas=_WHATEVER,
    parameters=_WHATEVER,
    reassign_owned_to=_WHATEVER,
    schemas=_WHATEVER,
    outside_schemas=_EVERY,
    actions=_EVERY,
    attributes=_EVERY,
)

Bounds = tuple[AllowLists, ...]
"""What bounds a resource: a thing may be declared where each of them lets it."""


@dataclass(frozen=True, slots=True)
class BoundsByNamespace:
    """Of one Regent: its own namespace, those that it lets in, and all that it does not."""

    own_namespace: str
    own: Bounds
    others: Mapping[str, Bounds]
    nobody: Bounds

    @classmethod
    def of(cls, regent: RegentEntry) -> BoundsByNamespace:
        """As its resource says, and the push that named the namespaces."""
        own = AllowLists.of(regent.spec.allow)
        entries = [
            AllowLists.of_others(entry.allow, f"spec.allowedNamespaces[{index}].allow")
            for index, entry in enumerate(regent.spec.allowed_namespaces)
        ]
        others = {
            namespace: (own, entries[index])
            for namespace, index in (regent.namespaces or {}).items()
            if index < len(entries)
        }
        nobody = own, AllowLists.of_others(None, "spec.allowedNamespaces")
        return cls(regent.namespace, (own,), others, nobody)

    @classmethod
    def of_nobody(cls, own_namespace: str) -> BoundsByNamespace:
        """Where it does not matter what is allowed: every list lets everything in."""
        return cls(own_namespace, (_NO_BOUNDS,), {}, (_NO_BOUNDS,))

    def of_namespace(self, namespace: str) -> Bounds:
        """Of its resources. One that is not let in may declare nothing."""
        if namespace == self.own_namespace:
            return self.own
        return self.others.get(namespace, self.nobody)

    @property
    def ask_what_groups_lead_to(self) -> bool:
        """Whether somebody may join a group that is not named to the Regent's own namespace."""
        own = self.own[0].member_of
        return bool(self.others) or len(own.names) < len(own.patterns)

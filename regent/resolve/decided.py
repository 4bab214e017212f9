"""Who gets a role, while it is decided: adoptions that are refused are taken back one by one. Pure.

Everything that a decision asks is at hand, so that a refusal costs what depends on it and not all
that is declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from regent.resolve.claims import is_public
from regent.resolve.context import Claim, Context
from regent.resolve.renamings import edges_kept
from shared.keys import ResourceKey

NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decided:
    """What is granted now. It only gets less, but for the role that it had before.

    `names` are those of all roles that are had, `own` the same by namespace. `ungranted` are names
    by namespace that are declared and had by nobody; `marked_as` are the roles that each resource
    has by our marks.
    """

    context: Context
    granted: dict[ResourceKey, Claim]
    names: set[str]
    own: dict[str, set[str]]
    ungranted: set[tuple[str, str]]
    marked_as: Mapping[ResourceKey, list[str]]

    @classmethod
    def of(cls, context: Context) -> Decided:
        """As far as it is decided by now."""
        own: dict[str, set[str]] = {}
        for key, claim in context.granted.items():
            own.setdefault(key.namespace, set()).add(claim.name)
        marked_as: dict[ResourceKey, list[str]] = {}
        for mark in context.situation.marked.mine.values():
            marked_as.setdefault(mark.holder, []).append(mark.role)
        names = set().union(*own.values())
        found = cls(context, dict(context.granted), names, own, set(), marked_as)
        for key, entry in context.listed.entries.items():
            if key not in found.granted and not is_public(entry):
                found._declared_in_vain(key)
        return found

    def own_of(self, namespace: str) -> Set[str]:
        """The roles that are had in a namespace."""
        return self.own.get(namespace, NOBODY)

    def names_of(self, key: ResourceKey) -> tuple[str, ...]:
        """What a role goes by: as declared, by its marks, and by the name that it had before."""
        spec = self.context.listed.entries[key].spec
        former = (spec.renamed_from,) if spec.renamed_from else ()
        return (*self._present_names(key), *former)

    def _present_names(self, key: ResourceKey) -> tuple[str, ...]:
        declared = self.context.listed.entries[key].spec.postgres_name(key.name)
        return declared, *self.marked_as.get(key, ())

    def take_back(self, claim: Claim) -> None:
        """It gets no role after all."""
        for key in claim.declared_by:
            self.granted.pop(key, None)
            self.own.get(key.namespace, set()).discard(claim.name)
            self._declared_in_vain(key)
        self.names.discard(claim.name)

    def keep(self, claim: Claim) -> None:
        """It stays what it was, as it does not become what it asked for."""
        for key in claim.declared_by:
            self.granted[key] = claim
            self.own.setdefault(key.namespace, set()).add(claim.name)
        self.names.add(claim.name)

    def _declared_in_vain(self, key: ResourceKey) -> None:
        self.ungranted.update((key.namespace, name) for name in self._present_names(key))

    def stays_in(self, key: ResourceKey, member: str) -> Iterator[str]:
        """The groups of roles that this one lists, and that nobody has: a member stays one.

        A mark that was lost makes a Role ExistsUnmanaged, and so does a new name that somebody
        else's role has; that must take nobody's access away. A name that another resource holds is
        that one's business, but in one namespace: there a Role that has another name in Git comes
        before its former self goes, and whoever lists it may list that one.
        """
        listed, marked = self.context.listed, self.context.situation.marked
        for role in listed.roles.get(key, ()):
            if role in self.granted or role not in listed.entries:
                continue
            entry = listed.entries[role]
            if is_public(entry):
                continue
            declared = entry.spec.postgres_name(role.name)
            marks = marked.mine_by_holder.get(role, ())
            for name in dict.fromkeys((declared, *(mark.role for mark in marks))):
                is_own = name != member and name in self.own_of(key.namespace)
                if is_own or name not in self.names:
                    yield name
            for group, _ in edges_kept(self.context.situation, role, entry, member):
                yield group
        if not self.ungranted:
            return
        for one in listed.entries[key].spec.member_of:
            if (key.namespace, one.role) in self.ungranted and one.role not in self.names:
                yield one.role

"""What comes into force together: a resource, what it names, and who has the same role. Pure."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from regent.accept.merge import references
from shared.keys import ResourceKey
from shared.patterns import matcher
from shared.state import Entry, RoleEntry, UserEntry, postgres_name_of


@dataclass(frozen=True, slots=True)
class Choice:
    """Of what was chosen, what can come, and what comes along. Keys are `str(ResourceKey)`."""

    chosen: frozenset[str]
    along: frozenset[str] = frozenset()
    lacking: Mapping[str, str] = field(default_factory=dict)
    """Who was chosen and cannot come, each with what it needs and cannot have."""

    @property
    def all(self) -> frozenset[str]:
        """Everything that comes."""
        return self.chosen | self.along


@dataclass(frozen=True)
class Declarations:
    """The resources of one Regent, by their keys."""

    entries: Mapping[str, Entry]
    creators: tuple[str, ...] | None = None
    """Whose default privileges may be named, though nobody declares them; None: everybody's."""

    @cached_property
    def grantees(self) -> Mapping[str, RoleEntry | UserEntry]:
        """Roles and Users."""
        return {key: one for key, one in self.entries.items() if one.kind != "Permission"}

    @cached_property
    def names(self) -> Mapping[str, str]:
        """What Roles and Users are called in PostgreSQL; a Role of PUBLIC's as it says."""
        return {key: postgres_name_of(key, entry) for key, entry in self.grantees.items()}

    @cached_property
    def speakers(self) -> frozenset[str]:
        """The Roles that speak for PUBLIC, and make no role."""
        return frozenset(
            key for key, one in self.grantees.items() if one.kind == "Role" and one.spec.is_public
        )

    @cached_property
    def by_name(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """Whose role it is, by namespace and name in PostgreSQL."""
        found: dict[tuple[str, str], list[str]] = {}
        for key, name in sorted(self.names.items()):
            if key not in self.speakers:
                found.setdefault((ResourceKey.parse(key).namespace, name), []).append(key)
        return {where: tuple(keys) for where, keys in found.items()}

    def roles_of(self, keys: Collection[str]) -> frozenset[str]:
        """The roles in PostgreSQL that these make."""
        return frozenset(self.names[k] for k in keys if k in self.names and k not in self.speakers)

    def needs(self, key: str) -> Iterator[str]:
        """What one resource cannot be without, as far as it is declared here.

        What it names, the groups of `memberOf`, creators that are allowed only where they are
        declared, and whoever has the same role: a Role without the User of its name would take
        that one's LOGIN (rule 7).
        """
        entry, where = self.entries[key], ResourceKey.parse(key)
        yield from (
            named for one in references(where, entry) if (named := str(one)) in self.entries
        )
        if entry.kind == "Permission" or key in self.speakers:
            return
        groups = (group.role for group in entry.spec.member_of)
        for name in (self.names[key], *groups, *self._creators(entry)):
            yield from self.by_name.get((where.namespace, name), ())

    def _creators(self, entry: RoleEntry | UserEntry) -> Iterator[str]:
        if self.creators is None or entry.kind != "Role":
            return
        is_allowed = matcher(self.creators)
        for one in entry.spec.default_privileges:
            if not is_allowed(one.creator):
                yield one.creator

    def reached(self, key: str, known: Container[str]) -> frozenset[str]:
        """It, and all that it needs that is not `known`."""
        found, waiting = {key}, [key]
        while waiting:
            for one in self.needs(waiting.pop()):
                if one not in found and one not in known:
                    found.add(one)
                    waiting.append(one)
        return frozenset(found)


def choice(
    declared: Declarations,
    chosen: Iterable[str],
    known: Container[str],
    refused: Container[str] = (),
) -> Choice:
    """With their needs, less whoever needs something that is `refused`. `known` are in force."""
    coming: set[str] = set()
    along: set[str] = set()
    lacking: dict[str, str] = {}
    for key in sorted(chosen):
        reached = declared.reached(key, known)
        missing = min((one for one in reached if one in refused), default=None)
        if missing is None:
            coming.add(key)
            along |= reached
        else:
            lacking[key] = key if key in refused else missing
    return Choice(frozenset(coming), frozenset(along - coming), lacking)

"""Which declarations match which objects: compiled once per desired state, used by every pass.

A signature is the ordered numbers of the declarations that match one object. Objects that share a
signature and an ACL need the same, so the planner works per signature and never per object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from regent.desired import DeclaredGrant
from regent.kinds import COLUMNS, KINDS, Scope
from regent.observed import ObjectGroup
from regent.plan.signatures import patterns_of
from regent.reach import SYSTEM_PREFIX
from shared.keys import ResourceKey
from shared.patterns import ANY, is_literal, matcher
from shared.privileges import ObjectKind

Signature = tuple[int, ...]
OUR_SCHEMA = "postgregent"
TEMPORARY = ("pg_temp_", "pg_toast_temp_")
MOST_REMEMBERED_NAMES = 100_000


@dataclass(frozen=True, slots=True)
class Need:
    """What one grantee shall hold on one object."""

    privileges: frozenset[str] = frozenset()
    grantable: frozenset[str] = frozenset()


Needs = Mapping[str | None, Need]
"""By grantee; None is PUBLIC."""
NOTHING = Need()
USAGE = Need(frozenset({"USAGE"}))


class NameRules:
    """The declarations that reach one kind in one schema, ready to be asked by name.

    Where PostgreSQL's own are `spared`, no pattern matches what is called `pg_*`.
    """

    def __init__(
        self, declarations: Iterable[tuple[int, Sequence[str]]], *, spared: bool = False
    ) -> None:
        self._is_spared = spared
        whole: list[int] = []
        literals: dict[str, list[int]] = {}
        self._magic: list[tuple[int, Callable[[str], bool]]] = []
        every_magic: list[str] = []
        for index, patterns in declarations:
            if ANY in patterns:
                whole.append(index)
                continue
            for name in filter(is_literal, patterns):
                literals.setdefault(name, []).append(index)
            magic = [pattern for pattern in patterns if not is_literal(pattern)]
            if magic:
                self._magic.append((index, matcher(magic)))
                every_magic += magic
        self.whole: Signature = tuple(whole)
        self._literals = literals
        self._is_any_magic = matcher(every_magic)
        self._remembered: dict[str, Signature] = {}

    def signature(self, name: str) -> Signature:
        """The declarations that match this name, in their order."""
        known = self._remembered.get(name)
        if known is None:
            if len(self._remembered) >= MOST_REMEMBERED_NAMES:
                self._remembered.clear()
            known = self._remembered[name] = self._find(name)
        return known

    def partition(self, names: Sequence[str]) -> Iterable[tuple[Signature, Sequence[int] | None]]:
        """Positions in `names` by signature; None stands for all of them."""
        literals = self._literals  # where there are none, no name is looked at
        is_alike = not self._magic and (not literals or literals.keys().isdisjoint(names))
        if is_alike and not (self._is_spared and any(map(_is_postgresqls, names))):
            return ((self.whole, None),)
        parts: dict[Signature, list[int]] = {}
        for position, name in enumerate(names):
            parts.setdefault(self.signature(name), []).append(position)
        return parts.items()

    def _find(self, name: str) -> Signature:
        found = set(self._literals.get(name, ()))
        if self._is_spared and _is_postgresqls(name):
            return tuple(sorted(found))
        if self._magic and self._is_any_magic(name):
            found |= {index for index, matches in self._magic if matches(name)}
        return tuple(sorted(found.union(self.whole))) if found else self.whole


class CompiledGrants:
    """The declarations of one database. What it finds out it remembers for the next pass."""

    def __init__(
        self,
        grants: tuple[DeclaredGrant, ...],
        grantees: frozenset[str],
        ignore_schemas: tuple[str, ...] = (),
    ) -> None:
        self.grants = grants
        self.is_ignored = matcher(ignore_schemas)
        self._given_to = tuple(
            tuple(g for g in d.grantees if g is None or g in grantees) for d in grants
        )
        self._reaches_schema = tuple(matcher(d.schemas) for d in grants)
        self._implied_in = tuple(tuple(map(matcher, d.implied_in)) for d in grants)
        self._rules: dict[tuple[ObjectKind, str | None, bool], NameRules] = {}
        self._needs: dict[tuple[object, ...], Needs] = {}
        self._permissions: dict[Signature, frozenset[ResourceKey]] = {}
        self._bounded = _bounded(grants)
        self._not_as_owner: dict[str, frozenset[int]] = {}
        self.has_columns = any(d.kind is COLUMNS.kind for d in grants)

    def rules(self, kind: ObjectKind, schema: str | None, *, is_extension: bool) -> NameRules:
        """What reaches objects of this kind in this schema; `schema` is None for schemas."""
        key = (kind, schema, is_extension)
        if key not in self._rules:
            reaching = self._reaching(kind, schema, is_extension=is_extension)
            spared = KINDS[kind].scope is Scope.SERVER
            self._rules[key] = NameRules(reaching, spared=spared)
        return self._rules[key]

    def needs(
        self,
        signature: Signature,
        implied: Signature = (),
        column: str | None = None,
        owner: str = "",
    ) -> Needs:
        """What the grantees of these declarations shall hold; USAGE for those of `implied`.

        With `column`, only of the declarations that name it. On what `owner` has: nobody runs code
        as some.
        """
        less = self._bounded_on(owner)
        key = (signature, implied, column, less)
        if key not in self._needs:
            self._needs[key] = self._united(signature, implied, column, less)
        return self._needs[key]

    def _bounded_on(self, owner: str) -> frozenset[int]:
        """Those that do not give all of their privileges on what this role owns."""
        if owner not in self._not_as_owner:
            found = [some for owners, some in self._bounded.items() if owner in owners]
            is_one = len(found) == 1  # which all owners share
            self._not_as_owner[owner] = found[0] if is_one else frozenset().union(*found)
        return self._not_as_owner[owner]

    def is_bounded_on(self, index: int, owner: str) -> bool:
        """Whether a declaration does not give all of its privileges on what this role owns."""
        return index in self._bounded_on(owner)

    def permissions(self, signature: Signature) -> frozenset[ResourceKey]:
        """The Permissions behind a signature."""
        if signature not in self._permissions:
            found = frozenset(self.grants[index].permission for index in signature)
            self._permissions[signature] = found
        return self._permissions[signature]

    def implying(self, signature: Signature) -> Signature:
        """Those that bring USAGE on the schema with them (rule 15)."""
        return tuple(index for index in signature if self.grants[index].implied)

    def inserting(self, signature: Signature) -> Signature:
        """Those that bring USAGE on the sequences of defaults with them (rule 15)."""
        grants = self.grants
        return tuple(
            index
            for index in signature
            if grants[index].implied and "INSERT" in grants[index].privileges
        )

    def implies_in(self, index: int, schema: str) -> bool:
        """Whether what comes with a declaration may be given in this schema."""
        return all(matches(schema) for matches in self._implied_in[index])

    def might_imply_schema(self, schema: str) -> Signature:
        """Those that would bring USAGE on this schema, if anything in it matched."""
        return tuple(
            index
            for index, declared in enumerate(self.grants)
            if declared.implied
            and KINDS[declared.kind].scope is Scope.IN_SCHEMA
            and self._reaches_schema[index](schema)
        )

    def might_imply_sequence(self, schema: str) -> Signature:
        """Those that would bring USAGE on a sequence there, if a default of theirs needed it."""
        every = tuple(
            i
            for i, declared in enumerate(self.grants)
            if KINDS[declared.kind].draws_on is not None and self.implies_in(i, schema)
        )
        return self.inserting(every)

    def grantees(self, index: int) -> tuple[str | None, ...]:
        """Those of a declaration's grantees that are in our authority, PUBLIC among them."""
        return self._given_to[index]

    def _reaching(
        self, kind: ObjectKind, schema: str | None, *, is_extension: bool
    ) -> Iterable[tuple[int, Sequence[str]]]:
        if schema is not None and (is_system(schema) or self.is_ignored(schema)):
            return
        for index, declared in enumerate(self.grants):
            if declared.kind is not kind or (is_extension and not declared.extensions):
                continue
            if KINDS[kind].is_container:
                yield index, declared.schemas
            elif schema is None or self._reaches_schema[index](schema):
                yield index, patterns_of(KINDS[kind], declared.names)

    def _united(
        self, signature: Signature, implied: Signature, column: str | None, less: frozenset[int]
    ) -> Needs:
        privileges: dict[str | None, frozenset[str]] = {}
        grantable: dict[str | None, frozenset[str]] = {}
        for index in signature:
            declared = self.grants[index]
            if column is not None and column not in declared.columns:
                continue
            given = declared.privileges
            if index in less and declared.owners_code is not None:
                given -= declared.owners_code.privileges
            for grantee in self._given_to[index] if given else ():
                privileges[grantee] = privileges.get(grantee, frozenset()) | given
                if declared.grantable:
                    grantable[grantee] = grantable.get(grantee, frozenset()) | given
        for grantee in (g for index in implied for g in self._given_to[index]):
            privileges[grantee] = privileges.get(grantee, frozenset()) | USAGE.privileges
        return {g: Need(held, grantable.get(g, frozenset())) for g, held in privileges.items()}


def _bounded(grants: Sequence[DeclaredGrant]) -> Mapping[frozenset[str], frozenset[int]]:
    """By the owners as whom nobody runs code by them."""
    found: dict[frozenset[str], list[int]] = {}
    for index, declared in enumerate(grants):
        if declared.owners_code is not None:
            found.setdefault(declared.owners_code.owners, []).append(index)
    return {owners: frozenset(some) for owners, some in found.items()}


def owner_of_code(group: ObjectGroup) -> str:
    """As whom one may run code by what one has on these; empty where as nobody else (ADR 48)."""
    is_code = KINDS[group.kind].runs_as_owner(group.relation_kind)
    return group.owner if is_code else ""


def _is_postgresqls(name: str) -> bool:
    """Tablespaces of such names are the server's own: who means one names it (rule 13)."""
    return name.startswith(SYSTEM_PREFIX)


def is_system(schema: str) -> bool:
    """Never matched by a pattern (rule 13)."""
    return schema.startswith(SYSTEM_PREFIX) or schema in ("information_schema", OUR_SCHEMA)


def is_temporary(schema: str) -> bool:
    """In nobody's authority (rule 9)."""
    return schema.startswith(TEMPORARY)


class Compilations:
    """What was compiled lately: the same declarations give the same compiled object.

    Its owner keeps it from pass to pass. One entry can take a megabyte, so the number is bounded:
    those asked for longest ago go first.
    """

    def __init__(self, limit: int = 16) -> None:
        self._limit = limit
        self._latest: dict[object, CompiledGrants] = {}

    def __len__(self) -> int:
        return len(self._latest)

    def of(
        self,
        grants: tuple[DeclaredGrant, ...],
        grantees: frozenset[str],
        ignore_schemas: tuple[str, ...] = (),
    ) -> CompiledGrants:
        """The declarations of one database, compiled for these grantees."""
        key = (grants, grantees, ignore_schemas)
        found = self._latest.pop(key, None)
        if found is None:
            found = CompiledGrants(grants, grantees, ignore_schemas)
        self._latest[key] = found
        if len(self._latest) > self._limit:
            del self._latest[next(iter(self._latest))]
        return found

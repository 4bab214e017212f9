"""What managed roles hold in one database at the end of a pass, for the judge there. Pure.

Objects that share owner and ACL share their edges here too. Left out are objects on which something
is withheld or refused, and all outside of the Regent's authority: on these nothing is
judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import NamedTuple, Self

from regent.changes import Change, GrantPrivileges, RevokePrivileges
from regent.desired import Causes, DeclaredGrant
from regent.kinds import COLUMNS, KINDS, Address
from regent.observed import Acl, ObjectGroup, ObservedDatabase
from regent.plan.edges import edges as edges_of
from regent.plan.matching import CompiledGrants, Signature, is_temporary
from regent.plan.signatures import keys_of
from shared.keys import ResourceKey


class Edge(NamedTuple):
    """One privilege that a managed role holds. `declared_by` is what gives it, in words."""

    grantee: int
    privilege: str
    is_grantable: bool
    declared_by: str


Edges = tuple[Edge, ...]


class OnObjects(NamedTuple):
    """Objects of one catalog with one owner, on which the same is held."""

    catalog: str
    owner: int
    edges: Edges
    oids: tuple[int, ...]


class OnColumn(NamedTuple):
    """A column on which something is held."""

    relation: int
    column: str
    edges: Edges


@dataclass(frozen=True, slots=True)
class InForce:
    """All that the judge of one database goes by. `roles` are whom it judges, and their resources.

    A role is known by its oid: whoever gets its name later is another one.
    """

    roles: tuple[tuple[int, str], ...]
    objects: tuple[OnObjects, ...]
    columns: tuple[OnColumn, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """The roles that are judged, by name: their oids, and the resources that declare them."""

    oids: Mapping[str, int]
    declared_by: Mapping[str, Causes]

    def words(self, role: str) -> str:
        """The resources behind a role."""
        return " and ".join(map(_words, self.declared_by[role]))


Taken = Mapping[Address, Set[tuple[str | None, str, str]]]
"""What is about to be taken on an object: grantee, privilege, and column or nothing."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Where a pass has left something in one database.

    `taken` is what the next one takes back: that is not in force though it is held. On the objects
    that are `left_open` it may be either way, and nothing is judged.
    """

    taken: Taken
    left_open: Set[Address]

    @classmethod
    def of(
        cls,
        next_ones: Iterable[Change],
        not_done: Iterable[Change],
        database: str,
        left: Iterable[Change] = (),
    ) -> Self:
        """`next_ones` are those of `not_done` that the next pass does.

        What is `left` was tried just now, or put off: who knows when it is done.
        """
        taken: dict[Address, set[tuple[str | None, str, str]]] = {}
        plain = set()
        for change in next_ones:
            if isinstance(change, RevokePrivileges) and change.database == database:
                if change.grant_option_only or change.cut or change.refusal:
                    continue
                plain.add(change)
                for edge in edges_of(change):
                    whose = taken.setdefault(KINDS[change.kind].at(edge.oid), set())
                    whose.add((edge.grantee, edge.privilege, edge.column))
        left_open = {
            KINDS[change.kind].at(one.oid)
            for change in (*(one for one in not_done if one not in plain), *left)
            if isinstance(change, GrantPrivileges | RevokePrivileges)
            if change.database == database
            for one in change.objects
        }
        return cls(taken, left_open)


def in_force(
    reading: ObservedDatabase,
    compiled: CompiledGrants,
    judged: Judged,
    owners: Mapping[str, int],
    unsettled: Unsettled,
) -> InForce:
    """What a whole reading says. `owners` are the oids of all roles of the server."""
    told = _Told(reading, compiled, judged, owners, unsettled)
    objects = tuple(told.objects())
    return InForce(
        tuple(sorted((oid, judged.words(name)) for name, oid in judged.oids.items())),
        objects,
        tuple(told.columns()),
    )


class _Held(NamedTuple):
    """An ACL, with what is needed to say what of it is declared by whom."""

    acl: Acl
    owner: str
    signature: Signature
    column: str = ""


@dataclass(frozen=True, slots=True)
class _Told:
    reading: ObservedDatabase
    compiled: CompiledGrants
    judged: Judged
    owners: Mapping[str, int]
    unsettled: Unsettled

    def objects(self) -> Iterator[OnObjects]:
        for group in self.reading.groups:
            owner, row = self.owners.get(group.owner), KINDS[group.kind]
            if owner is None or group.kind is COLUMNS.kind or group.is_out_of_reach:
                continue
            if group.schema is not None and self._is_out_of_reach(group.schema):
                continue
            there = [
                position
                for position, oid in enumerate(group.oids)
                if row.at(oid) not in self.unsettled.left_open
                and not (row.is_container and self._is_out_of_reach(group.names[position]))
            ]
            for signature, found in self._parts(group, there):
                held = _Held(group.acl, group.owner, signature)
                oids = [group.oids[position] for position in found]
                drifted = [oid for oid in oids if row.at(oid) in self.unsettled.taken]
                for oid in drifted:
                    edges = self._edges(held, row.at(oid))
                    yield OnObjects(row.acl_catalog, owner, edges, (oid,))
                if plain := tuple(oid for oid in oids if oid not in drifted):
                    yield OnObjects(row.acl_catalog, owner, self._edges(held), plain)

    def columns(self) -> Iterator[OnColumn]:
        for one in self.reading.columns:
            is_open = COLUMNS.at(one.relation_oid) in self.unsettled.left_open
            if is_open or self._is_out_of_reach(one.schema):
                continue
            rules = self.compiled.rules(
                COLUMNS.kind, one.schema, is_extension=one.is_extension_member
            )
            signature = rules.signature(one.relation)
            held = _Held(one.acl, one.owner, signature, one.column)
            if edges := self._edges(held, COLUMNS.at(one.relation_oid)):
                yield OnColumn(one.relation_oid, one.column, edges)

    def _is_out_of_reach(self, schema: str) -> bool:
        return is_temporary(schema) or self.compiled.is_ignored(schema)

    def _parts(self, group: ObjectGroup, there: list[int]) -> Iterable[tuple[Signature, list[int]]]:
        """Positions by the declarations that match them: each edge is told with its own."""
        rules = self.compiled.rules(
            group.kind, group.schema, is_extension=group.is_extension_member
        )
        keys = keys_of(group)
        for signature, positions in rules.partition([keys[position] for position in there]):
            if found := there if positions is None else [there[p] for p in positions]:
                yield signature, found

    def _edges(self, on: _Held, drifted: Address | None = None) -> Edges:
        """Less what the owner has, which is nobody's business (rule 9), and what goes next."""
        taken = self.unsettled.taken.get(drifted, ()) if drifted else ()
        held: dict[tuple[str, str], bool] = {}
        for item in on.acl:
            if item.grantee is None or item.grantee == on.owner:
                continue
            if item.grantee not in self.judged.oids:
                continue
            for privilege in item.privileges:
                key = item.grantee, privilege
                if (*key, on.column) not in taken:
                    held[key] = held.get(key, False) or privilege in item.grantable
        return tuple(
            Edge(
                self.judged.oids[role],
                privilege,
                held[role, privilege],
                self._gives(role, privilege, on.signature, on.column),
            )
            for role, privilege in sorted(held)
        )

    def _gives(self, role: str, privilege: str, signature: Signature, column: str) -> str:
        """The Permissions that give it; of what only comes with others (rule 15), in general."""
        grants = (self.compiled.grants[index] for index in signature)
        found = {one.permission for one in grants if _is_given(one, role, privilege, column)}
        return " and ".join(map(_words, sorted(found))) or "one of its Permissions"


def _is_given(grant: DeclaredGrant, role: str, privilege: str, column: str) -> bool:
    is_on_it = not column or column in grant.columns
    return is_on_it and role in grant.grantees and privilege in grant.privileges


def _words(key: ResourceKey) -> str:
    return f"{key.kind} {key.namespace}/{key.name}"

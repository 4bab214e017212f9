"""One database's objects against its declarations: missing and spurious, group by group.

It walks groups of objects with one ACL, splits them by what matches, compares each (ACL,
signature) once, and looks at single objects only where columns or default sequences ask for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from regent.changes import ObjectRef, PrivilegeChange
from regent.kinds import COLUMNS, DRAWN_ON, KINDS
from regent.observed import ObjectGroup, ObservedColumn, ObservedDatabase
from regent.plan.acls import compare
from regent.plan.authority import Authority
from regent.plan.columns import ColumnWork, column_set, options_after, plan_columns, with_cascade
from regent.plan.defaults import Tolerances
from regent.plan.differences import SAME, Difference, Privileges, Scope
from regent.plan.edits import Edits, refs_of
from regent.plan.gathered import NOTHING_GATHERED, Gathering, apart
from regent.plan.matching import (
    CompiledGrants,
    NameRules,
    Needs,
    Signature,
    is_system,
    is_temporary,
    owner_of_code,
)
from regent.plan.owners import Moving, handed
from regent.plan.powerless import Users, users_of_schemas
from regent.plan.public import OfPublic, of_public
from regent.plan.signatures import keys_of
from shared.keys import ResourceKey
from shared.privileges import ObjectKind

Positions = Sequence[int]
NO_NEEDS: Needs = {}
NOT_MOVING: Moving = {}
REACHED_BY_NOTHING = NameRules(())


class LocalPlanner:
    """Plans one reading of one database, or of what all share; used once."""

    def __init__(
        self,
        observed: ObservedDatabase,
        compiled: CompiledGrants,
        authority: Authority,
        managed: frozenset[str],
        tolerances: Tolerances | None = None,
        moving: Moving = NOT_MOVING,
        gathering: Gathering = NOTHING_GATHERED,
    ) -> None:
        """`moving` are the schemas that get another owner before anything is given or taken.

        What is in `gathering` gets another one after that.
        """
        self._moving = moving
        self._gathering = gathering
        self._next_owners: dict[int, str] = {}
        """By the ids of groups, which are kept."""
        self._cut: list[ObjectGroup] = []
        self._handed: list[ObjectGroup] = []
        self.kept: dict[tuple[ObjectKind, str], frozenset[str]] = {}
        """Of these, what its former owner has by a declaration."""
        self._observed = observed
        self._compiled = compiled
        self._managed = managed
        self._authority = authority
        self._public = authority.public_in(observed.name)
        self._trusted = authority.trusted
        self._tolerances = tolerances or Tolerances()
        self._users_of = users_of_schemas(observed.groups)
        self._edits = Edits(observed.name or None, compiled, authority)
        self._differences: dict[tuple[object, ...], Difference] = {}
        self._column_work: dict[tuple[object, ...], ColumnWork] = {}
        self._beside: dict[tuple[int, int, str], Mapping[str, Privileges]] = {}
        self._columns_of: dict[int, list[ObservedColumn]] = {}
        for column in observed.columns:
            self._columns_of.setdefault(column.relation_oid, []).append(column)
        self._schemas_in_use: dict[str, set[int]] = {}
        self._sequences_in_use: dict[int, set[int]] = {}
        self.matches: dict[ResourceKey, int] = {}

    def plan(self) -> list[PrivilegeChange]:
        """Relations first: they say which schemas and sequences come with them."""
        with_columns: list[ObjectGroup] = []
        others: list[ObjectGroup] = []
        containers: list[ObjectGroup] = []
        for group, change in apart(self._observed.groups, self._gathering):
            if group.schema is not None and self._is_out_of_reach(group.schema):
                continue
            if change is not None:
                self._cut.append(group)
                self._next_owners[id(group)] = change.owner
            if group.kind is COLUMNS.part_of:
                with_columns.append(group)
            elif KINDS[group.kind].is_container:
                containers.append(group)
            else:
                others.append(group)
        for group in with_columns:
            self._relations(group)
        self._columns_alone()
        for group in others:
            self._others(group)
        for group in containers:
            self._schemas(group)
        return self._edits.changes()

    def _relations(self, group: ObjectGroup) -> None:
        for signature, by_column, positions in self._parts(group):
            difference = self._compare(group, signature)
            plain: Positions = positions
            if by_column or self._columns_of:
                plain = self._with_columns(group, signature, by_column, positions, difference)
            self._edit(group, difference, plain, signature)
            if signature:
                self._count(signature, len(positions))
                self._imply(group.schema, (group.oids[p] for p in positions), signature)

    def _parts(self, group: ObjectGroup) -> Iterable[tuple[Signature, Signature, Positions]]:
        """Positions by the declarations on the relation and those on its columns."""
        everything = range(len(group.names))
        tables = self._rules(group, group.kind).partition(group.names)
        if not self._compiled.has_columns:
            for signature, positions in tables:
                yield signature, (), everything if positions is None else positions
            return
        rules = self._rules(group, COLUMNS.kind)
        for signature, positions in tables:
            here = everything if positions is None else positions
            for by_column, found in rules.partition([group.names[p] for p in here]):
                yield signature, by_column, here if found is None else [here[f] for f in found]

    def _with_columns(
        self,
        group: ObjectGroup,
        signature: Signature,
        by_column: Signature,
        positions: Positions,
        difference: Difference,
    ) -> Positions:
        """Plan the relations whose columns matter; the positions of the others come back."""
        declared = sorted({c for i in by_column for c in self._compiled.grants[i].columns})
        present = self._observed.columns_present
        plain: list[int] = []
        alike: dict[ColumnWork, list[int]] = {}
        for position in positions:
            oid = group.oids[position]
            named = [c for c in declared if oid in present.get(c, ())]
            observed = self._columns_of.pop(oid, ())
            if not named and not observed:
                plain.append(position)
                continue
            work = self._work(group, named, observed, by_column, difference)
            alike.setdefault(work, []).append(position)
        for work, found in alike.items():
            self._edit_with_columns(group, difference, work, found, signature)
        return plain

    def _work(
        self,
        group: ObjectGroup,
        named: Iterable[str],
        observed: Sequence[ObservedColumn],
        by_column: Signature,
        difference: Difference,
    ) -> ColumnWork:
        columns = column_set(observed, named)
        acls = tuple((c.name, id(c.acl)) for c in columns.values())
        users = self._users(group.schema)
        public = of_public(self._public, group, COLUMNS.kind, self._trusted)
        key = (
            *(acls, by_column, group.kind, group.owner, id(group.acl), id(difference), users),
            *(public, self._next_owner(group)),
        )
        if key not in self._column_work:
            beside = self._options_beside(group, difference)
            scope = replace(self._scope(group, NO_NEEDS, public), beside=beside)
            found = plan_columns(columns.values(), by_column, difference, self._compiled, scope)
            self._column_work[key] = found
        return self._column_work[key]

    def _options_beside(
        self, group: ObjectGroup, difference: Difference
    ) -> Mapping[str, Privileges] | None:
        """The options on the relation, which count for its columns; None where it was not read."""
        if group.kind is COLUMNS.kind and self._observed.is_partial:
            return None
        key = (id(group.acl), id(difference), group.owner)
        if key not in self._beside:
            self._beside[key] = options_after(group.acl, difference, group.owner)
        return self._beside[key]

    def _edit_with_columns(
        self,
        group: ObjectGroup,
        difference: Difference,
        work: ColumnWork,
        positions: Positions,
        signature: Signature,
    ) -> None:
        if difference or work.given or work.taken or work.again:
            refs = refs_of(group, positions)
            self._edit_columns(work, refs)
            taken = with_cascade(difference.taken, work)
            if work.again:
                self._edits.take_and_give_again(group.kind, taken, work.again, refs, work.matched)
                taken = ()
            self._edit_refs(group.kind, Difference(difference.given, taken), refs, signature)
        if work.matched:
            self._count(work.matched, len(positions), besides=signature)
            self._imply(group.schema, (group.oids[p] for p in positions), work.matched)

    def _edit_columns(self, work: ColumnWork, refs: Sequence[ObjectRef]) -> None:
        kind = COLUMNS.kind
        for columns, given in work.given:
            self._edits.give(kind, given, refs, work.matched, columns=columns)
        for columns, taken in work.taken:
            self._edits.take(kind, taken, refs, columns)

    def _columns_alone(self) -> None:
        """Columns whose relation is not in this reading: a partial one, or of a system schema."""
        for oid, observed in self._columns_of.items():
            first = observed[0]
            if self._is_out_of_reach(first.schema):
                continue
            group = ObjectGroup(
                kind=COLUMNS.kind,
                schema=first.schema,
                owner=first.owner,
                acl=(),
                names=(first.relation,),
                oids=(oid,),
                relation_kind=first.relation_kind,
                is_extension_member=first.is_extension_member,
            )
            by_column = self._rules(group, COLUMNS.kind).signature(first.relation)
            work = self._work(group, (), observed, by_column, SAME)
            self._edit_with_columns(group, SAME, work, (0,), ())

    def _others(self, group: ObjectGroup) -> None:
        """Sequences, and every kind that has a name in a schema and nothing else to it."""
        tolerated = NO_NEEDS
        if self._observed.is_partial and group.kind in DRAWN_ON:
            tolerated = self._compiled.needs(
                (), self._compiled.might_imply_sequence(group.schema or "")
            )
        for signature, found in self._rules(group, group.kind).partition(keys_of(group)):
            positions = range(len(group.names)) if found is None else found
            self._count(signature, len(positions))
            if signature:
                self._imply(group.schema, (), signature)
            for implied, here in self._by_implied(group, positions).items():
                difference = self._compare(group, signature, implied, tolerated)
                self._edit(group, difference, here, signature, implied)

    def _by_implied(self, group: ObjectGroup, positions: Positions) -> dict[Signature, Positions]:
        if group.kind not in DRAWN_ON or not self._sequences_in_use:
            return {(): positions}
        found: dict[Signature, list[int]] = {}
        for position in positions:
            found.setdefault(self._implied_on(group, position), []).append(position)
        return dict(found)

    def _implied_on(self, group: ObjectGroup, position: int) -> Signature:
        using = self._sequences_in_use.get(group.oids[position])
        if not using or is_system(group.schema or ""):
            return ()
        grants = self._compiled.grants
        return tuple(
            i
            for i in sorted(using)
            if (grants[i].extensions or not group.is_extension_member)
            and self._compiled.implies_in(i, group.schema or "")
        )

    def _schemas(self, group: ObjectGroup) -> None:
        rules = self._rules(group, group.kind)
        for position, name in enumerate(group.names):
            if self._is_out_of_reach(name):
                continue
            signature = () if is_system(name) else rules.signature(name)
            implied = tuple(sorted(self._schemas_in_use.get(name, ())))
            tolerated = NO_NEEDS
            if self._observed.is_partial and not is_system(name):
                tolerated = self._compiled.needs((), self._compiled.might_imply_schema(name))
            self._count(signature, 1)
            here, at = self._handed_over(group, name, self._compiled.needs(signature, implied))
            difference = self._compare(here, signature, implied, tolerated)
            at = position if at is None else at
            self._edit(here, difference, (at,), signature, implied)

    def _handed_over(
        self, group: ObjectGroup, name: str, needs: Needs
    ) -> tuple[ObjectGroup, int | None]:
        """The schema as it will be, alone, where it gets another owner; else its group."""
        change = self._moving.get((group.kind, name))
        if change is None:
            return group, None
        need = needs.get(change.former)
        kept = need.privileges if need is not None else frozenset()
        self.kept[group.kind, name] = kept
        self._handed.append(handed(group, change, kept))  # differences go by its id
        return self._handed[-1], 0

    def _imply(self, schema: str | None, oids: Iterable[int], signature: Signature) -> None:
        """Remember what a match brings with it (rule 15)."""
        if schema is not None:
            in_use = self._schemas_in_use.setdefault(schema, set())
            in_use.update(self._compiled.implying(signature))
        sequences = self._observed.default_sequences
        inserting = self._compiled.inserting(signature) if sequences else ()
        if inserting:
            for sequence in (s for oid in oids for s in sequences.get(oid, ())):
                self._sequences_in_use.setdefault(sequence, set()).update(inserting)

    def _count(self, signature: Signature, objects: int, besides: Signature = ()) -> None:
        counted = self._compiled.permissions(besides) if besides else ()
        for permission in self._compiled.permissions(signature):
            if permission not in counted:
                self.matches[permission] = self.matches.get(permission, 0) + objects

    def _compare(
        self,
        group: ObjectGroup,
        signature: Signature,
        implied: Signature = (),
        tolerated: Needs = NO_NEEDS,
    ) -> Difference:
        users = self._users(group.schema)
        tolerated = self._tolerances.beside(tolerated, group)
        public = of_public(self._public, group, group.kind, self._trusted)
        as_owner = owner_of_code(group)
        key = (
            *(id(group.acl), group.owner, signature, implied, id(tolerated), users, public),
            *(as_owner, self._next_owner(group)),
        )
        known = self._differences.get(key)
        if known is None:
            needs = self._compiled.needs(signature, implied, owner=as_owner)
            known = compare(group.acl, needs, self._scope(group, tolerated, public))
            self._differences[key] = known
        return known

    def _scope(self, group: ObjectGroup, tolerated: Needs, public: OfPublic) -> Scope:
        managed = self._managed
        if next_owner := self._next_owner(group):
            managed -= {next_owner}  # what it has there becomes the owner's own
        return self._authority.scope_on(
            group.owner, managed, tolerated, self._users(group.schema), of_public=public
        )

    def _next_owner(self, group: ObjectGroup) -> str:
        """Whose the objects will be; empty where they stay whose they are."""
        return self._next_owners.get(id(group), "")

    def _users(self, schema: str | None) -> Users | None:
        """Who may use it, where it has been read: whoever may not takes nothing back in it."""
        return None if schema is None else self._users_of.get(schema)

    def _edit(
        self,
        group: ObjectGroup,
        difference: Difference,
        positions: Positions,
        signature: Signature,
        implied: Signature = (),
    ) -> None:
        if difference and positions:
            refs = refs_of(group, positions)
            self._edit_refs(group.kind, difference, refs, signature, implied)

    def _edit_refs(
        self,
        kind: ObjectKind,
        difference: Difference,
        refs: Sequence[ObjectRef],
        signature: Signature,
        implied: Signature = (),
    ) -> None:
        for given in difference.given:
            self._edits.give(kind, given, refs, signature, implied=implied)
        for taken in difference.taken:
            self._edits.take(kind, taken, refs)

    def _rules(self, group: ObjectGroup, kind: ObjectKind) -> NameRules:
        if group.is_out_of_reach:
            return REACHED_BY_NOTHING
        return self._compiled.rules(kind, group.schema, is_extension=group.is_extension_member)

    def _is_out_of_reach(self, schema: str) -> bool:
        return is_temporary(schema) or self._compiled.is_ignored(schema)

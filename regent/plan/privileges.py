"""Privileges on everything: the served databases themselves, and what stands in each of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from regent.changes import KeptOpen, ObjectRef, PrivilegeChange
from regent.desired import Desired
from regent.kinds import KINDS
from regent.observed import ObjectGroup, Observed, ObservedDatabase, ObservedServer
from regent.plan.acls import compare
from regent.plan.authority import Authority
from regent.plan.defaults import Tolerances
from regent.plan.edits import Edits
from regent.plan.gathered import NOTHING_GATHERED, Gathering, KeptOn, as_gathered, kept_on
from regent.plan.local import NO_NEEDS, LocalPlanner
from regent.plan.matching import Compilations, CompiledGrants
from regent.plan.owners import Kept, Moving, handed
from regent.plan.public import closing, kept_open, of_public, shut_out
from shared.keys import ResourceKey
from shared.privileges import ObjectKind


@dataclass(frozen=True, slots=True)
class Privileges:
    """Changes, and how many objects each Permission matches."""

    changes: list[PrivilegeChange]
    matches: dict[ResourceKey, int]
    kept: Kept = field(default_factory=dict)
    """Of what gets another owner, what its former one has by a declaration."""
    kept_open: tuple[KeptOpen, ...] = ()
    """The database itself, where PUBLIC keeps CONNECT for now."""


def plan_database(
    desired: Desired,
    observed: Observed,
    authority: Authority,
    compilations: Compilations,
    database: str,
    moving: Moving,
    in_need: frozenset[str],
    gathering: Gathering = NOTHING_GATHERED,
) -> Privileges:
    """Everything about one served database, as far as it was read."""
    compiled = compilations.of(desired.grants[database], authority.declared, desired.ignore_schemas)
    itself = _on_the_database(database, observed.server, compiled, authority, moving, in_need)
    changes, matches, kept = itself.changes, itself.matches, {**itself.kept}
    reading = observed.databases.get(database)
    if reading is not None:
        managed = authority.managed - _owners_of_views(desired, reading)
        tolerances = Tolerances.of(desired, database, authority)
        local = LocalPlanner(reading, compiled, authority, managed, tolerances, moving, gathering)
        changes += local.plan()
        matches |= local.matches
        kept |= local.kept
    return Privileges(changes, matches, kept, itself.kept_open)


def kept_as_gathered(
    desired: Desired,
    observed: Observed,
    authority: Authority,
    compilations: Compilations,
    database: str,
    gathering: Gathering,
) -> KeptOn:
    """What the former owners are to have on what goes to the owners of its schemas."""
    reading = observed.databases.get(database)
    if reading is None or not gathering:
        return {}
    compiled = compilations.of(desired.grants[database], authority.declared, desired.ignore_schemas)
    gone = as_gathered(reading, gathering)
    return kept_on(LocalPlanner(gone, compiled, authority, authority.declared).plan(), gathering)


def plan_local(
    desired: Desired,
    observed: Observed,
    database: str,
    authority: Authority,
    compilations: Compilations,
) -> list[PrivilegeChange]:
    """Only what stands in the reading, for roles that exist and have not come to their end.

    A role still to be made, renamed or taken apart is the business of a full pass.
    """
    existing = authority.declared.intersection(observed.server.roles)
    compiled = compilations.of(desired.grants[database], existing, desired.ignore_schemas)
    tolerances = Tolerances.of(desired, database, authority)
    reading = observed.databases[database]
    return LocalPlanner(reading, compiled, authority, existing, tolerances).plan()


def _on_the_database(
    database: str,
    server: ObservedServer,
    compiled: CompiledGrants,
    authority: Authority,
    moving: Moving,
    in_need: frozenset[str],
) -> Privileges:
    edits = Edits(database, compiled, authority)
    kept: dict[tuple[ObjectKind, str], frozenset[str]] = {}
    for group in (group for group in server.databases if database in group.names):
        kind = group.kind
        signature = tuple(i for i, g in enumerate(compiled.grants) if g.kind is kind)
        needs = compiled.needs(signature)
        if (change := moving.get((kind, database))) is not None:
            need = needs.get(change.former)
            kept[kind, database] = need.privileges if need is not None else frozenset()
            group = handed(group, change, kept[kind, database])  # noqa: PLW2901 - as it will be
        position = group.names.index(database)
        refs = (ObjectRef(group.oids[position], None, database, "", group.owner),)
        public = of_public(authority.public_in(database), group, kind, authority.trusted)
        scope = authority.scope_on(group.owner, authority.managed, NO_NEEDS, of_public=public)
        stays: tuple[KeptOpen, ...] = ()
        if closing(group.acl, needs, scope):
            shut = shut_out(
                database,
                group.acl,
                needs,
                scope,
                server,
                is_ours=authority.managed.__contains__,
                rights_of=authority.inherited.by,
            )
            stays = _stays_open(database, shut, in_need)
        difference = compare(group.acl, needs, kept_open(scope) if stays else scope)
        for given in difference.given:
            edits.give(kind, given, refs, signature)
        for taken in difference.taken:
            edits.take(kind, taken, refs)
        matches = dict.fromkeys(compiled.permissions(signature), 1)
        return Privileges(edits.changes(), matches, kept, stays)
    return Privileges([], {}, kept)


def _stays_open(
    database: str, shut: tuple[str, ...], in_need: frozenset[str]
) -> tuple[KeptOpen, ...]:
    if not shut and not in_need:
        return ()
    others = tuple(role for role in shut if role not in in_need)
    return (KeptOpen(database, others, tuple(sorted(in_need))),)


def _owners_of_views(desired: Desired, reading: ObservedDatabase) -> frozenset[str]:
    """Roles at their end that own views here: what everybody sees in those views needs what they
    hold, until ownership has moved (rule 27).
    """
    ending = {e.name for e in desired.endings if not e.retain}
    return frozenset(
        group.owner for group in reading.groups if group.owner in ending and _runs_as_owner(group)
    )


def _runs_as_owner(group: ObjectGroup) -> bool:
    form = KINDS[group.kind].forms.get(group.relation_kind)
    return form is not None and form.runs_as_owner

"""Which resources declare the links of a chain. Pure."""

from __future__ import annotations

from regent.desired import DeclaredGrant, Desired
from regent.kinds import COLUMNS, CONTAINERS, DRAWN_ON, KINDS, Scope
from regent.observed import ObservedMembership
from regent.plan.matching import CompiledGrants
from regent.why.chains import Source
from regent.why.target import Target
from shared.keys import ResourceKey
from shared.privileges import ObjectKind


def givers(
    desired: Desired, database: str, target: Target, source: Source, privilege: str
) -> tuple[ResourceKey, ...]:
    """The Permissions that give it to the principal of a source; empty where none does.

    What only comes with another privilege (rule 15) is given by no Permission of its own.
    """
    kind = COLUMNS.kind if source.is_on_column else target.kind
    if target.column and not source.is_on_column:
        kind = COLUMNS.part_of or kind
    is_shared = KINDS[kind].scope is Scope.SERVER
    places = desired.grants.values() if is_shared else (desired.grants.get(database, ()),)
    return tuple(
        sorted(
            {
                one.permission
                for grants in places
                for one in _reaching(grants, desired, target, kind)
                if source.principal in one.grantees and privilege in one.privileges
                if not source.is_on_column or target.column in one.columns
            }
        )
    )


def implied_by(
    desired: Desired, database: str, target: Target, source: Source, privilege: str
) -> tuple[ResourceKey, ...]:
    """The Permissions with which it may come: USAGE on a schema, or on a sequence (rule 15)."""
    if privilege != "USAGE" or source.is_on_column:
        return ()
    grants = tuple(
        one for one in desired.grants.get(database, ()) if source.principal in one.grantees
    )
    compiled = CompiledGrants(grants, desired.managed, desired.ignore_schemas)
    signature: tuple[int, ...] = ()
    if target.kind is CONTAINERS.kind:
        signature = compiled.might_imply_schema(target.key)
    elif target.kind in DRAWN_ON and target.schema is not None:
        signature = compiled.might_imply_sequence(target.schema)
    return tuple(sorted(compiled.permissions(signature)))


def declarers(desired: Desired, link: ObservedMembership) -> tuple[ResourceKey, ...]:
    """The resources that declare a membership."""
    return tuple(
        sorted(
            {
                key
                for one in desired.memberships
                if (one.group, one.member) == (link.group, link.member)
                for key in one.declared_by
            }
        )
    )


def _reaching(
    grants: tuple[DeclaredGrant, ...], desired: Desired, target: Target, kind: ObjectKind
) -> tuple[DeclaredGrant, ...]:
    own = tuple(one for one in grants if one.kind is kind)
    if KINDS[kind].scope is Scope.DATABASE:
        return own
    compiled = CompiledGrants(own, desired.managed, desired.ignore_schemas)
    rules = compiled.rules(kind, target.schema, is_extension=target.is_extension_member)
    return tuple(own[index] for index in rules.signature(target.key))

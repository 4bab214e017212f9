"""Permissions become declared grants: one per Permission, with everyone it is given to."""

from __future__ import annotations

from collections.abc import Mapping, Set

from regent.accept.merge import references
from regent.desired import DeclaredGrant
from regent.kinds import KINDS, Naming, Row
from regent.resolve.allowed import parameter_trouble, permission_trouble, schemas_of
from regent.resolve.context import Context
from regent.resolve.powers import OwnersOfPower
from regent.resolve.public import public_rights, with_public
from shared.keys import ResourceKey
from shared.listing import first_of
from shared.patterns import is_literal
from shared.privileges import ALL, CONNECT, ObjectKind, PublicRight, expand, unknown_to
from shared.resources import PermissionSpec
from shared.state import PermissionEntry

MOST_NAMED = 3


def declared_grants(
    context: Context, speakers: tuple[ResourceKey, ...] = ()
) -> Mapping[str, tuple[DeclaredGrant, ...]]:
    """For every served database, what its Permissions give and to whom.

    `speakers` are the Roles that speak for PUBLIC.
    """
    grantees, spoken = _grantees(context), _spoken(context, speakers)
    public = _open_to_public(context)
    by_database: dict[str, list[DeclaredGrant]] = {name: [] for name in context.situation.served}
    _note_ungiven(context, context.listed.available.keys() - grantees.keys() - spoken.keys())
    powers = OwnersOfPower(context)
    for key, entry in context.listed.available.items():
        grant = _grant(context, key, entry, tuple(grantees.get(key, ())), powers)
        if grant is None:
            continue
        by_database[entry.spec.database] += with_public(context, grant, spoken.get(key, ()))
        if CONNECT in grant.privileges and entry.spec.database in public:
            said = f"It restricts nobody: PUBLIC may connect to {entry.spec.database!r} too."
            context.findings.note(key, said)
    for key, role in context.listed.entries.items():
        if role.spec.database is not None:
            is_served(context, key, role.spec.database)
    return {name: tuple(grants) for name, grants in by_database.items()}


def _grantees(context: Context) -> Mapping[ResourceKey, Mapping[str, None]]:
    """The PostgreSQL names that list each Permission, once each and in a stable order."""
    grantees: dict[ResourceKey, dict[str, None]] = {}
    for key, claim in sorted(context.granted.items()):
        for permission in context.listed.permissions.get(key, ()):
            grantees.setdefault(permission, {})[claim.name] = None
    return grantees


def _spoken(
    context: Context, speakers: tuple[ResourceKey, ...]
) -> Mapping[ResourceKey, list[ResourceKey]]:
    """By Permission, the Roles by which PUBLIC has it."""
    spoken: dict[ResourceKey, list[ResourceKey]] = {}
    for role in speakers:
        for permission in context.listed.permissions.get(role, ()):
            spoken.setdefault(permission, []).append(role)
    return spoken


def _grant(
    context: Context,
    key: ResourceKey,
    entry: PermissionEntry,
    grantees: tuple[str, ...],
    powers: OwnersOfPower,
) -> DeclaredGrant | None:
    spec = entry.spec
    if not is_served(context, key, spec.database):
        return None
    refusal = permission_trouble(context.situation, key.namespace, entry)
    if refusal:
        context.findings.trouble(
            key, "NotAllowed", f"{refusal} of the Regent. Add it there, or take it out here."
        )
        return None
    row = KINDS[spec.object_kind]
    if context.situation.server.major < row.since:
        context.findings.trouble(
            key,
            "Unsupported",
            f"spec.{row.listed_in}: privileges on {row.many} exist from PostgreSQL {row.since} on,"
            f" and this server has {context.situation.server.major}: nothing is given.",
        )
        return None
    privileges = _privileges(context, key, spec.actions, row.kind)
    names = spec.object_names
    if row.naming is Naming.PARAMETER:
        names = tuple(name.lower() for name in names)
        if refusal := parameter_trouble(context.situation, key.namespace, names, privileges):
            context.findings.trouble(key, "NotAllowed", refusal)
            return None
    return DeclaredGrant(
        permission=key,
        kind=row.kind,
        grantees=grantees,
        privileges=privileges,
        schemas=tuple(spec.schemas),
        names=names,
        columns=tuple(spec.columns),
        grantable=bool(spec.with_grant_option),
        implied=spec.implied is not False,
        extensions=bool(spec.extensions),
        implied_in=schemas_of(context.situation, key.namespace),
        owners_code=powers.bound(key.namespace, privileges, _by_name(row, spec)),
    )


def _by_name(row: Row, spec: PermissionSpec) -> tuple[str, ...]:
    """The actions that mean code as an owner: EXECUTE does so of routines that are named alone."""
    is_meant = not row.as_owner_in or all(map(is_literal, spec.object_names))
    return spec.actions if is_meant else ()


def _note_ungiven(context: Context, permissions: Set[ResourceKey]) -> None:
    """That nobody gets them; that nobody lists them only where that is known to be so."""
    if not permissions:
        return
    state = context.situation.accepted.state
    listers: dict[ResourceKey, list[str]] = {}
    for text, entry in sorted(state.resources.items()):
        for reference in references(ResourceKey.parse(text), entry):
            listers.setdefault(reference, []).append(text)
    is_all_known = state.held.keys() <= state.resources.keys()
    for key in permissions:
        if found := listers.get(key):
            status = "its own status says" if len(found) == 1 else "their own statuses say"
            verb = "lists" if len(found) == 1 else "list"
            said = f"{first_of(found, MOST_NAMED)} {verb} it, and {status} why"
            context.findings.note(key, f"Nobody gets it yet: {said}.")
        elif is_all_known:
            context.findings.note(key, "No Role or User lists it.")


def _privileges(
    context: Context, key: ResourceKey, actions: tuple[str, ...], kind: ObjectKind
) -> frozenset[str]:
    major = context.situation.server.major
    unknown = unknown_to(major, kind) & frozenset(actions)
    if unknown:
        context.findings.trouble(
            key,
            "Unsupported",
            f"spec.actions: PostgreSQL {major} has no {', '.join(sorted(unknown))};"
            " the other actions hold.",
        )
    privileges = expand(actions, kind, major)
    if ALL in actions:
        context.findings.note(key, f"ALL means {', '.join(sorted(privileges))} here.")
    return privileges


def is_served(context: Context, key: ResourceKey, database: str) -> bool:
    """Whether this Regent serves it; the resource is told where not."""
    served = context.situation.served
    if database in served:
        return True
    context.findings.trouble(
        key,
        "NoRegent",
        f"spec.database: no Regent of this namespace serves {database!r};"
        f" this one serves {', '.join(served)}.",
    )
    return False


def _open_to_public(context: Context) -> frozenset[str]:
    """The databases where CONNECT restricts nobody, as PUBLIC has it and keeps it (rule 11)."""
    if PublicRight.CONNECT in public_rights(context.situation.accepted.state.regent.spec):
        return frozenset()
    return frozenset(
        name
        for group in context.situation.server.databases
        if any(item.grantee is None and CONNECT in item.privileges for item in group.acl)
        for name in group.names
    )

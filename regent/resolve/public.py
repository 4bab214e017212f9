"""What PUBLIC, everybody, shall hold: who may speak for it, and of which rights. Pure (rule 11).

It is nobody's role: what it has every role of the server has, whoever declares that. So only Roles
in the Regent's own namespace speak for it, and only of rights that the Regent says are declared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from regent.desired import DeclaredGrant
from regent.kinds import KINDS, Row
from regent.resolve.claims import is_public
from regent.resolve.context import Context
from shared.keys import ResourceKey
from shared.privileges import PublicRight
from shared.resources import PublicPrivileges, RegentSpec


def public_rights(spec: RegentSpec) -> frozenset[PublicRight]:
    """The rights of PUBLIC that are declared; the others are left as they are."""
    return (spec.public_privileges or PublicPrivileges()).declared


def public_roles(context: Context) -> tuple[ResourceKey, ...]:
    """The Roles that speak for PUBLIC; those that may not are told why."""
    own = context.situation.accepted.state.regent.namespace
    found = []
    for key, entry in sorted(context.listed.entries.items()):
        if not is_public(entry):
            continue
        if key.namespace == own:
            found.append(key)
            continue
        context.findings.trouble(
            key,
            "NotAllowed",
            "spec.public: PUBLIC is everybody, in every namespace, so only Roles of the Regent's"
            f" own namespace, {own!r}, speak for it. Declare it there, or take public out here.",
        )
    return tuple(found)


def with_public(
    context: Context, grant: DeclaredGrant, roles: Collection[ResourceKey]
) -> Iterator[DeclaredGrant]:
    """The grant, and what PUBLIC has of it as these Roles list its Permission.

    That is a grant of its own where PUBLIC gets less than others, or without the grant option.
    """
    if not roles:
        yield grant
        return
    row, name = KINDS[grant.kind], grant.permission.name
    field = f"spec.permissions: {name!r}"
    given = grant.privileges
    for role in roles:
        given = given_to_public(context, role, field, grant.privileges, row)
        if grant.grantable and given:
            context.findings.trouble(
                role,
                "Unsupported",
                f"{field} says withGrantOption, which PostgreSQL does not give to PUBLIC: it has"
                " the privileges without. List a Permission without withGrantOption.",
            )
    if given == grant.privileges and not grant.grantable:
        yield replace(grant, grantees=(*grant.grantees, None))
        return
    yield grant
    if given:
        yield replace(grant, grantees=(None,), privileges=given, grantable=False)


def given_to_public(
    context: Context, role: ResourceKey, field: str, privileges: frozenset[str], row: Row
) -> frozenset[str]:
    """Those whose right is declared; of the others the Role is told, and PUBLIC stays as it is."""
    rights = public_rights(context.situation.spec)
    given = privileges & row.privileges_of(rights)
    if left := sorted(privileges - given):
        context.findings.trouble(role, "NotAllowed", f"{field}: {_left(left, row)}")
    return given


def _left(privileges: list[str], row: Row) -> str:
    listed = ", ".join(privileges)
    rights = {row.public_right(privilege) for privilege in privileges} - {None}
    if not rights:
        return (
            f"{listed} on {row.many}, which the whole server shares, is not managed for PUBLIC."
            " Take it out."
        )
    fields = " and ".join(sorted(f"spec.publicPrivileges.{right}" for right in rights))
    verb = "does" if len(rights) == 1 else "do"
    return (
        f"{listed} on {row.many} is left as PUBLIC has it, because {fields} of the Regent {verb}"
        " not say Declared. Say so there, or take it out here."
    )

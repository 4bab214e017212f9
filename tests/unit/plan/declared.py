"""Short ways to declare things in the tests of plans."""

from __future__ import annotations

from regent.desired import DeclaredGrant, Desired, DesiredMembership, DesiredRole, Ending
from shared.keys import ResourceKey
from shared.privileges import ObjectKind


def key(name: str, kind: str = "Role") -> ResourceKey:
    return ResourceKey.parse(f"{kind}/default/{name}")


def role(name: str, *, renamed_from: str | None = None) -> DesiredRole:
    return DesiredRole(name, key(name), (key(name),), renamed_from=renamed_from)


def grant(
    kind: ObjectKind,
    privileges: str,
    *grantees: str,
    schemas: tuple[str, ...] = ("*",),
    names: tuple[str, ...] = ("*",),
    columns: tuple[str, ...] = (),
    permission: str = "p",
    grantable: bool = False,
    implied: bool = False,
    extensions: bool = False,
) -> DeclaredGrant:
    return DeclaredGrant(
        permission=key(permission, "Permission"),
        kind=kind,
        grantees=grantees,
        privileges=frozenset(privileges.split()),
        schemas=schemas,
        names=names,
        columns=columns,
        grantable=grantable,
        implied=implied,
        extensions=extensions,
    )


def desired(
    *grants: DeclaredGrant,
    roles: tuple[str, ...] = ("reader", "writer"),
    memberships: tuple[DesiredMembership, ...] = (),
    endings: tuple[Ending, ...] = (),
    ignore_roles: tuple[str, ...] = (),
    ignore_schemas: tuple[str, ...] = (),
    foreign: frozenset[str] = frozenset(),
) -> Desired:
    return Desired(
        roles={name: role(name) for name in roles},
        memberships=memberships,
        grants={"mydb": grants},
        endings=endings,
        ignore_roles=ignore_roles,
        ignore_schemas=ignore_schemas,
        foreign=foreign,
    )

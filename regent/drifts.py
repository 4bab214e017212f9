"""A change that was planned while the desired state stood still is a drift: what, where, whose.

Pure (semantics 30). Who did it and when is regent/attribution.py's to say.
"""

from __future__ import annotations

from dataclasses import dataclass

from regent.changes import (
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    CreateRole,
    EndSessions,
    GrantMembership,
    GrantPrivileges,
    RenameRole,
    RevokeMembership,
    RevokePrivileges,
    SetPassword,
)
from regent.describe import describe
from shared.privileges import ObjectKind


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: in words, on which objects (by oid, of which database), of which role.

    `is_shared`: it stands in a catalog that all databases share, of which nothing is recorded.
    """

    what: str
    object: str
    role: str | None
    database: str | None
    oids: tuple[int, ...]
    resources: tuple[str, ...]
    change: Change
    is_shared: bool = True


def differences(changes: tuple[Change, ...]) -> tuple[Difference, ...]:
    """One entry a change, less what only follows from another one."""
    created = {c.role for c in changes if isinstance(c, CreateRole)}
    return tuple(_difference(change) for change in changes if not _only_follows(change, created))


def kind_of(change: Change) -> str:
    """What a difference is about, for a metric: few words, never names."""
    if isinstance(change, GrantPrivileges | RevokePrivileges):
        return change.kind.value.title()
    if isinstance(change, GrantMembership | RevokeMembership):
        return "Membership"
    if isinstance(change, AlterSetting):
        return "Setting"
    if isinstance(change, SetPassword | ClearPassword):
        return "Password"
    return "Role"


def _only_follows(change: Change, created: set[str]) -> bool:
    """A role that was dropped is one drift, not five; sessions end because LOGIN did."""
    if isinstance(change, EndSessions):
        return True
    role = _role(change)
    return role in created and not isinstance(change, CreateRole)


def _difference(change: Change) -> Difference:
    local = change if isinstance(change, GrantPrivileges | RevokePrivileges) else None
    return Difference(
        what=describe(change),
        object=_object(change),
        role=_role(change),
        database=local.database if local else None,
        oids=tuple(one.oid for one in local.objects) if local else (),
        resources=tuple(str(key) for key in change.causes),
        change=change,
        is_shared=local is None or local.kind is ObjectKind.DATABASE,
    )


def _object(change: Change) -> str:
    if isinstance(change, GrantPrivileges | RevokePrivileges):
        first = change.objects[0]
        name = f"{first.schema}.{first.name}" if first.schema else first.name
        more = len(change.objects) - 1
        return f"{name} and {more} more" if more else name
    if isinstance(change, GrantMembership | RevokeMembership):
        return change.group
    return _role(change) or ""


def _role(change: Change) -> str | None:
    match change:
        case GrantPrivileges(grantees=grantees) | RevokePrivileges(grantees=grantees):
            return grantees[0] if len(grantees) == 1 else None
        case GrantMembership(member=member) | RevokeMembership(member=member):
            return member
        case RenameRole(new_name=name):
            return name
        case AlterRole(role=role) | AlterSetting(role=role):
            return role
        case _:
            return change.role

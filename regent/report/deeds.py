"""A drift as the act of whoever did it, and what was done about it. Pure.

A change says what *we* do. What somebody did is its opposite, and only as far as the catalog shows
it: a missing privilege was revoked, or its object was created without it.
"""

from __future__ import annotations

from dataclasses import fields
from typing import assert_never

from regent.changes import (
    AdoptRole,
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    CreateOwned,
    CreateRole,
    DisableRole,
    EnableRole,
    GatherObjects,
    GrantDefaults,
    GrantMembership,
    GrantPrivileges,
    HandOver,
    OfEnd,
    RenameRole,
    RevokeDefaults,
    RevokeMembership,
    RevokePrivileges,
    SetOwner,
    SetPassword,
)
from regent.desired import Attributes
from regent.kinds import KINDS
from regent.plan.describe import alterations, describe, edge, grantee, grantees, objects
from shared.printable import printable

SWITCHES = ("login", *(one.name for one in fields(Attributes)))
CREATING = ("CREATE ", "SELECT INTO", "IMPORT ")
"""How the tag of a command begins that makes an object."""


def deed_of(change: Change, command_tag: str | None = None) -> str:
    """What somebody did; empty where the catalog does not say. `command_tag` is of the command."""
    return printable(_deed(change, command_tag or ""))


def correction_of(change: Change, command_tag: str | None = None) -> str:
    """What this change does about it, as one says of what is done: `revoked`, `created again`."""
    return printable(_correction(change, command_tag or ""))


def _is_creation(command_tag: str) -> bool:
    return command_tag.startswith(CREATING)


def _deed(  # noqa: PLR0912 - one case per kind of change
    change: Change, command_tag: str
) -> str:
    match change:
        case GrantPrivileges():
            return _missing(change, command_tag)
        case RevokePrivileges(grant_option_only=True):
            return f"the grant option for {edge(change)} was given to {grantees(change)}"
        case RevokePrivileges():
            return f"{edge(change)} was granted to {grantees(change)}"
        case GrantMembership(group=group, member=member):
            return f"the membership of {member} in {group} was taken away or changed"
        case RevokeMembership(group=group, member=member, admin_only=True):
            return f"ADMIN over {group} was given to {member}"
        case RevokeMembership(group=group, member=member):
            return f"{member} was made a member of {group}"
        case GrantDefaults(object=those, role=role):
            listed = ", ".join(sorted(change.privileges))
            return f"{listed} on {those} was taken from {grantee(role)}, or never given"
        case RevokeDefaults(object=those, role=role):
            option = "the grant option for " if change.grant_option_only else ""
            listed = option + ", ".join(sorted(change.privileges))
            return f"{listed} on {those} was given to {grantee(role)} by default"
        case CreateRole(role=role):
            return f"role {role} was dropped"
        case RenameRole(is_done_by_hand=True):
            return f"role {change.marked_as} was renamed to {change.role}"
        case RenameRole(role=role, new_name=name):
            return f"role {name} was renamed to {role}"
        case AlterRole():
            return f"role {change.role} was altered: {', '.join(_undone(change))}"
        case DisableRole(role=role):
            return f"role {role} may log in, and nobody declares it"
        case SetPassword(role=role):
            return f"the password of {role} was changed"
        case ClearPassword(role=role):
            return f"a password was set for {role}"
        case AlterSetting(role=role, parameter=parameter, database=database, value=value):
            place = f" in {database}" if database is not None else ""
            was = "set" if value is None else "changed or reset"
            return f"{parameter} of {role}{place} was {was}"
        case AdoptRole(role=role):
            return f"role {role} was replaced by another one of its name"
        case CreateOwned():
            return f"{KINDS[change.kind].one} {change.place} was dropped or renamed"
        case SetOwner():
            return f"{KINDS[change.kind].one} {change.place} was given to {change.former}"
        case GatherObjects():
            return f"{objects(change)}: made by {change.former}, or given to it"
        case HandOver() | OfEnd():
            return ""
        case EnableRole():
            return ""
        case _:
            assert_never(change)


def _missing(change: GrantPrivileges, command_tag: str) -> str:
    if _is_creation(command_tag):
        were = "was" if len(change.objects) == 1 else "were"
        privileges = ", ".join(sorted(change.privileges))
        return f"{objects(change)} {were} created without {privileges} for {grantees(change)}"
    if command_tag == "REVOKE":
        return f"{edge(change)} was revoked from {grantees(change)}"
    return f"{edge(change)} was taken from {grantees(change)}, or never given"


def _undone(change: AlterRole) -> list[str]:
    """What it was set to instead of what it shall be."""
    found = [
        name.upper() if getattr(change, name) is False else f"NO{name.upper()}"
        for name in SWITCHES
        if getattr(change, name) is not None
    ]
    if change.connection_limit is not None:
        found.append("another connection limit")
    if change.valid_until is not None or change.forever:
        found.append("another end of its validity")
    return found


def _correction(change: Change, command_tag: str) -> str:  # noqa: PLR0912 - one case per kind
    match change:
        case GrantPrivileges():
            return "granted" if _is_creation(command_tag) else "granted again"
        case RevokePrivileges(cascade=True):
            return "revoked, with what hangs on it"
        case RevokePrivileges() | RevokeMembership(along=()):
            return "revoked"
        case RevokeMembership():
            return "revoked, with what hangs on it"
        case GrantMembership() | GrantDefaults():
            return "given again"
        case RevokeDefaults():
            return "taken away"
        case AlterSetting(value=value):
            return "reset" if value is None else f"set back to {value}"
        case CreateRole():
            return "created again"
        case RenameRole(is_done_by_hand=True):
            return describe(change)
        case RenameRole():
            return "renamed back"
        case AlterRole():
            return f"set back to {', '.join(alterations(change))}"
        case DisableRole():
            return "disabled"
        case EnableRole():
            return describe(change)
        case SetPassword():
            return "set back"
        case ClearPassword():
            return "cleared"
        case CreateOwned():
            return "created again"
        case SetOwner():
            return f"given back to {change.owner}"
        case GatherObjects():
            return f"given to {change.owner}"
        case AdoptRole() | HandOver() | OfEnd():
            return describe(change)
        case _:
            assert_never(change)

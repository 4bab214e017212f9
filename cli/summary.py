"""Many changes on one page: what is done to how many roles, with the first names. Pure.

What is given or altered is cut after the first names. What is taken away is never cut: equal
changes are one line with all names, and the rest is in `cli.losses_text`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import assert_never

from cli.show import Action, action, created_roles
from regent.changes import (
    AdoptRole,
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    CreateRole,
    DisableRole,
    DropRole,
    EnableRole,
    EndSessions,
    GrantDefaults,
    GrantMembership,
    GrantPrivileges,
    HandOnOwned,
    HandOver,
    OfDefaults,
    OfOwner,
    OfStranger,
    ReleaseRole,
    RenameRole,
    RevokeDefaults,
    RevokeMembership,
    RevokePrivileges,
    SetPassword,
)
from regent.kinds import KINDS
from regent.plan.describe import ALL, describe, grantee
from shared.outcomes import ACCESS_LATER, ACCESS_NOW, Outcome

MOST_NAMED = 3


def some(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    found = list(dict.fromkeys(names))
    if len(found) <= MOST_NAMED + 1:
        return ", ".join(found)
    return f"{', '.join(found[:MOST_NAMED])} and {len(found) - MOST_NAMED:,} more"


def summed_up(changes: Sequence[Change]) -> list[tuple[Action, str]]:
    """A line for each kind of change that is not taking away, in the order of the plan."""
    created = created_roles(changes)
    groups: dict[tuple[Action, str], list[Change]] = {}
    for change in changes:
        kind = action(change, created)
        if kind != "take away":
            groups.setdefault((kind, _alike(change)), []).append(change)
    return [(kind, _line(what, group)) for (kind, what), group in groups.items()]


_ALL_OF_THEM = "{all of them}"


def taken_together(changes: Iterable[Change]) -> list[str]:
    """A line for each group of changes that differ in the role alone, with all roles."""
    groups: dict[str, list[str]] = {}
    for change in changes:
        words = describe(_of_all(change), most=ALL)
        groups.setdefault(words, []).append(grantee(getattr(change, "role", "")))
    return [
        words.replace(_ALL_OF_THEM, ", ".join(dict.fromkeys(roles)))
        for words, roles in groups.items()
    ]


def _of_all(change: Change) -> Change:
    """The same of whoever it is, where one name more in its words says the same of two roles."""
    match change:
        case AlterRole() | AlterSetting() | EndSessions() | ClearPassword() | DropRole():
            return replace(change, role=_ALL_OF_THEM)
        case RevokeDefaults() | OfStranger():
            return replace(change, role=_ALL_OF_THEM)
        case CreateRole() | AdoptRole() | RenameRole() | HandOver() | SetPassword():
            return change
        case GrantMembership() | RevokeMembership() | GrantPrivileges() | RevokePrivileges():
            return change
        case HandOnOwned() | ReleaseRole() | GrantDefaults() | OfOwner():
            return change
        case _:
            assert_never(change)


def _alike(change: Change) -> str:  # noqa: PLR0912 - one case per kind of change
    """The words that changes of one line share; `{n}` stands for the number of roles."""
    match change:
        case CreateRole():
            return "create {roles}"
        case AdoptRole():
            return "adopt {roles}"
        case RenameRole(is_done_by_hand=True):
            return "note the new names of {roles}"
        case RenameRole():
            return "rename {roles}"
        case HandOver():
            return "hand {roles} over to another resource"
        case SetPassword():
            return "set the passwords of {roles}"
        case AlterRole():
            return f"alter {{roles}}: {describe(change).partition(': ')[2]}"
        case AlterSetting():
            verb = "reset" if change.value is None else "set"
            return f"{verb} {change.parameter} of {{roles}}"
        case GrantMembership():
            return f"make {{roles}} members of {change.group}"
        case GrantPrivileges():
            names = ", ".join(sorted(change.privileges))
            return f"grant {names} on {{objects}} in database {change.database} to {{roles}}"
        case EnableRole():
            return "give {roles} their LOGIN back"
        case DisableRole():
            return describe(change)
        case GrantDefaults():
            names = ", ".join(sorted(change.privileges))
            return f"grant {names} on {change.object} in database {change.database} to {{roles}}"
        case ClearPassword() | RevokeMembership() | RevokePrivileges() | EndSessions():
            return describe(change)
        case RevokeDefaults() | HandOnOwned() | DropRole() | ReleaseRole() | OfOwner():
            return describe(change)
        case _:
            assert_never(change)


def _line(what: str, group: Sequence[Change]) -> str:
    if len(group) == 1:
        return describe(group[0])
    roles = list(dict.fromkeys(name for change in group for name in _roles(change)))
    words = what.replace("{roles}", f"{len(roles):,} roles" if len(roles) > 1 else "1 role")
    return f"{words.replace('{objects}', _objects(group))}: {some(roles)}"


def _roles(change: Change) -> Sequence[str]:
    match change:
        case GrantMembership():
            return (change.member,)
        case GrantPrivileges():
            return [grantee(name) for name in change.grantees]
        case RevokePrivileges() | RevokeMembership():
            return change.about
        case CreateRole() | AdoptRole() | RenameRole() | HandOver() | AlterRole():
            return (change.role,)
        case SetPassword() | ClearPassword() | AlterSetting() | EndSessions():
            return (change.role,)
        case OfDefaults():
            return (grantee(change.role),)
        case HandOnOwned() | DropRole() | ReleaseRole() | OfStranger():
            return (change.role,)
        case OfOwner():
            return (change.owner,)
        case _:
            assert_never(change)


def _objects(group: Sequence[Change]) -> str:
    """`10,000 tables, 3 sequences`."""
    counted: Counter[str] = Counter()
    seen: set[tuple[str, int]] = set()
    for change in group:
        if isinstance(change, GrantPrivileges):
            for one in change.objects:
                if (place := (change.kind.value, one.oid)) not in seen:
                    seen.add(place)
                    row = KINDS[change.kind]
                    counted[f"columns of {{}} {row.one}" if row.part_of else f"{{}} {row.one}"] += 1
    return ", ".join(f"{word.format(f'{n:,}')}{'s' * (n > 1)}" for word, n in counted.items())


def outcomes_alike(outcomes: Iterable[Outcome]) -> list[tuple[Outcome, tuple[str, ...]]]:
    """The first of each kind and reason, with all resources of which the same is to be said."""
    groups: dict[tuple[str, str, str], list[Outcome]] = {}
    for one in sorted(outcomes, key=lambda one: one.resource):
        kind = one.resource.partition("/")[0]
        groups.setdefault((one.state, one.reason, kind), []).append(one)
    return [(group[0], tuple(one.resource for one in group)) for group in groups.values()]


def notes_alike(outcomes: Iterable[Outcome]) -> list[tuple[str, tuple[str, ...]]]:
    """Each note once, with the resources that it is about.

    Less what is told all together of what ends and begins by the clock.
    """
    found: dict[str, list[str]] = {}
    for outcome in outcomes:
        for note in outcome.notes:
            if not note.startswith((ACCESS_NOW, ACCESS_LATER)):
                found.setdefault(note, []).append(outcome.resource)
    return [(note, tuple(resources)) for note, resources in found.items()]

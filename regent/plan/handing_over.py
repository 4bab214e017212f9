"""What may be done about roles that change hands, and in which order. Pure (rule 10).

Whoever gets a role's password gets all that the role reaches. So an adoption is done as a whole or
not at all, and what hands a role on (its password, LOGIN, settings, new members) comes after what
it has beyond its declaration is gone, its sessions too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from regent.changes import (
    AdoptRole,
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    CreateOwned,
    CreateRole,
    DropRole,
    Effect,
    EndSessions,
    GatherObjects,
    GrantDefaults,
    GrantMembership,
    GrantPrivileges,
    HandOnOwned,
    HandOver,
    OfAttribute,
    OfDefaults,
    OfEnd,
    OfHolder,
    OfObjects,
    OfOwner,
    OfStranger,
    Plan,
    ReleaseRole,
    RenameRole,
    RevokeDefaults,
    RevokeMembership,
    RevokePrivileges,
    SetOwner,
    SetPassword,
)
from regent.desired import Causes, Desired, DesiredMembership
from regent.observed import ObservedMembership, ObservedServer
from regent.reach import Reaches
from shared.keys import ResourceKey

Names = frozenset[str]
NOBODY: Names = frozenset()


@dataclass(frozen=True, slots=True)
class Split:
    """A plan in two: what may be done, and what waits."""

    plan: Plan
    waiting: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Members:
    """Who is a member of what now: giving that again widens nothing."""

    reaches: Reaches
    pairs: frozenset[tuple[str, str]]
    options: frozenset[tuple[str, str, str]]
    """(group, member, option) of what each may do by it."""

    @classmethod
    def of(cls, server: ObservedServer) -> Members:
        """As the catalog has them."""
        pairs = frozenset((row.group, row.member) for row in server.memberships)
        options = {
            (row.group, row.member, option)
            for row in server.memberships
            for option, has in options_of(row)
            if has
        }
        return cls(Reaches.of(server), pairs, frozenset(options))

    def reaching(self, some: Collection[str]) -> frozenset[str]:
        """These, and who is a member of one."""
        return self.reaches.reaching(some)


def options_of(
    one: ObservedMembership | GrantMembership | DesiredMembership,
) -> tuple[tuple[str, bool], ...]:
    """What may be done by a membership, and whether by this one."""
    return ("is", True), ("admin", one.admin), ("inherit", one.inherit), ("set", one.set_role)


def gives_to(change: Change, members: Members) -> Names:
    """The roles that can do more after this change; of a role itself hands_on says it."""
    match change:
        case GrantMembership(group=group, member=member, effect=Effect.WIDEN):
            has = members.options
            more = any(on and (group, member, one) not in has for one, on in options_of(change))
            return frozenset({member}) if more else NOBODY
        case GrantPrivileges(effect=Effect.WIDEN):
            return frozenset(change.about)
        case HandOnOwned(to=to):
            return frozenset({to})
        case GrantDefaults():
            return frozenset(change.about)
        case CreateOwned(owner=owner) | SetOwner(owner=owner) | GatherObjects(owner=owner):
            return frozenset({owner})
        case AlterRole(role=role, effect=Effect.WIDEN):
            return frozenset({role})
        case OfHolder() | AlterRole() | AlterSetting() | SetPassword() | ClearPassword():
            return NOBODY
        case GrantMembership() | RevokeMembership() | GrantPrivileges() | RevokePrivileges():
            return NOBODY
        case RevokeDefaults() | EndSessions() | DropRole() | ReleaseRole() | OfStranger():
            return NOBODY
        case _:
            assert_never(change)


def taken_from(change: Change) -> Names:
    """The roles that a change takes something from, or whose sessions end with it."""
    match change:
        case RevokePrivileges(grantees=grantees):
            return frozenset(grantee for grantee in grantees if grantee is not None)
        case RevokeMembership(member=member, along=along):
            return frozenset({member, *(other for other, _ in along)})
        case AlterRole(role=role, effect=Effect.NARROW) | AlterSetting(role=role, value=None):
            return frozenset({role})
        case RevokeDefaults():
            return frozenset(change.about)
        case EndSessions(role=role, effect=Effect.REMOVE):
            return frozenset({role})
        case SetOwner(former=former) | GatherObjects(former=former):
            return frozenset({former})
        case CreateOwned():
            return NOBODY
        case OfHolder() | AlterRole() | AlterSetting() | SetPassword() | ClearPassword():
            return NOBODY
        case GrantMembership() | GrantPrivileges() | GrantDefaults():
            return NOBODY
        case EndSessions() | HandOnOwned() | DropRole() | ReleaseRole():
            return NOBODY
        case OfStranger():
            return NOBODY
        case _:
            assert_never(change)


def hands_on(change: Change, members: Members) -> str | None:
    """The role whose holder is another, can do more or comes in more easily after this change."""
    match change:
        case SetPassword(role=role) | AlterRole(role=role, effect=Effect.OPEN | Effect.WIDEN):
            return role
        case AlterSetting(role=role, value=str()):
            return role
        case GrantMembership(group=group, member=member) if (group, member) not in members.pairs:
            return group
        case HandOver(role=role, to_another=True):
            return role
        case CreateRole() | AdoptRole() | RenameRole() | HandOver() | AlterRole() | AlterSetting():
            return None
        case ClearPassword() | GrantMembership() | RevokeMembership() | OfObjects():
            return None
        case OfDefaults() | OfEnd():
            return None
        case OfOwner():
            return None
        case OfStranger():
            return None
        case _:
            assert_never(change)


def not_yet(
    plan: Plan,
    unfinished: Names,
    not_done: Iterable[Change],
    server: ObservedServer,
    *,
    is_all_read: bool,
) -> Split:
    """The plan without what hands on a role that may still have more than is declared.

    Of a role that strangers may use, or that goes to another person, all that is given waits.
    `not_done` are changes that are needed and not in the plan: refused for good, or withheld.
    Where not all could be read, nobody knows what such a role has.
    """
    handed = handed_to_another(plan.changes)
    unfinished |= handed | plan.strangers
    if not unfinished:
        return Split(plan)
    members = Members.of(server)
    unclean = unfinished
    if is_all_read:
        unclean = _unclean_of(unfinished, (*plan.changes, *not_done), members) | plan.strangers
    guarded = unclean & (handed | plan.strangers)
    heirs_of = {c.role for c in plan.changes if isinstance(c, HandOnOwned) and c.to in guarded}

    def waits(change: Change) -> bool:
        if isinstance(change, HandOnOwned | DropRole | ReleaseRole):
            return change.role in heirs_of
        gives = gives_to(change, members) & guarded
        return bool(gives) or hands_on(change, members) in unclean

    return parted(plan, waits)


def handed_to_another(changes: Iterable[Change]) -> Names:
    """The roles that these changes give to another person than had them."""
    return frozenset(one.role for one in changes if isinstance(one, HandOver) and one.to_another)


def unclean(changes: Iterable[Change], members: Members) -> Names:
    """The roles by which whoever has one would have something that any of these changes takes."""
    taken, left = _taken_and_left(changes)
    return members.reaching(taken) | left


def _taken_and_left(changes: Iterable[Change]) -> tuple[Names, Names]:
    """The roles that these changes take something from, and the groups that a member leaves."""
    changes = tuple(changes)
    left = frozenset(one.group for one in changes if isinstance(one, RevokeMembership))
    return NOBODY.union(*map(taken_from, changes)), left


def still_unfinished(
    unfinished: Names,
    wanted: Iterable[Change],
    server: ObservedServer,
    *,
    is_all_read: bool,
    strangers: Names = NOBODY,
) -> Names:
    """Those of which something is left to take, or that are still to be handed on.

    `wanted` is all that differs, with what was refused for good.
    """
    if not unfinished or not is_all_read:
        return unfinished
    members, changes = Members.of(server), tuple(wanted)
    handed_on = {hands_on(change, members) for change in changes}.union(strangers)
    return _unclean_of(unfinished, changes, members) | (unfinished & handed_on)


def _unclean_of(roles: Names, changes: Iterable[Change], members: Members) -> Names:
    """Those that have, or reach, something that is still to be taken, and that have members so."""
    taken, left = _taken_and_left(changes)
    return roles & members.reaching(taken | (left & roles))


def withheld_as_a_whole(touched: Iterable[Change], adopted: Names, server: ObservedServer) -> Names:
    """Adoptions of which these withheld changes are a part, and those that reach such a role."""
    if not adopted:
        return NOBODY
    concerned = frozenset(name for change in touched for name in change.about)
    withheld = adopted & concerned
    members = Members.of(server)
    return adopted & members.reaching(withheld)


def without_adoptions(
    plan: Plan, withheld: Names, desired: Desired, server: ObservedServer
) -> Split:
    """The plan without all that is done about these roles, but for what others' drift takes.

    A membership that is there already is given again: it may be in the place of another's grant.
    """
    if not withheld:
        return Split(plan)
    members = Members.of(server)
    kept: list[Change] = []
    waiting: list[Change] = []
    for change in plan.changes:
        if isinstance(change, GrantPrivileges):
            of_others = tuple(g for g in change.grantees if g not in withheld)
            of_withheld = tuple(g for g in change.grantees if g in withheld)
            if of_withheld:
                causes = _causes_of(change.causes, of_withheld, desired)
                waiting.append(replace(change, grantees=of_withheld, causes=causes))
            if of_others:
                kept.append(replace(change, grantees=of_others) if of_withheld else change)
        elif _is_part_of(change, withheld, members):
            waiting.append(change)
        else:
            kept.append(change)
    return Split(replace(plan, changes=tuple(kept)), tuple(waiting))


def without_passwords(plan: Plan, roles: Names) -> Split:
    """The plan without new passwords and LOGIN of these roles."""
    if not roles:
        return Split(plan)
    return parted(
        plan,
        lambda change: (
            isinstance(change, SetPassword | AlterRole)
            and change.effect is Effect.OPEN
            and change.role in roles
        ),
    )


def adopted_by(changes: Iterable[Change]) -> Names:
    """The roles that these changes begin to adopt."""
    return frozenset(change.role for change in changes if isinstance(change, AdoptRole))


def renamed_by(changes: Iterable[Change]) -> Names:
    """The roles that have another name or holder after these changes."""
    return frozenset(
        change.new_name if isinstance(change, RenameRole) else change.role
        for change in changes
        if isinstance(change, RenameRole | HandOver)
    )


def handed_by(changes: Iterable[Change], holders: Mapping[str, ResourceKey]) -> Names:
    """Those of them that have another holder; `holders` are the present ones."""
    return renamed_by(
        change
        for change in changes
        if isinstance(change, HandOver)
        or (
            isinstance(change, RenameRole)
            and holders.get(change.marked_as or change.role) != change.holder
        )
    )


def sessions_ended_by(changes: Iterable[Change]) -> Names:
    """The roles that stay, and whose sessions these changes end."""
    return frozenset(
        change.role
        for change in changes
        if isinstance(change, EndSessions) and change.effect is Effect.REMOVE
    )


def _is_part_of(change: Change, withheld: Names, members: Members) -> bool:
    match change:
        case GrantMembership(group=group, member=member):
            return (group, member) not in members.pairs and not withheld.isdisjoint({group, member})
        case AdoptRole() | OfAttribute() | EndSessions() | GrantDefaults():
            return change.role in withheld
        case HandOver():
            return change.role in withheld and change.to_another
        case OfOwner():
            return change.owner in withheld
        case CreateRole() | RenameRole() | RevokeMembership() | OfObjects():
            return False
        case RevokeDefaults() | HandOnOwned() | DropRole() | ReleaseRole() | OfStranger():
            return False
        case _:
            assert_never(change)


def _causes_of(causes: Causes, grantees: Collection[str], desired: Desired) -> Causes:
    declared = {key for name in grantees for key in desired.roles[name].declared_by}
    return tuple(key for key in causes if key.kind == "Permission" or key in declared)


def parted(plan: Plan, waits: Callable[[Change], bool]) -> Split:
    """The plan without what waits, and that."""
    waiting = tuple(change for change in plan.changes if waits(change))
    if not waiting:
        return Split(plan)
    kept = tuple(change for change in plan.changes if not waits(change))
    return Split(replace(plan, changes=kept), waiting)

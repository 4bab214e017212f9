"""Roles whose correction somebody paused: what of a plan waits for the end of it. Pure (rule 26).

What somebody does to a paused role by hand stays for a while, and nothing is given to it. What a
declaration gave and takes away, and what ends somebody's access, is never held (ADR 45).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from shlex import quote
from typing import assert_never

from regent.changes import (
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    DropRole,
    Effect,
    EndSessions,
    GrantDefaults,
    GrantMembership,
    GrantPrivileges,
    HandOnOwned,
    OfHolder,
    OfOwner,
    OfStranger,
    Plan,
    PrivilegeChange,
    ReleaseRole,
    RevokeDefaults,
    RevokeMembership,
    RevokePrivileges,
    SetPassword,
)
from regent.desired import Causes, Desired, DesiredRole
from regent.gate.falling import falling, less_left
from regent.gate.losses import OWNER, Atom, without
from regent.gate.preparations import without_preparations
from regent.observed import ObservedServer
from regent.plan.describe import describe
from regent.plan.edges import Edge, edges, split
from regent.plan.grantors import Row
from regent.plan.passwords import verifier_digest
from regent.plan.renames import server_after
from regent.remembered import AcceptedState, Pause
from shared.keys import ResourceKey
from shared.privileges import CONNECT
from shared.utc import utc

Names = frozenset[str]
WAY_OUT = "To have it corrected earlier: postgregent resume"


@dataclass(frozen=True, slots=True)
class Paused:
    """A role of this server that is paused now.

    `names` are what it is called in the catalog, and where it is declared. With `not_held` the
    pause holds nothing of it: it says why. `held` is what would be done now, and `is_strange`: it
    would be adopted.
    """

    pause: Pause
    name: str
    names: Names
    declared_by: Causes = ()
    not_held: str = ""
    is_strange: bool = False
    held: tuple[Change, ...] = ()

    @property
    def words(self) -> str:
        """Until when, by whom and why, for whoever reads a status."""
        pause, name = self.pause, self.name
        return (
            f"The correction of {name!r} is paused until {utc(pause.until)}, by {pause.by}:"
            f" {pause.reason.rstrip('.')}."
        )

    @property
    def message(self) -> str:
        """The words, with what waits and the way out."""
        if not self.held:
            waits = "Nothing differs now."
        else:
            more = len(self.held) - 1
            waits = f"It would {describe(self.held[0])}{f'; and {more} more' if more else ''}."
        return f"{self.words} {waits} {WAY_OUT} {quote(self.name)}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides whether a pause holds a role: what is declared of it, and what has ended."""

    desired: Desired
    accepted: AcceptedState
    holders: Mapping[str, ResourceKey]
    """The resources that the marks name, by role."""
    refused: Names
    """The resources that declare more than the Regent allows."""


@dataclass(frozen=True, slots=True)
class Held:
    """Who is paused. Memberships of members in `firm` are not held by a pause of the group.

    These have ended, or declare what the Regent does not allow.
    """

    paused: tuple[Paused, ...] = ()
    firm: Names = frozenset()

    @property
    def names(self) -> Names:
        """What the roles are called that a pause holds."""
        return Names().union(*(one.names for one in self.paused if not one.not_held))


def held_by(pauses: Iterable[Pause], server: ObservedServer, standing: Standing) -> Held:
    """The roles that are paused now, by their oids: one that is gone is not, nor its successor."""
    here = {role.oid: name for name, role in server.roles.items()}
    found = ((one, here.get(one.role_oid)) for one in pauses)
    paused = tuple(_paused(one, name, standing) for one, name in found if name is not None)
    if not paused:
        return Held()
    roles = standing.desired.roles.items()
    return Held(paused, Names(name for name, role in roles if _ends(role, standing)))


def _paused(pause: Pause, name: str, standing: Standing) -> Paused:
    desired = standing.desired
    declared = next(
        (one for one in desired.roles.values() if (one.renamed_from or one.name) == name), None
    )
    names = Names({name} if declared is None else {name, declared.name})
    ending = next((one for one in desired.endings if one.name in names), None)
    if ending is not None:
        return Paused(pause, name, names, not_held=f"{ending.holder} was deleted")
    if declared is None:
        return Paused(pause, name, names)
    not_held = _ends(declared, standing)
    is_strange = not names.isdisjoint(desired.adopted)
    return Paused(pause, name, names, declared.declared_by, not_held, is_strange)


def _ends(declared: DesiredRole, standing: Standing) -> str:
    """What ends of a role that is declared, in words; empty where nothing does."""
    holder = standing.holders.get(declared.marked_as)
    if any(key.kind == "User" for key in declared.declared_by) and not declared.login:
        return "the User is disabled or has expired"
    if holder not in (None, declared.holder):
        return f"{holder} has given it up"
    if not standing.refused.isdisjoint(_told_of(declared, standing.accepted)):
        return "the Regent does not allow all that is declared of it"
    return ""


def _told_of(declared: DesiredRole, accepted: AcceptedState) -> Iterator[str]:
    """The resources that say what a role has, with their Permissions, in each form that counts."""
    for key in declared.declared_by:
        yield str(key)
        for entries in (accepted.state.resources, accepted.before):
            entry = entries.get(str(key))
            if entry is not None and entry.kind != "Permission":
                for name in entry.spec.permissions:
                    yield str(ResourceKey("Permission", key.namespace, name))


def with_pauses(
    known: Held,
    desired: Desired,
    server: ObservedServer,
    planned: Callable[[Desired], Plan],
    by_hand: Callable[[Plan], frozenset[Atom]],
    set_last: Mapping[str, str],
) -> tuple[Plan, tuple[Paused, ...]]:
    """The plan less what waits for the end of a pause, and the pauses with that.

    That is what it would give the paused roles, and of what it would take what somebody gave them
    by hand. A membership of theirs that falls with its grantor they have by another one at once, as
    it was. `set_last` are the sha256 of the verifiers that were set last: another one in place of
    that is a rotation, by which the former one ends.
    """
    names = known.names
    whole = planned(desired)
    if not names:
        return whole, known.paused
    less_strange = _without_strangers(desired, server, names)
    plan = whole if less_strange == desired else planned(less_strange)
    held = frozenset(atom for atom in by_hand(plan) if _is_held(atom, known, desired))
    held -= falling(plan, held, server_after(plan.changes, server), desired)
    less, _ = without(plan, held)
    had = less_left(less, server_after(plan.changes, server))
    less = replace(less, changes=tuple(_without_gains(less.changes, names, set_last, had)))
    less = without_preparations(plan, less).plan
    less = replace(less, matches=whole.matches)
    return less, tuple(
        one if one.not_held else replace(one, held=tuple(_held(whole, less, one.names)))
        for one in known.paused
    )


def _without_strangers(desired: Desired, server: ObservedServer, names: Names) -> Desired:
    """What is desired, with paused roles in nobody's authority that were in nobody's before.

    Whoever adopts, disables or makes an owner of one waits with all of it.
    """
    strange = desired.adopted & names
    oids = {server.roles[name].oid for name in names if name in server.roles}
    desired = replace(
        desired,
        owners=tuple(one for one in desired.owners if one.owner not in names),
        disabling=frozenset(one for one in desired.disabling if one[1] not in oids),
        enabling=frozenset(one for one in desired.enabling if one[1] not in oids),
    )
    if not strange:
        return desired
    pairs = {(one.group, one.member) for one in desired.memberships}
    pairs |= {(row.group, row.member) for row in server.memberships}
    ending = {one.name for one in desired.endings}
    waiting = frozenset(
        pair for pair in pairs if not strange.isdisjoint(pair) and ending.isdisjoint(pair)
    )
    return replace(
        desired,
        roles={name: role for name, role in desired.roles.items() if name not in strange},
        grants=desired.grants_without(strange),
        defaults=desired.defaults_without(strange),
        adopted=desired.adopted - strange,
        undecided=desired.undecided | waiting,
    )


def _is_held(atom: Atom, known: Held, desired: Desired) -> bool:
    """Whether a pause could hold this loss. A membership ends with the end of either side.

    What another role owns by its declaration goes back to it (ADR 45).
    """
    whose = atom.roles
    if atom.what == OWNER or known.names.isdisjoint(whose):
        return False
    ending = {one.name for one in desired.endings}
    return ending.isdisjoint(whose) and (len(whose) == 1 or atom.role not in known.firm)


def _without_gains(
    changes: Sequence[Change],
    names: Names,
    set_last: Mapping[str, str],
    had: Mapping[tuple[str, str], Row],
) -> Iterator[Change]:
    """Less what these roles would get, and the sessions of which nothing is taken.

    `had` are the memberships of which less is left: what is given again of one is no gain.
    """
    lost = {name for one in changes if one.effect is Effect.NARROW for name in one.about} & names
    for change in changes:
        is_free = names.isdisjoint(change.about) or _is_rotation(change, set_last)
        left = change if is_free else _less(change, names, lost, had)
        if left is not None:
            yield left


def _is_rotation(change: Change, set_last: Mapping[str, str]) -> bool:
    if not isinstance(change, SetPassword):
        return False
    before = set_last.get(change.role)
    return before is not None and before != verifier_digest(change.verifier)


def _as_it_was(change: GrantMembership, had: Row) -> GrantMembership:
    return replace(
        change,
        admin=change.admin and had.admin,
        inherit=change.inherit and had.inherit,
        set_role=change.set_role and had.set_role,
    )


def _less(
    change: Change, names: Names, lost: Collection[str], had: Mapping[tuple[str, str], Row]
) -> Change | None:
    match change:
        case GrantPrivileges():
            others = tuple(one for one in change.grantees if one not in names)
            if change.effect is not Effect.WIDEN or change.instead_of:
                return change
            return replace(change, grantees=others) if others else None
        case GrantMembership():
            if change.effect is not Effect.WIDEN or change.instead_of:
                return change
            before = had.get((change.group, change.member))
            return _as_it_was(change, before) if before is not None else None
        case AlterRole():
            return change if change.effect in (Effect.CLOSE, Effect.NARROW) else None
        case SetPassword() | GrantDefaults():
            return None
        case EndSessions():
            return change if change.effect is Effect.CLOSE or change.role in lost else None
        case ClearPassword() | RevokePrivileges() | RevokeMembership() | RevokeDefaults():
            return change
        case AlterSetting():
            return change
        case OfHolder() | OfOwner() | OfStranger():
            return change
        case HandOnOwned() | DropRole() | ReleaseRole():
            return change
        case _:
            assert_never(change)


def as_if_connected(server: ObservedServer, known: Held, desired: Desired) -> ObservedServer:
    """With whoever is paused connected wherever CONNECT may be its by PUBLIC alone.

    PUBLIC keeps it, as for a session: what is declared of its own waits (rule 11).
    """
    here = known.names.intersection(server.roles)
    if not here:
        return server
    comes_in = Names(name for name in here if server.roles[name].login)
    found = dict(server.connected_to)
    for database, grants in desired.grants.items():
        given = (one.grantees for one in grants if CONNECT in one.privileges)
        waits = here.intersection(g for some in given for g in some if g is not None)
        found[database] = found.get(database, Names()) | comes_in | waits
    return replace(server, connected_to=found)


def _held(whole: Plan, kept: Plan, names: Names) -> Iterator[Change]:
    """What the whole plan does about one role, and the other does not."""
    done = frozenset(kept.changes)
    parts = {
        (_place(one), edge)
        for one in kept.changes
        if isinstance(one, PrivilegeChange) and not names.isdisjoint(one.about)
        for edge in edges(one)
    }
    defaults = {
        (_of_no_privilege(one), privilege)
        for one in kept.changes
        if isinstance(one, RevokeDefaults)
        for privilege in one.privileges
    }
    for change in whole.changes:
        if names.isdisjoint(change.about) or change in done:
            continue
        if isinstance(change, RevokeDefaults):
            of, left = _of_no_privilege(change), change.privileges
            left = frozenset(one for one in left if (of, one) not in defaults)
            yield replace(change, privileges=left)
            continue
        if not isinstance(change, PrivilegeChange):
            yield change
            continue
        mine = replace(change, grantees=tuple(g for g in change.grantees if g in names))
        yield from split(mine, partial(_is_part, parts, _place(change)))[1]


def _of_no_privilege(change: RevokeDefaults) -> RevokeDefaults:
    return replace(change, privileges=frozenset())


def _is_part(parts: Collection[tuple[object, Edge]], place: object, edge: Edge) -> bool:
    return (place, edge) in parts


def _place(change: PrivilegeChange) -> tuple[object, ...]:
    by = change.grantor if isinstance(change, RevokePrivileges) else ""
    return type(change), change.database, change.kind, by

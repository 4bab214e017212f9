"""Which roles nobody declares, and what keeps Disable from disabling them now (rule 11). Pure.

A name that a resource declares is declared, though the resource is refused, held or waiting: its
role is for the person who wrote it to settle. What `renamedFrom` names is not declared by that: it
would spare whomever an author names. Of what is held for the first time not even the name is known,
so then nobody is disabled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from regent.desired import Desired, Strangers
from regent.resolve.claims import is_public
from regent.resolve.situation import Situation
from regent.unmanaged.who import Claimed, Unmanaged, unmanaged_roles
from shared.listing import first_of
from shared.names import OWNER_ROLE
from shared.patterns import matcher
from shared.resources.regent import UnmanagedRoles
from shared.state import postgres_name_of

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Loose:
    """A role that may log in, and the resource that it is or was of, which is not declared here."""

    role: str
    holder: str
    regent: str = ""
    """Which other Regent released it."""

    def __str__(self) -> str:
        """As a line names it."""
        return f"{self.role} (of {self.holder}{self._by})"

    @property
    def _by(self) -> str:
        return f", released by {self.regent}" if self.regent else ""


@dataclass(frozen=True, slots=True)
class Found:
    """The roles, what the Regent says about them, and why Disable disables nobody now."""

    policy: UnmanagedRoles = "Ignore"
    roles: tuple[Unmanaged, ...] = ()
    waits: str = ""
    left: tuple[Loose, ...] = ()
    """Roles that a Regent released, whose resource is declared no more and who may log in."""
    not_ended: tuple[Loose, ...] = ()
    """Roles by the names of resources that were deleted and that had not got them."""
    enabling: Strangers = frozenset()
    """Those that get the LOGIN back that was taken from them."""

    @property
    def disabling(self) -> Strangers:
        """Those that shall not log in."""
        if self.policy != "Disable" or self.waits:
            return frozenset()
        return frozenset((role.name, role.oid) for role in self.roles if not role.spared)


NOBODY = Found()


def found_unmanaged(situation: Situation, desired: Desired) -> Found:
    """All that nobody declares; nothing where the Regent does not ask, and disabled none."""
    policy = situation.spec.unmanaged_roles or "Ignore"
    noticed = {one.role_oid: one for one in situation.census.noticed}
    left = tuple(_left_without_holder(situation, desired))
    not_ended = tuple(_not_ended(situation, desired))
    if policy == "Ignore" and not any(one.disabled_at for one in noticed.values()):
        return replace(NOBODY, left=left, not_ended=not_ended)
    claimed = Claimed(
        names=frozenset(_claimed(situation, desired)),
        left=frozenset(_left(situation)),
        is_ignored=matcher(desired.ignore_roles),
    )
    roles = unmanaged_roles(situation.server, situation.standing, claimed, noticed)
    waits = _why_it_waits(situation) if policy == "Disable" else ""
    enabling = frozenset(_enabling(situation, desired, policy, claimed))
    return Found(policy, roles, waits, left, not_ended, enabling)


def _enabling(
    situation: Situation, desired: Desired, policy: UnmanagedRoles, claimed: Claimed
) -> Iterator[tuple[str, int]]:
    """Whom the Regent does not disable any more. Of a managed role its declaration decides.

    A resource that is refused gives nothing back: whoever may write one must not undo Disable.
    """
    managed = desired.managed | situation.marked.foreign
    for one in situation.census.noticed:
        name = situation.marked.names.get(one.role_oid)
        if one.disabled_at is None or name is None or name in managed:
            continue
        if policy != "Disable" or claimed.is_ignored(name):
            yield name, one.role_oid


def _claimed(situation: Situation, desired: Desired) -> Iterator[str]:
    """Names that are declared here, or managed by any Regent of the server."""
    yield from desired.managed
    yield from (ending.name for ending in desired.endings)
    yield from situation.census.doubtful
    accepted = situation.accepted
    for entries in (accepted.state.resources, accepted.before):
        for key, entry in entries.items():
            if entry.kind != "Permission" and not is_public(entry):
                yield postgres_name_of(key, entry)
    for mark in situation.marks:
        if not mark.released:
            yield mark.role
            yield from filter(None, (situation.marked.observed_name(mark),))


def _left(situation: Situation) -> Iterator[str]:
    """Released, and still the same role: another one of its name is nobody's."""
    for mark in situation.marks:
        name = situation.marked.observed_name(mark)
        if mark.released and name is not None and not situation.marked.is_remade(mark):
            yield name


def _left_without_holder(situation: Situation, desired: Desired) -> Iterator[Loose]:
    """Released, and whoever declared it is gone: no push reaches it any more.

    By this Regent, or by another one whose resources this one may have: it may have been taken off
    before this one came, and its resource deleted in between (rule 28).
    """
    marked, state = situation.marked, situation.accepted.state
    is_ignored = matcher(desired.ignore_roles)
    for mark in sorted(marked.by_role.values(), key=lambda one: one.role):
        is_own = mark.regent == situation.regent
        if not mark.released or marked.is_remade(mark):
            continue
        if not is_own and not state.regent.serves(mark.holder.namespace):
            continue
        role = situation.server.roles.get(marked.observed_name(mark) or "")
        if role is None or not role.login or role.name in desired.roles or is_ignored(role.name):
            continue
        if str(mark.holder) not in state.resources and str(mark.holder) not in state.held:
            yield Loose(role.name, str(mark.holder), "" if is_own else mark.regent)


def _not_ended(situation: Situation, desired: Desired) -> Iterator[Loose]:
    """A User that was refused its name, as its mark is lost or the role is a stranger's, is gone.

    No mark says that the role is ours, so it is not ended, and somebody may log in by it. Told
    until it may not, or a person says by `ignoreRoles` that it is to stay.
    """
    names = {one.name for one in desired.endings} | situation.marked.by_role.keys()
    is_ignored = matcher(desired.ignore_roles)
    for text, departed in sorted(situation.accepted.departed.items()):
        entry = departed.entry
        if entry.kind != "User" or entry.spec.deletion_policy == "Retain":
            continue
        name = postgres_name_of(text, entry)
        role = situation.server.roles.get(name)
        if role is None or not role.login or name in names or name in desired.roles:
            continue
        if not is_ignored(name) and name not in situation.standing.admins:
            yield Loose(name, text)


def _other_homes(situation: Situation) -> tuple[str, ...]:
    """Marks are in one home database, and roles on the whole server."""
    own = situation.spec.effective_home_database
    homes = (
        name
        for group in situation.server.databases
        if group.owner == OWNER_ROLE
        for name in group.names
    )
    return tuple(sorted(name for name in homes if name != own))


def _why_it_waits(situation: Situation) -> str:
    state = situation.accepted.state
    unknown = sorted(
        key
        for key in state.held
        if key not in state.resources and not key.startswith("Permission/")
    )
    if others := _other_homes(situation):
        return (
            f"Nobody is disabled while the database {first_of(others, SHOWN)} is on the server: it"
            " is a home database of PostgRegent, and whom the Regents manage that remember things"
            f" there this one cannot know. Give them all one homeDatabase, or, where no Regent uses"
            " it any more, take it off: `postgregent uninstall --home --home-database"
            f" {others[0]}`."
        )
    if not unknown:
        return ""
    return (
        f"Nobody is disabled while it is not known which roles these declare: "
        f"{first_of(unknown, SHOWN)}. Correct or delete them."
    )

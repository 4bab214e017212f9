"""Who is about to come to what a role has: a new member, or whoever is let in. Pure (rule 22).

A role that keeps for now what it is to lose keeps it for those who have it already. By a membership
somebody else would come to it, and by LOGIN, a first password, a later VALID UNTIL or a connection
limit above 0 whoever could not come in before (ADR 41).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regent.changes import AlterRole, Change, Effect, GrantMembership, Plan, SetPassword
from regent.desired import Desired
from regent.observed import ObservedServer
from regent.plan.handing_over import (
    NOBODY,
    Members,
    Names,
    Split,
    gives_to,
    options_of,
    parted,
    taken_from,
)


def lets_in(change: Change, members: Members) -> str | None:
    """The role by which somebody comes in after this change, and nobody could before."""
    if isinstance(change, AlterRole) and change.effect is Effect.OPEN and change.login:
        return change.role
    is_wider = isinstance(change, AlterRole) and change.effect is Effect.WIDEN and _lasts(change)
    if isinstance(change, SetPassword) or is_wider:
        (role,) = change.about
        return None if _could_come_in(role, members) else role
    return None


def _lasts(change: AlterRole) -> bool:
    """Whether by this alone a role that has LOGIN may be of use again."""
    return change.forever or change.valid_until is not None or change.connection_limit is not None


def comes_to(change: Change, members: Members) -> str | None:
    """The role whose rights somebody has after this change who did not have them."""
    if isinstance(change, GrantMembership):
        return change.group if gives_to(change, members) else None
    return lets_in(change, members)


def _could_come_in(role: str, members: Members) -> bool:
    there = members.reaches.roles.get(role)
    if there is None or not there.login or there.has_expired:
        return False
    return there.connection_limit != 0


@dataclass(frozen=True, slots=True)
class Known:
    """Who had what by a declaration before: those get back what somebody took."""

    options: frozenset[tuple[str, str, str]] = frozenset()
    """(group, member, option) of memberships."""
    logins: Names = NOBODY
    """Roles by which somebody may come in."""

    @classmethod
    def by(cls, desired: Desired) -> Known:
        """By this declaration, at the time that it was resolved for."""
        options = {
            (one.group, one.member, option)
            for one in desired.memberships
            for option, has in options_of(one)
            if has
        }
        may = (one for one in desired.roles.values() if one.login and one.connection_limit != 0)
        return cls(frozenset(options), frozenset(one.name for one in may))

    def has(self, change: Change, members: Members) -> bool:
        """Whether the change gives nothing that was not declared before."""
        if isinstance(change, GrantMembership):
            had = self.options | members.options
            pair = (change.group, change.member)
            return all((*pair, option) in had for option, has in options_of(change) if has)
        return lets_in(change, members) in self.logins


def without_newcomers(
    plan: Plan, withheld: Sequence[Change], known: Known, server: ObservedServer
) -> Split:
    """The plan without those who would come to something that is withheld, by any way."""
    taken = {role for change in withheld for role in taken_from(change)}
    if not taken:
        return Split(plan)
    members = Members.of(server)
    having = members.reaching(taken)
    return parted(
        plan,
        lambda change: comes_to(change, members) in having and not known.has(change, members),
    )

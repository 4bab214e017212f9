"""What a plan takes away, atom by atom, and a plan without some of it. Pure.

The brake counts the edges of atoms (rule 20); place and grantor tell drift from a declared loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, assert_never

from regent.changes import (
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    CreateOwned,
    DisableRole,
    DropRole,
    Effect,
    EnableRole,
    EndSessions,
    GatherObjects,
    GrantDefaults,
    GrantMembership,
    GrantPrivileges,
    HandOnOwned,
    OfHolder,
    Plan,
    PrivilegeChange,
    ReleaseRole,
    RevokeDefaults,
    RevokeMembership,
    RevokePrivileges,
    SetOwner,
    SetPassword,
)
from regent.kinds import COLUMNS
from regent.plan.edges import Edge, edges, split
from regent.reach import POWERFUL_ATTRIBUTES
from shared.privileges import ObjectKind

ROLE = "ROLE"
LOGIN = "LOGIN"
EXISTS = "EXISTS"
OWNER = "OWNER"
MEMBERSHIP = "MEMBERSHIP"
SETTING = "SETTING"
ADMIN = " ADMIN"
GRANT_OPTION = " WITH GRANT OPTION"
PUBLIC = "public"
"""What counts as a role that is none: everybody. No role can be called so; one may be "PUBLIC"."""
LIMITS = ("connection_limit", "valid_until", "inherit")
Counted = tuple[str, str, str]
"""Role, kind, privilege: what is counted, on however many objects."""
Words = tuple[str, str, str, str]
"""The same with the detail, for people."""


class At(NamedTuple):
    """Where something is lost, for whoever goes by oids: what a place says is for people.

    Each is empty where it does not matter; `database` is a name, as no reading is without one.
    """

    database: str = ""
    oid: int = 0
    column: str = ""
    creator: str = ""
    schema: str = ""


NOWHERE = At()


class Atom(NamedTuple):
    """What one role loses. Of a MEMBERSHIP `what` is the group."""

    role: str
    kind: str
    what: str
    place: str = ""
    grantor: str = ""
    option: str = ""
    """What goes, where it is an option alone."""
    at: At = NOWHERE
    """The same as `place`."""

    @property
    def edge(self) -> Counted:
        """As what it counts."""
        return self.role, self.kind, self.what + self.option

    @property
    def words(self) -> Words:
        """The same with where, and by whom it was given."""
        return *self.edge, " by ".join(filter(None, (self.place, self.grantor)))

    @property
    def roles(self) -> tuple[str, ...]:
        """Whose it is: of a membership, the member's and the group's."""
        return (self.role, self.what) if self.kind == MEMBERSHIP else (self.role,)

    def renamed(self, names: Mapping[str, str]) -> Atom:
        """The same, of roles that have these names instead."""
        role, what, grantor = (names.get(one, one) for one in (self.role, self.what, self.grantor))
        what = what if self.kind == MEMBERSHIP else self.what
        return self._replace(role=role, what=what, grantor=grantor)


def losses(plan: Plan) -> frozenset[Atom]:
    """Every atom that the plan takes away, and what goes along with one."""
    return _found(plan, lost_by)


def taken(plan: Plan) -> frozenset[Atom]:
    """What the plan takes itself: also what is no edge, so that the brake never waits with it."""
    return _found(plan, taken_by)


def _found(plan: Plan, of: Callable[[Change], Iterable[Atom]]) -> frozenset[Atom]:
    return frozenset(atom for change in plan.changes for atom in of(change)) - _never_had(plan)


def _never_had(plan: Plan) -> frozenset[Atom]:
    """LOGIN of roles that have none: only their sessions or their passwords go."""
    closed = {
        c.role
        for c in plan.changes
        if isinstance(c, DisableRole) or (isinstance(c, AlterRole) and c.takes_login)
    }
    return frozenset(
        Atom(change.role, ROLE, LOGIN)
        for change in plan.changes
        if isinstance(change, EndSessions | ClearPassword) and change.role not in closed
    )


def atoms(change: Change) -> Iterator[Atom]:  # noqa: PLR0912 - one case per kind of change
    """What one change takes away; nothing for a change that gives."""
    match change:
        case RevokePrivileges():
            yield from map(_names_of(change), edges(change))
        case RevokeMembership():
            yield from _of_memberships(change)
        case RevokeDefaults():
            yield from _of_defaults(change)
        case AlterRole(effect=Effect.CLOSE | Effect.NARROW):
            if change.takes_login:
                yield Atom(change.role, ROLE, LOGIN)
            for name in POWERFUL_ATTRIBUTES:
                if getattr(change, name) is False:
                    yield Atom(change.role, ROLE, name.upper())
        case (
            EndSessions(role=role, effect=Effect.CLOSE)
            | ClearPassword(role=role)
            | DisableRole(role=role)
        ):
            yield Atom(role, ROLE, LOGIN)
        case HandOnOwned(role=role) | DropRole(role=role) | ReleaseRole(role=role):
            yield Atom(role, ROLE, EXISTS)
        case SetOwner(former=former, kind=kind):
            yield Atom(former, kind.value, OWNER, change.place, at=At(change.database, change.oid))
        case GatherObjects(former=former, kind=kind):
            for one in change.objects:
                place, at = f"{change.database}.{one}", At(change.database, one.oid)
                yield Atom(former, kind.value, OWNER, place, at=at)
        case AlterRole() | EndSessions():
            return  # what widens, or comes after all else of an adoption
        case OfHolder() | SetPassword() | AlterSetting() | GrantMembership():
            return
        case GrantPrivileges() | GrantDefaults() | CreateOwned():
            return
        case EnableRole():
            return
        case _:
            assert_never(change)


def _of_memberships(change: RevokeMembership) -> Iterator[Atom]:
    option = ADMIN if change.admin_only else ""
    yield Atom(change.member, MEMBERSHIP, change.group, "", change.grantor, option)
    for member, grantor in change.along:
        yield Atom(member, MEMBERSHIP, change.group, "", grantor)


def taken_by(change: Change) -> Iterator[Atom]:
    """What one change takes away: also what is no edge."""
    yield from atoms(change)
    if isinstance(change, AlterRole) and change.effect is Effect.NARROW:
        tightened = (name for name in LIMITS if getattr(change, name) is not None)
        yield from (Atom(change.role, ROLE, name.upper()) for name in tightened)
    if isinstance(change, GrantMembership) and change.effect is Effect.NARROW:
        yield Atom(change.member, MEMBERSHIP, change.group, option=" OPTIONS")
    if isinstance(change, AlterSetting):
        # Of a setting none is less than another: whichever there is goes.
        database = change.database or ""
        at = At(database)
        yield Atom(change.role, SETTING, change.parameter.lower(), database, at=at)


def name_of_grantee(grantee: str | None) -> str:
    """As whose an edge counts."""
    return PUBLIC if grantee is None else grantee


def defaults_of(kind: ObjectKind) -> str:
    """What stands for the kind in an edge, where it is about objects still to be made."""
    return f"DEFAULT {kind.value}"


def _of_defaults(change: RevokeDefaults) -> Iterator[Atom]:
    role, kind = name_of_grantee(change.role), defaults_of(change.kind)
    option = GRANT_OPTION if change.grant_option_only else ""
    place = f"{change.object} in database {change.database}"
    at = At(change.database, creator=change.creator, schema=change.schema or "")
    for privilege in change.privileges:
        yield Atom(role, kind, privilege, place, option=option, at=at)


def lost_by(change: Change) -> Iterator[Atom]:
    """What one change takes away, and what others lose along with that."""
    yield from atoms(change)
    if isinstance(change, RevokePrivileges):
        yield from (atom for _, atom in _along(change))


def _along(change: RevokePrivileges) -> Iterator[tuple[Edge, Atom]]:
    for one in change.along:
        kind = COLUMNS.kind if one.columns else change.kind
        theirs = replace(
            change,
            kind=kind,
            grantees=(one.grantee,),
            grantor=one.grantor,
            privileges=one.privileges & change.privileges,
            columns=one.columns or change.columns,
            grant_option_only=False,
        )
        name_of_edge = _names_of(theirs)
        yield from ((edge, name_of_edge(edge)) for edge in edges(theirs))


def _names_of(change: RevokePrivileges) -> Callable[[Edge], Atom]:
    """What each of its edges is called."""
    kind, option = change.kind.value, GRANT_OPTION if change.grant_option_only else ""
    places = {
        one.oid: ".".join(part for part in (change.database, one.schema, one.called) if part)
        for one in change.objects
    }

    def atom(edge: Edge) -> Atom:
        oid, grantee, privilege, column = edge
        place = f"{places[oid]}.{column}" if column else places[oid]
        at = At(change.database or "", oid, column)
        return Atom(name_of_grantee(grantee), kind, privilege, place, change.grantor, option, at)

    return atom


def without(plan: Plan, withheld: frozenset[Atom]) -> tuple[Plan, tuple[Change, ...]]:
    """The plan without these atoms, and the changes that were left out or made smaller."""
    if not withheld:
        return plan, ()
    # What stays as a role keeps its sessions and its password too.
    withheld |= {atom for atom in _never_had(plan) if Atom(atom.role, ROLE, EXISTS) in withheld}
    kept: list[Change] = []
    touched: list[Change] = []
    for change in plan.changes:
        lost = {*taken_by(change), *lost_by(change)}
        if not lost & withheld:
            kept.append(change)
            continue
        touched.append(change)
        if lost <= withheld:
            continue
        # With a cut it takes from all of them, however few it names.
        if isinstance(change, RevokePrivileges) and change.cut is None:
            kept += _smaller(change, withheld)
        elif isinstance(change, RevokeDefaults):
            kept += (part for part in _one_by_one(change) if withheld.isdisjoint(atoms(part)))
        elif isinstance(change, AlterRole) and change.effect is Effect.NARROW:
            kept.append(_less(change, {atom.what.lower() for atom in lost & withheld}))
    return replace(plan, changes=tuple(kept)), tuple(touched)


def _smaller(change: RevokePrivileges, withheld: frozenset[Atom]) -> list[PrivilegeChange]:
    """What is left of a revoke: nothing with which something goes along that is withheld."""
    name_of_edge = _names_of(change)
    stay = {(e.oid, e.privilege) for e, atom in _along(change) if atom in withheld}
    _, left = split(
        change, lambda edge: name_of_edge(edge) in withheld or (edge.oid, edge.privilege) in stay
    )
    return left


def _one_by_one(change: RevokeDefaults) -> Iterator[RevokeDefaults]:
    return (replace(change, privileges=frozenset({one})) for one in sorted(change.privileges))


def _less(change: AlterRole, attributes: set[str]) -> AlterRole:
    """The change without these attributes: what drift gave beside them is still taken."""
    left_alone: dict[str, Any] = dict.fromkeys(attributes)
    return replace(change, **left_alone)

"""What a plan takes away, atom by atom, and a plan without some of it. Pure.

An atom is (role, kind, privilege, detail). The first three are the edge that the brake counts
(rule 20); the detail (object, column, grantor) tells drift from a declared loss.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, assert_never

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
from regent.plan.edges import Edge, edges, split
from shared.privileges import ObjectKind

Atom = tuple[str, str, str, str]
ROLE = "ROLE"
LOGIN = "LOGIN"
EXISTS = "EXISTS"
OWNER = "OWNER"
_ATTRIBUTES = ("superuser", "createdb", "createrole", "replication", "bypassrls")


def losses(plan: Plan) -> frozenset[Atom]:
    """Every atom that the plan takes away."""
    found = frozenset(atom for change in plan.changes for atom in atoms(change))
    return found - _never_had(plan)


def _never_had(plan: Plan) -> frozenset[Atom]:
    """LOGIN of roles that have none: only their sessions or their passwords go."""
    closed = {
        c.role
        for c in plan.changes
        if isinstance(c, DisableRole) or (isinstance(c, AlterRole) and c.takes_login)
    }
    return frozenset(
        (change.role, ROLE, LOGIN, "")
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
                yield change.role, ROLE, LOGIN, ""
            for name in _ATTRIBUTES:
                if getattr(change, name) is False:
                    yield change.role, ROLE, name.upper(), ""
        case (
            EndSessions(role=role, effect=Effect.CLOSE)
            | ClearPassword(role=role)
            | DisableRole(role=role)
        ):
            yield role, ROLE, LOGIN, ""
        case HandOnOwned(role=role) | DropRole(role=role) | ReleaseRole(role=role):
            yield role, ROLE, EXISTS, ""
        case SetOwner(former=former, kind=kind):
            yield former, kind.value, OWNER, change.place
        case GatherObjects(former=former, kind=kind):
            for one in change.objects:
                yield former, kind.value, OWNER, f"{change.database}.{one}"
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
    lost = f"{change.group} ADMIN" if change.admin_only else change.group
    yield change.member, "MEMBERSHIP", lost, change.grantor
    for member, grantor in change.along:
        yield member, "MEMBERSHIP", change.group, grantor


def defaults_of(kind: ObjectKind) -> str:
    """What stands for the kind in an edge, where it is about objects still to be made."""
    return f"DEFAULT {kind.value}"


def _of_defaults(change: RevokeDefaults) -> Iterator[Atom]:
    suffix = " WITH GRANT OPTION" if change.grant_option_only else ""
    detail = f"{change.object} in database {change.database}"
    for privilege in change.privileges:
        yield change.role, defaults_of(change.kind), privilege + suffix, detail


def name_of(atom: Atom) -> str:
    """Names an atom in a few characters, to be remembered."""
    return hashlib.sha256("\0".join(atom).encode()).hexdigest()[:16]


def _names_of(change: RevokePrivileges) -> Callable[[Edge], Atom]:
    """What each of its edges is called."""
    kind, by = change.kind.value, f" by {change.grantor}"
    suffix = " WITH GRANT OPTION" if change.grant_option_only else ""
    places = {
        one.oid: ".".join(part for part in (change.database, one.schema, one.called) if part)
        for one in change.objects
    }

    def atom(edge: Edge) -> Atom:
        oid, grantee, privilege, column = edge
        place = f"{places[oid]}.{column}" if column else places[oid]
        return grantee or "PUBLIC", kind, privilege + suffix, place + by

    return atom


def without(plan: Plan, withheld: frozenset[Atom]) -> tuple[Plan, tuple[Change, ...]]:
    """The plan without these atoms, and the changes that were left out or made smaller."""
    if not withheld:
        return plan, ()
    # What stays as a role keeps its sessions and its password too.
    withheld |= {atom for atom in _never_had(plan) if (atom[0], ROLE, EXISTS, "") in withheld}
    kept: list[Change] = []
    touched: list[Change] = []
    for change in plan.changes:
        taken = set(atoms(change))
        if not taken & withheld:
            kept.append(change)
            continue
        touched.append(change)
        if isinstance(change, RevokePrivileges) and change.cut is not None:
            continue  # it takes from all of them, however few it names
        if not taken <= withheld and isinstance(change, RevokePrivileges):
            kept += _smaller(change, withheld)
        elif not taken <= withheld and isinstance(change, RevokeDefaults):
            kept += (part for part in _one_by_one(change) if withheld.isdisjoint(atoms(part)))
        elif isinstance(change, AlterRole) and change.effect is Effect.NARROW:
            less = _less(change, {what.lower() for _, _, what, _ in taken & withheld})
            if not taken <= withheld or _has_limits(less):
                kept.append(less)
    return replace(plan, changes=tuple(kept)), tuple(touched)


def _smaller(change: RevokePrivileges, withheld: frozenset[Atom]) -> list[PrivilegeChange]:
    """What is left of a revoke."""
    name_of_edge = _names_of(change)
    _, left = split(change, lambda edge: name_of_edge(edge) in withheld)
    return left


def _one_by_one(change: RevokeDefaults) -> Iterator[RevokeDefaults]:
    return (replace(change, privileges=frozenset({one})) for one in sorted(change.privileges))


def _less(change: AlterRole, attributes: set[str]) -> AlterRole:
    """The change without these attributes: what drift gave beside them is still taken."""
    left_alone: dict[str, Any] = dict.fromkeys(attributes)
    return replace(change, **left_alone)


def _has_limits(change: AlterRole) -> bool:
    """What takes no edge away, and never waits."""
    limits = (change.connection_limit, change.valid_until, change.inherit)
    return any(limit is not None for limit in limits)

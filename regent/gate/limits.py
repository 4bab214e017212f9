"""The limits of the brake: how much may be lost at once without a person (rule 20). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from regent.desired import Desired
from regent.gate.deletions import HOUR
from regent.gate.losses import (
    EXISTS,
    LOGIN,
    MEMBERSHIP,
    OWNER,
    ROLE,
    Atom,
    Counted,
    defaults_of,
    name_of_grantee,
)
from regent.remembered import BrakeMemory
from shared.resources import Brake


def limits_exceeded(
    lost: frozenset[Atom],
    desired: Desired,
    known: Sequence[Desired],
    memory: BrakeMemory,
    now: datetime,
    settings: Brake,
) -> str:
    """Every limit that the losses are beyond, with the numbers; empty when they may happen.

    `known` is all that gave something. What was taken within the last hour counts as well.
    """
    if not settings.is_enabled:
        return ""
    recent = {loss.edge for at, loss in memory.taken if now - at < HOUR}
    edges: set[Counted] = {atom.edge for atom in lost} | recent
    total = len(edges.union(*map(_edges, known)))
    least, percent = settings.effective_minimum, settings.effective_percent
    found: list[str] = []
    if len(edges) >= least and len(edges) * 100 > percent * total:
        within = f", {len(recent)} of them within the last hour" if recent else ""
        found.append(
            f"{len(edges)} of {total} privileges, memberships and roles would go{within}, each"
            f" counted once on however many objects: more than {percent} % and at least {least}"
        )
    ended = {role for role, kind, what in edges if (kind, what) == (ROLE, EXISTS)}
    roles = ended.union(*(one.roles for one in known))
    if len(ended) * 2 > len(roles):
        found.append(f"{len(ended)} of {len(roles)} roles would end: more than half")
    strangers = {name for name, _ in desired.disabling}
    out = {one for one in edges if one[0] in strangers and one[1:] == (ROLE, LOGIN)}
    if len(out) >= least:  # of however many: they are nobody's that is declared
        found.append(f"{len(out)} roles that nobody declares would lose LOGIN: at least {least}")
    if _is_last_login_lost(lost, desired, known):
        found.append("the last role with LOGIN would lose it")
    if not found and memory.pulled_at is not None:
        found.append("it was pulled before and waits for a release")
    return "; ".join(found)


def _is_last_login_lost(lost: frozenset[Atom], desired: Desired, known: Sequence[Desired]) -> bool:
    had = any(role.login for one in known for role in one.roles.values())
    has = any(role.login for role in desired.roles.values())
    return had and not has and any(atom.edge[1:] == (ROLE, LOGIN) for atom in lost)


def _edges(desired: Desired) -> set[Counted]:
    """Every (role x kind x privilege) that a state gives."""
    edges: set[Counted] = {(m.member, MEMBERSHIP, m.group) for m in desired.memberships}
    edges.update((one.owner, one.kind.value, OWNER) for one in desired.owners)
    for role in desired.roles.values():
        edges.add((role.name, ROLE, EXISTS))
        if role.login:
            edges.add((role.name, ROLE, LOGIN))
    for grants in desired.grants.values():
        for grant in grants:
            given = ((name_of_grantee(g), grant.kind.value) for g in grant.grantees)
            edges.update((*one, p) for one in given for p in grant.privileges)
    for defaults in desired.defaults.values():
        for one in defaults:
            grantee = name_of_grantee(one.grantee)
            edges.update((grantee, defaults_of(one.kind), p) for p in one.privileges)
    return edges

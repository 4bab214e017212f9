"""Marked roles that nothing declares any more (semantics 27)."""

from __future__ import annotations

from collections.abc import Mapping

from regent.desired import DesiredRole, Ending
from regent.resolve.situation import Situation
from shared.state import Entry


def endings(situation: Situation, roles: Mapping[str, DesiredRole]) -> tuple[Ending, ...]:
    """What our marks hold and no resource that still exists does.

    A holder that exists and could not be resolved (a conflict, an invalid name) ends nothing.
    """
    accepted = situation.accepted
    moved = {role.renamed_from for role in roles.values()}
    found = []
    for name, mark in sorted(situation.own_marks().items()):
        holder = str(mark.holder)
        still_there = holder in accepted.state.resources or holder in accepted.state.held
        if (
            name in roles
            or name in moved
            or still_there
            or _carried_on(mark.role_oid, roles, situation)
        ):
            continue
        departed = accepted.departed.get(holder)
        entry: Entry | None = departed.entry if departed else None
        found.append(
            Ending(
                name=name,
                holder=mark.holder,
                created=mark.origin == "created",
                retain=entry is not None
                and entry.kind != "Permission"
                and entry.spec.deletion_policy == "Retain",
                reassign_to=entry.spec.reassign_owned_to
                if entry is not None and entry.kind != "Permission"
                else None,
            )
        )
    return tuple(found)


def _carried_on(role_oid: int, roles: Mapping[str, DesiredRole], situation: Situation) -> bool:
    """The role goes on under another name: its oid is that of a role that is still desired."""
    observed = situation.server.roles
    return any(
        observed[name].oid == role_oid
        for role in roles.values()
        for name in (role.name, role.renamed_from)
        if name is not None and name in observed
    )

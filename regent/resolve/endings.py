"""Marked roles that nothing declares any more (semantics 27)."""

from __future__ import annotations

from collections.abc import Mapping

from regent.desired import DesiredRole, Ending
from regent.resolve.allowed import may_be_handed_to
from regent.resolve.situation import Situation
from shared.state import Entry


def endings(situation: Situation, roles: Mapping[str, DesiredRole]) -> tuple[Ending, ...]:
    """What our marks hold and no resource that still exists does.

    A holder that exists and could not be resolved (a conflict, an invalid name) ends nothing, and
    neither does a role that goes on under another name, which its oid tells.
    """
    accepted = situation.accepted
    observed = situation.server.roles
    names = {name for one in roles.values() for name in (one.name, one.renamed_from) if name}
    oids = {observed[name].oid for name in names if name in observed}
    found = []
    for name, mark in sorted(situation.own_marks().items()):
        holder = str(mark.holder)
        still_there = holder in accepted.state.resources or holder in accepted.state.held
        if name in names or still_there or mark.role_oid in oids:
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
                reassign_to=_successor(situation, entry),
            )
        )
    return tuple(found)


def _successor(situation: Situation, entry: Entry | None) -> str | None:
    """Who gets what it owned, where that is declared and allowed."""
    if entry is None or entry.kind == "Permission":
        return None
    named = entry.spec.reassign_owned_to
    return named if named and may_be_handed_to(situation, named) else None

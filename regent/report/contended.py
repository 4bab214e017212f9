"""What a correction is about, edge by edge, and what is told where it is undone (rule 26). Pure.

An edge is a role with one privilege on one object, a membership, or what else one change is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from regent.changes import AlterRole, Change, GrantPrivileges, RevokePrivileges, SetPassword
from regent.contention.tally import MOST_OF_ONE, Contended, Corrected
from regent.passes.one_pass import Pass
from regent.passes.outcomes import PAUSED
from regent.plan.describe import describe
from shared.drift_text import undone, who
from shared.http import ContendedBody
from shared.outcomes import CONTENDED, Actor, Drift, Outcome

SHOWN = 20


def corrections(change: Change, actor: Actor, resources: tuple[str, ...]) -> Iterator[Corrected]:
    """The edges of a change that was carried out, as what somebody undid."""
    by = who(actor, with_pid=False)
    for one in islice(_edges(change), MOST_OF_ONE):
        is_access = isinstance(one, SetPassword) or (
            isinstance(one, AlterRole) and one.login is not None
        )
        yield Corrected(describe(one), by, one.whose, resources, is_access)


def edges_of(changes: Iterable[Change]) -> frozenset[str]:
    """What the edges of these are called."""
    return frozenset(
        describe(one) for change in changes for one in islice(_edges(change), MOST_OF_ONE)
    )


def _edges(change: Change) -> Iterator[Change]:
    if not isinstance(change, GrantPrivileges | RevokePrivileges):
        yield change
        return
    for one in change.objects:
        for grantee in change.grantees:
            for privilege in sorted(change.privileges):
                yield replace(
                    change, objects=(one,), grantees=(grantee,), privileges=frozenset({privilege})
                )


def contentions(
    regent: str, one: Pass, begun: Iterable[Contended], actors: Mapping[str, Actor]
) -> tuple[Drift, ...]:
    """One entry of the history for each edge that has just become contended."""
    return tuple(
        Drift(
            regent=regent,
            what=f"contended: {edge.edge}",
            deed=f"what corrects it was {undone(edge.times)} ({edge.edge})",
            correction=CONTENDED,
            object=edge.edge,
            role=edge.role,
            resources=edge.resources,
            found_at=one.found_at,
            corrected_at=one.corrected_at,
            actor=actors[edge.edge],
            action=CONTENDED,
        )
        for edge in begun
    )


def contended_bodies(found: Iterable[Contended]) -> tuple[ContendedBody, ...]:
    """The first of them, for the status."""
    return tuple(
        ContendedBody(
            edge=one.edge,
            times=one.times,
            by=one.by,
            role=one.role,
            resources=one.resources,
            waits=one.waits,
        )
        for one in islice(found, SHOWN)
    )


def with_contended(
    outcomes: Mapping[str, Outcome], found: Iterable[Contended]
) -> Mapping[str, Outcome]:
    """The outcomes, with a note on each resource whose edge is contended.

    Who is put out as often as he is let in is not as declared, whatever the last look saw.
    """
    changed = dict(outcomes)
    for one in islice(found, SHOWN):
        for key in one.resources:
            if (outcome := changed.get(key)) is not None:
                notes = (*outcome.notes, f"Contended: {one}.")
                update: dict[str, object] = {"notes": notes}
                if one.is_access and (outcome.state == "Ready" or outcome.reason == PAUSED):
                    is_said = outcome.state == "Ready"
                    update = {
                        "notes": notes if is_said else (*notes, outcome.message),
                        "state": "Stalled",
                        "reason": "Contended",
                        "message": _fight(one),
                    }
                changed[key] = outcome.model_copy(update=update)
    return changed


def _fight(one: Contended) -> str:
    return (
        f"{one}. Whoever that is does not let it be as declared: end what does it, or have the two"
        " agree."
    )

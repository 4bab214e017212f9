"""Deleted resources whose role's access goes on: told of until a pass has seen it end. Pure.

Also while the Regent only looks: a look that leaves LOGIN as it is has ended nothing (ADR 30).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from regent.gate.refusals import Refusal, role_that_ends
from regent.passes.look import Looked
from regent.plan.describe import describe
from regent.plan.handing_over import handed_to_another
from regent.reach import POWERFUL_ATTRIBUTES
from shared.outcomes import Outcome


def unended(last: Looked) -> Mapping[str, Outcome]:
    """One outcome for each of them, by resource. What the brake withholds is told elsewhere."""
    withheld = {loss.role for loss in last.verdict.withheld}
    refused = {role: one for one in last.refused if (role := role_that_ends(one.change))}
    found = {}
    state = last.resolution.accepted.state
    for ending in last.resolution.desired.endings:
        if ending.retain or ending.name in withheld:
            continue
        if (key := str(ending.holder)) in state.resources or key in state.held:
            continue  # it left the role for another one, and is told with what is open of it
        why = "; ".join(_going_on(last, ending.name))
        if why:
            refusal = refused.get(ending.name)
            found[key] = Outcome(
                resource=key,
                generation=0,
                state="Stalled" if refusal else "Reconciling",
                reason="AccessGoesOn",
                message=f"It is deleted, and the access of {ending.name!r} has not ended: {why}."
                + (_refused(refusal) if refusal else ""),
            )
    return found | _handed_over(last)


def _handed_over(last: Looked) -> dict[str, Outcome]:
    """A role that goes to another person, while whoever had it is still in."""
    found = {}
    desired, state = last.resolution.desired, last.resolution.accepted.state
    for name in last.wanted.strangers & handed_to_another(last.wanted.changes):
        role = desired.roles[name]
        former = last.holders.get(role.marked_as or role.renamed_from or name)
        key = str(former)
        if former is None or key in state.resources or key in state.held:
            continue
        found[key] = Outcome(
            resource=key,
            generation=0,
            state="Reconciling",
            reason="AccessGoesOn",
            message=f"It is deleted, and whoever had {name!r} may still use it. Its role is handed"
            f" over to {desired.roles[name].holder} when that has ended.",
        )
    return found


def _refused(one: Refusal) -> str:
    said = f"{one.message} ({one.sqlstate}) {one.way_out}"
    return f" The server refuses to {describe(one.change)}: {said}"


def _going_on(last: Looked, role: str) -> Iterator[str]:
    server = last.observed.server
    observed = server.roles.get(role)
    if observed is None:
        return
    if last.restraint is not None:
        yield f"nothing of it is taken away. {last.restraint.message.rstrip('.')}"
    if observed.login:
        yield "it may still log in"
    if role in server.lingering:
        yield "it has sessions"
    kept = [one.upper() for one in POWERFUL_ATTRIBUTES if getattr(observed.attributes, one)]
    if kept:
        yield f"it keeps {' and '.join(kept)}, and so does its code"
    if server.prepared:
        yield (
            f"the prepared transaction {server.prepared[0]!r} changed roles, and may bring LOGIN"
            " back. Run ROLLBACK PREPARED, or commit it"
        )
    if role in server.granted_to:
        yield (
            "a prepared transaction grants it something (see pg_prepared_xacts). Run ROLLBACK"
            " PREPARED, or commit it"
        )

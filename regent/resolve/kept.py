"""Who does not get its new name keeps the role that it has, whole, under its old name. Pure.

What it declares holds there: so `enabled: false`, an expiry and a narrowed `allow` end what they
end at once, and nobody loses a membership because a name was taken (ADR 39). Where the Regent lists
that name no more, the role gets nothing of its own beyond what it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from regent.reach import PROVIDER_ROLES
from regent.remembered import Mark
from regent.resolve.allowed import name_refused_by
from regent.resolve.context import Claim, Context
from regent.resolve.situation import Situation
from shared.keys import ResourceKey
from shared.names import OWNER_ROLE


def kept(situation: Situation, claim: Claim) -> tuple[Claim, ...]:
    """What is left of a claim that was refused: nothing, its role, or the roles of both."""
    found = tuple(_roles(situation, claim))
    is_one = len(found) == 1
    return tuple(
        Claim(
            name,
            claim.role if is_one or key == claim.role else None,
            claim.user if is_one or key == claim.user else None,
            key,
            mark,
            observed,
            adopted=mark.released,
            is_bounded=bool(name_refused_by(situation, key.namespace, mark.role)),
        )
        for key, mark in found
        for name, observed in [_names(situation, mark)]
    )


def note_bounded(context: Context) -> None:
    """Say of each role whose name is listed no more what becomes of it; its trouble says why."""
    for key, claim in context.granted.items():
        if claim.is_bounded:
            context.findings.note(
                key,
                f"The role {claim.name!r} keeps what it has and is declared, and gets nothing more"
                " of its own until the Regent lists its name again. Delete this resource to end"
                " it.",
            )


def kept_names(context: Context) -> Mapping[tuple[str, str], str]:
    """What roles are called that did not get the name that is declared, by namespace and that."""
    found = {}
    for key, claim in context.granted.items():
        declared = context.listed.entries[key].spec.postgres_name(key.name)
        if declared != claim.name:
            found[key.namespace, declared] = claim.name
    return found


def _roles(situation: Situation, claim: Claim) -> Iterator[tuple[ResourceKey, Mark]]:
    for key in claim.declared_by:
        for mark in situation.marked.mine_by_holder.get(key, ()):
            if _may_stay(situation, mark):
                yield key, mark
                break


def _may_stay(situation: Situation, mark: Mark) -> bool:
    """It is there, it is ours, and its name is nobody else's."""
    marked, server = situation.marked, situation.server
    if mark.role in PROVIDER_ROLES | server.own_admins | {OWNER_ROLE} or marked.is_remade(mark):
        return False
    there = marked.observed_name(mark)
    if mark.released and there in situation.standing.admins:
        return False
    if there is None or there == mark.role or mark.role not in server.roles:
        return there is not None
    return there not in marked.by_role


def _names(situation: Situation, mark: Mark) -> tuple[str, str | None]:
    """What it is to be called, and what somebody called it behind us, where it gets that back.

    Where another role took its name meanwhile, it stays what it was called.
    """
    there = situation.marked.observed_name(mark)
    if there is None or there == mark.role:
        return mark.role, None
    return (there, None) if mark.role in situation.server.roles else (mark.role, there)

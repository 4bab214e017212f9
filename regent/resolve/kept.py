"""Who does not get its new name keeps the role that it has, whole, under its old name. Pure.

What it declares holds there: so `enabled: false`, an expiry and a narrowed `allow` end what they
end at once, and nobody loses a membership because a name was taken (ADR 39).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from regent.reach import PROVIDER_ROLES
from regent.remembered import Mark
from regent.resolve.context import Claim, Context
from regent.resolve.situation import Situation
from shared.keys import ResourceKey
from shared.names import OWNER_ROLE


def kept(situation: Situation, claim: Claim) -> tuple[Claim, ...]:
    """What is left of a claim that was refused: nothing, its role, or the roles of both."""
    found = tuple(_roles(situation, claim))
    if len(found) == 1:
        ((key, mark),) = found
        return (Claim(mark.role, claim.role, claim.user, key, mark, _elsewhere(situation, mark)),)
    return tuple(
        Claim(
            mark.role,
            key if key == claim.role else None,
            key if key == claim.user else None,
            key,
            mark,
            _elsewhere(situation, mark),
        )
        for key, mark in found
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
    if mark.role in PROVIDER_ROLES | {server.admin, OWNER_ROLE} or marked.is_remade(mark):
        return False
    there = marked.observed_name(mark)
    return there is not None and (there == mark.role or mark.role not in server.roles)


def _elsewhere(situation: Situation, mark: Mark) -> str | None:
    """The name that somebody gave it behind us."""
    there = situation.marked.observed_name(mark)
    return there if there != mark.role else None

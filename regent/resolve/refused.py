"""Adoptions and renames less those that are refused, in an order that is the same each time. Pure.

Whoever comes to a server that has been in use declares thousands of roles to adopt. So each claim
is judged once, and again only when a role that it names is not had after all.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush

from regent.resolve.adoption import (
    Listers,
    is_too_strong,
    refusal_to_adopt,
    refusal_to_rename,
)
from regent.resolve.context import Claim, Context
from regent.resolve.decided import Decided
from regent.resolve.kept import kept
from shared.keys import ResourceKey

Granted = Mapping[ResourceKey, Claim]
Turn = tuple[bool, str]
"""When a claim is judged: adoptions first, then renames (True), each by name."""


def without_refused_adoptions(context: Context) -> Granted:
    """The claims that may be made. One that is refused may be what another one counted on.

    The first that is refused is always taken back first, and whoever names it is judged again: so
    each is refused for what is so when its turn comes.
    """
    turns = _turns(context)
    if not turns:
        return context.granted
    decided = Decided.of(context)
    listers = _listers(context, turns)
    concerned = _concerned(context, turns)
    left = sorted(turns)  # a heap
    waiting = set(left)
    while left:
        turn = heappop(left)
        waiting.discard(turn)
        claim = turns[turn]
        if decided.granted.get(claim.holder) is not claim:
            continue
        refusal = (
            refusal_to_rename(decided, claim, listers)
            if turn[0]
            else refusal_to_adopt(decided, claim)
        )
        if refusal is None:
            continue
        for key in claim.declared_by:
            context.findings.trouble(key, *refusal)
        context.findings.taken_back.discard(claim.name)
        decided.take_back(claim)
        for one in kept(context.situation, claim) if turn[0] else ():
            decided.keep(one)
        names = {name for key in claim.declared_by for name in decided.names_of(key)}
        for again in {turn for name in names for turn in concerned.get(name, ())} - waiting:
            waiting.add(again)
            heappush(left, again)
    return decided.granted


def _turns(context: Context) -> Mapping[Turn, Claim]:
    found: dict[Turn, Claim] = {}
    for claim in context.granted.values():
        if claim.adopted:
            found[False, claim.name] = claim
        if _is_renamed(claim):
            found[True, claim.name] = claim
    return found


def _concerned(context: Context, turns: Mapping[Turn, Claim]) -> Mapping[str, list[Turn]]:
    """By the name of a role that may not be had after all: who may be refused for that.

    Who was adoptable before is so no more only where it would stay in a group that is too strong,
    and a rename only where nobody else has the former name.
    """
    groups_of = context.situation.standing.reaches.groups_of
    found: dict[str, list[Turn]] = {}
    for turn, claim in turns.items():
        names = [claim.observed_name or ""] if turn[0] else groups_of.get(claim.current_name, ())
        for name in names:
            found.setdefault(name, []).append(turn)
    return {
        name: [turn for turn in asked if turn[0] or is_strong]
        for name, asked in found.items()
        if (is_strong := is_too_strong(context.situation, name)) or any(turn[0] for turn in asked)
    }


def _listers(context: Context, turns: Mapping[Turn, Claim]) -> Listers:
    """Of the former names of roles that are to be renamed."""
    found: dict[tuple[str, str], list[ResourceKey]] = {
        (claim.holder.namespace, claim.observed_name or ""): []
        for (is_rename, _), claim in turns.items()
        if is_rename
    }
    for key in sorted(context.granted) if found else ():
        for one in context.listed.entries[key].spec.member_of:
            if (key.namespace, one.role) in found:
                found[key.namespace, one.role].append(key)
    return found


def _is_renamed(claim: Claim) -> bool:
    """By its own resource. With `renamedFrom` the former name goes on to be understood."""
    mark = claim.mark
    return (
        mark is not None
        and claim.observed_name == mark.role != claim.name
        and mark.holder in claim.declared_by
    )

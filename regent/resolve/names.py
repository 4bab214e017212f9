"""Names that move: who is asked first, and what becomes of whoever is refused (rule 7). Pure.

A name may be taken in the push in which its role gets another one. So whoever has the role is
decided first: where that one moves on, the name is free; where it stays, or does not get what it
asked for, the name is not to be had; where it took over another role, this one is handed over like
a leaver's. In a ring nobody can be first: the roles stay, and are handed on (ADR 33, ADR 39).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from regent.remembered import Mark
from regent.resolve.claims import Court, grouped, may_not_have
from regent.resolve.context import Claim, Context
from regent.resolve.kept import kept
from shared.keys import ResourceKey

Roles = tuple[Claim, ...]
"""What became of a claim: itself, what its resources have already, or nothing."""


def grant_claims(context: Context) -> Mapping[ResourceKey, Claim]:
    """Every Role and User that has a role, with the claim it is part of."""
    turns = _Turns.of(context, tuple(grouped(context.listed)))
    for claim in turns.claims:
        turns.decide(claim)
    return {
        key: one
        for claim in turns.claims
        for one in turns.decided[claim]
        for key in one.declared_by
    }


@dataclass(frozen=True, slots=True)
class _Turns:
    """`decided` grows; `claim_of` are the claims by their resources, `winners` have no rival.

    Of those that are `swapped` somebody gave all the names around: each gets its own back, as the
    role of this mark, which has it, gets another one.
    """

    context: Context
    court: Court
    claims: Roles
    claim_of: Mapping[ResourceKey, Claim]
    winners: frozenset[Claim]
    swapped: Mapping[Claim, Mark]
    decided: dict[Claim, Roles] = field(default_factory=dict)

    @classmethod
    def of(cls, context: Context, claims: Roles) -> _Turns:
        """Who has no rival for its name is known by the marks alone; the others are told."""
        court = Court(context.situation, context.listed, context.findings)
        by_name: dict[str, list[Claim]] = {}
        for claim in claims:
            by_name.setdefault(claim.name, []).append(claim)
        found = (
            court.winner(name, court.entitled(those) if len(those) > 1 else those)
            for name, those in by_name.items()
        )
        winners = frozenset(one for one in found if one is not None)
        claim_of = {key: claim for claim in claims for key in claim.declared_by}
        swapped = _swapped(context, winners)
        return cls(context, court, claims, claim_of, winners, swapped)

    def decide(self, claim: Claim) -> None:
        """Along whoever must be asked first; a chain is as long as somebody makes it."""
        path = {claim: None}
        last = claim
        while last not in self.decided:
            before = self._asked_first(last)
            if before is None:
                break
            if before in path:
                names = list(path)
                self._ring(names[names.index(before) :])
                break
            path[before] = None
            last = before
        for one in reversed(path):
            if one not in self.decided:
                self.decided[one] = self._decided(one)

    def _asked_first(self, claim: Claim) -> Claim | None:
        """The one that has the role of this name, and declares another name."""
        mark = self.context.situation.marked.held.get(claim.name)
        if claim not in self.winners or mark is None or mark.holder in claim.declared_by:
            return None
        return self.claim_of.get(mark.holder)

    def _decided(self, claim: Claim) -> Roles:
        before, marked = self._asked_first(claim), self.context.situation.marked
        vacated = self.swapped.get(claim)
        if before is not None:
            mark = marked.held[claim.name]
            roles = self.decided[before]
            if not roles or any((one.mark, one.name) == (mark, mark.role) for one in roles):
                self.court.still_anothers(claim, mark.holder)
                return self._kept(claim)
            vacated = mark if any(one.mark == mark for one in roles) else None
        settled = self.court.settled(claim, vacated) if claim in self.winners else None
        return (settled,) if settled is not None else self._kept(claim)

    def _ring(self, claims: Iterable[Claim]) -> None:
        """All of them or none: each gets what another one has."""
        settled = {claim: self.court.settled(claim) for claim in claims}
        is_whole = None not in settled.values()
        for claim, one in settled.items():
            if is_whole and one is not None:
                self.decided[claim] = (one,)
                continue
            if one is not None:
                mark = self.context.situation.marked.held[claim.name]
                self.court.still_anothers(claim, mark.holder)
            self.decided[claim] = self._kept(claim)

    def _kept(self, claim: Claim) -> Roles:
        return kept(self.context.situation, claim)


def _swapped(context: Context, winners: Collection[Claim]) -> Mapping[Claim, Mark]:
    """Whose names somebody gave around by hand, with the mark of the role that has its name."""
    marked = context.situation.marked
    own = {claim: mark for claim in winners if (mark := _misnamed(context, claim)) is not None}
    has = {marked.names[mark.role_oid]: claim for claim, mark in own.items()}
    found: dict[Claim, Mark] = {}
    seen: set[Claim] = set()
    for claim in own:
        ring: list[Claim] = []
        one: Claim | None = claim
        while one is not None and one not in seen:
            seen.add(one)
            ring.append(one)
            one = has.get(one.name)
        if ring and one is claim:
            found |= {each: own[has[each.name]] for each in ring}
    return found


def _misnamed(context: Context, claim: Claim) -> Mark | None:
    """The mark in force on the very name that is declared, whose role is called otherwise."""
    situation = context.situation
    mark = situation.marked.mine.get(claim.name)
    if mark is None or mark.holder not in claim.declared_by:
        return None
    there = situation.marked.names.get(mark.role_oid)
    if there is None or there == claim.name or may_not_have(situation, claim):
        return None
    return mark

"""The brake: a mistake in Git must not take production's access away (rule 20). Pure.

What would be lost is what the new state's plan takes and the plan of the *baseline* (the last state
whose losses were let through) would not take on the same catalog. So correcting drift, which both
plans do, is never counted, and nothing needs to be written down when a privilege is given.

A role that is adopted, renamed or handed over since the baseline is in nobody's authority there,
marked or not (ADR 14).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from regent.changes import Change, Effect, GrantPrivileges, Plan
from regent.desired import Desired
from regent.gate.falling import by_another, falling, given_again
from regent.gate.given import may_speak_of
from regent.gate.identities import BY_NAME, Identities
from regent.gate.limits import limits_exceeded
from regent.gate.losses import EXISTS, ROLE, Atom, losses, without
from regent.gate.preparations import without_preparations
from regent.gate.widest import Layer
from regent.observed import ObservedServer
from regent.plan.handing_over import (
    NOBODY,
    Names,
    handed_to_another,
    withheld_as_a_whole,
    without_adoptions,
    without_passwords,
)
from regent.plan.newcomers import Known, without_newcomers
from regent.remembered import AcceptedState, BrakeMemory, Loss
from shared.consent import Consent, digest_of
from shared.resources import Brake
from shared.state import DesiredState


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be done now, and what waits for a release."""

    plan: Plan
    withheld: tuple[Loss, ...] = ()
    withheld_changes: tuple[Change, ...] = ()
    let_through: tuple[Loss, ...] = ()
    lost: frozenset[Atom] = frozenset()
    """What was let through, atom by atom: no drift, and not counted again in the same pass."""
    names: Names = NOBODY
    """What names these, to be remembered."""
    digest: str = ""
    waiting: tuple[Change, ...] = ()
    """What is not done yet, because it hands on a role that still has more than is declared."""
    idle: frozenset[int] = frozenset()
    """The layers of what was given since that nothing withheld needs."""
    needing: Names | None = None
    """The roles of which something is withheld that needs one; None: that cannot be said."""
    why: str = ""
    """Which limit the withheld losses are beyond, with the numbers."""
    heard: str = ""
    """The release that was there when it was judged."""

    @property
    def is_pulled(self) -> bool:
        """Something waits for a release."""
        return bool(self.withheld)

    @property
    def waiting_for_release(self) -> tuple[Change, ...]:
        """What it withholds that is no loss: it hands on what stays, or gives that again."""
        return tuple(
            one
            for one in self.withheld_changes
            if one.effect < Effect.CLOSE or isinstance(one, GrantPrivileges)
        )

    def is_released_by(self, memory: BrakeMemory) -> bool:
        """True if a person has released exactly these losses."""
        return Consent("Brake", memory.released_digest).fits(Consent("Brake", self.digest))


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two states and what each would do to the catalog as it is.

    `adopted` are roles that the new one takes or took since the baseline, `handed` those that have
    another holder since, `unspoken` those of which the baseline and the layers say nothing by that.
    """

    plan: Plan
    desired: Desired
    baseline_plan: Plan
    baseline_desired: Desired
    server: ObservedServer | None = None
    adopted: Names = NOBODY
    handed: Names = NOBODY
    unspoken: Names = NOBODY
    given: tuple[tuple[Plan, Desired], ...] = ()
    """What was given since the baseline, layer by layer, and what each would do."""
    identities: Identities = BY_NAME
    """What was let through before is told by these."""

    @property
    def known(self) -> tuple[Desired, ...]:
        """All that gave something: taking it away is a loss."""
        return (self.baseline_desired, *(desired for _, desired in self.given))


def judge(
    compared: Comparison, memory: BrakeMemory, accepted: AcceptedState, now: datetime
) -> Verdict:
    """Split the plan: gains and drift apply, losses apply or are withheld.

    What was let through of this accepted state before is not judged again.
    """
    baseline = _lost(compared.baseline_plan, compared)
    given = tuple(_lost(plan, compared) for plan, _ in compared.given)
    lost = _lost(compared.plan, compared) - baseline.intersection(*given) - _retained(compared)
    before = let_through_before(memory, accepted)
    naming = compared.identities.name
    lost = frozenset(atom for atom in lost if naming(atom) not in before) if before else lost
    if not lost:
        return Verdict(compared.plan)
    named = _as_losses(lost)
    digest = digest_of_losses(named, accepted.state, memory)
    allowed = Verdict(compared.plan, let_through=named, lost=lost, digest=digest)
    if allowed.is_released_by(memory):
        return replace(allowed, names=frozenset(map(naming, lost)))
    settings = accepted.state.regent.spec.brake or Brake()
    why = limits_exceeded(lost, compared.desired, compared.known, memory, now, settings)
    if not why:
        return replace(allowed, names=frozenset(map(naming, lost)))
    reduced, touched = _without(lost, compared)
    reduced, held = _without_handing_on(reduced, touched, compared)
    split = without_preparations(compared.plan, reduced)
    verdict = Verdict(
        split.plan,
        withheld=named,
        withheld_changes=(*touched, *held, *split.waiting),
        digest=digest,
        why=why,
        heard=memory.released_digest,
    )
    if memory.baseline is None:  # What is reckoned then is another one in each state.
        return verdict
    idle = _idle(lost & baseline, given) - _speaking(memory.given, lost, compared.unspoken)
    return replace(verdict, idle=idle, needing=_roles(lost & baseline) | compared.unspoken)


def _lost(plan: Plan, compared: Comparison) -> frozenset[Atom]:
    """What somebody loses by the plan: no membership that he has by another grantor at once."""
    lost = losses(plan)
    return lost if compared.server is None else lost - given_again(plan, compared.server)


def _without(lost: frozenset[Atom], compared: Comparison) -> tuple[Plan, tuple[Change, ...]]:
    """The plan less these losses. Who has one by what goes all the same has it by us instead."""
    server = compared.server
    if server is None:
        return without(compared.plan, lost)
    fallen = falling(compared.plan, lost, server, compared.desired) & lost
    reduced, touched = without(compared.plan, lost - fallen)
    if not fallen:
        return reduced, touched
    waiting = without(compared.plan, lost)[1]
    return by_another(reduced, compared.plan, fallen, server), waiting


def _speaking(layers: tuple[Layer, ...], lost: frozenset[Atom], unspoken: Names) -> frozenset[int]:
    """The layers that may have given what is lost of roles of which nothing is said for now."""
    roles = _roles(lost) & unspoken
    return frozenset(
        index for index, layer in enumerate(layers) if roles and may_speak_of(layer, roles)
    )


def _roles(lost: frozenset[Atom]) -> Names:
    return frozenset(role for atom in lost for role in atom.roles)


def _idle(lost: frozenset[Atom], given: tuple[frozenset[Atom], ...]) -> frozenset[int]:
    """The layers without which the same is lost; the latest ones are kept."""
    idle: set[int] = set()
    for index in reversed(range(len(given))):
        if lost <= given[index]:
            idle.add(index)
        lost &= given[index]
    return frozenset(idle)


def _without_handing_on(
    plan: Plan, touched: tuple[Change, ...], compared: Comparison
) -> tuple[Plan, tuple[Change, ...]]:
    """An adoption waits as a whole with its losses; the password of a role for another holder too.

    And so does who becomes a member of a role that keeps what is withheld, or is let in by one.
    Else whoever gets the role would have what is withheld: exactly what nobody declared for him.
    """
    server = compared.server
    if server is None:
        return plan, ()
    adoptions = withheld_as_a_whole(touched, compared.adopted, server)
    first = without_adoptions(plan, adoptions, compared.desired, server)
    handed = withheld_as_a_whole(touched, compared.handed, server)
    others = handed & handed_to_another(compared.plan.changes)
    second = without_adoptions(first.plan, others, compared.desired, server)
    third = without_passwords(second.plan, handed)
    kept = (*touched, *first.waiting, *second.waiting)
    fourth = without_newcomers(third.plan, kept, Known.by(compared.baseline_desired), server)
    return fourth.plan, (*first.waiting, *second.waiting, *third.waiting, *fourth.waiting)


def digest_of_losses(lost: Iterable[Loss], state: DesiredState, memory: BrakeMemory) -> str:
    """Names exactly these losses of exactly these declarations, this time: a release is good once.

    The times are told apart by how often the brake let go, and from which baseline. Verifiers do
    not count: the salt of a password that is not in force yet is another in each plan, and what a
    person saw in a plan shall be what `apply --release` lets through.
    """
    declared = json.dumps(
        state.model_dump(mode="json", include={"regent", "resources"}), sort_keys=True
    )
    since = memory.baseline.edition if memory.baseline else ""
    named = "\n".join(f"{x.role}|{x.kind}|{x.privilege}|{x.detail}" for x in lost)
    return digest_of(str(memory.latches), str(since), declared, named)


def let_through_before(memory: BrakeMemory, accepted: AcceptedState) -> Names:
    """The losses that were let through of this accepted state, while it is not the baseline."""
    return memory.let_through if memory.let_through_of == str(accepted.edition) else NOBODY


def _retained(compared: Comparison) -> frozenset[Atom]:
    """A role whose end is to be left as it is loses nothing."""
    return frozenset(
        Atom(ending.name, ROLE, EXISTS) for ending in compared.desired.endings if ending.retain
    )


def _as_losses(lost: frozenset[Atom]) -> tuple[Loss, ...]:
    return tuple(
        Loss(role=role, kind=kind, privilege=privilege, detail=detail)
        for role, kind, privilege, detail in sorted(atom.words for atom in lost)
    )

"""The brake: a mistake in Git must not take production's access away (rule 20). Pure.

What would be lost is what the new state's plan takes and the plan of the *baseline* (the last state
whose losses were let through) would not take on the same catalog. So correcting drift, which both
plans do, is never counted, and nothing needs to be written down when a privilege is given.

The judgement is one per accepted state, over all looks and restarts (ADR 14): a role that is
adopted, renamed or handed over since the baseline is in nobody's authority there, marked or not.

Long because the judgement and what is remembered of it are read together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from regent.changes import Change, Plan
from regent.desired import Desired
from regent.gate.ends import ended
from regent.gate.given import layers_with, states_since
from regent.gate.losses import EXISTS, LOGIN, ROLE, Atom, losses, name_of, without
from regent.gate.preparations import without_preparations
from regent.observed import ObservedServer
from regent.plan.handing_over import (
    NOBODY,
    Names,
    adopted_by,
    handed_by,
    held_as_a_whole,
    renamed_by,
    without_adoptions,
    without_passwords,
)
from regent.remembered import AcceptedState, BrakeMemory, Loss
from shared.keys import ResourceKey
from shared.resources import Brake, RegentSpec
from shared.state import DesiredState, Entry

HOUR = timedelta(hours=1)
FREE_DELETIONS = 2
"""Deletions an hour that are believed at once, unless they are the last login."""

Edge = tuple[str, str, str]
NO_HOLDERS: Mapping[str, ResourceKey] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be done now, and what waits for a release."""

    plan: Plan
    withheld: tuple[Loss, ...] = ()
    withheld_changes: tuple[Change, ...] = ()
    let_through: tuple[Loss, ...] = ()
    lost: frozenset[Atom] = frozenset()
    """What was let through, atom by atom: no drift, and not counted again in the same pass."""
    digest: str = ""
    waiting: tuple[Change, ...] = ()
    """What is not done yet, because it hands on a role that still has more than is declared."""
    idle: frozenset[int] = frozenset()
    """The layers of what was given since that nothing withheld needs."""
    why: str = ""
    """Which limit the withheld losses are beyond, with the numbers."""
    heard: str = ""
    """The release that was there when it was judged."""

    @property
    def is_pulled(self) -> bool:
        """Something waits for a release."""
        return bool(self.withheld)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two states and what each would do to the catalog as it is.

    `adopted` are roles that the new one takes or took since the baseline, `handed` those that have
    another holder since.
    """

    plan: Plan
    desired: Desired
    baseline_plan: Plan
    baseline_desired: Desired
    server: ObservedServer | None = None
    adopted: Names = NOBODY
    handed: Names = NOBODY
    given: tuple[tuple[Plan, Desired], ...] = ()
    """What was given since the baseline, layer by layer, and what each would do."""

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
    baseline = losses(compared.baseline_plan)
    given = tuple(losses(plan) for plan, _ in compared.given)
    lost = losses(compared.plan) - baseline.intersection(*given) - _retained(compared)
    known = _known(memory, accepted)
    lost = frozenset(atom for atom in lost if name_of(atom) not in known) if known else lost
    if not lost:
        return Verdict(compared.plan)
    named = tuple(_named(lost))
    digest = digest_of(named, accepted.state, memory)
    spec = accepted.state.regent.spec
    why = "" if memory.released_digest == digest else _why(compared, lost, memory, spec, now)
    if not why:
        return Verdict(compared.plan, let_through=named, lost=lost, digest=digest)
    reduced, touched = without(compared.plan, lost)
    reduced, held = _without_handing_on(reduced, touched, compared)
    split = without_preparations(compared.plan, reduced)
    return Verdict(
        split.plan,
        withheld=named,
        withheld_changes=(*touched, *held, *split.waiting),
        digest=digest,
        idle=_idle(lost & baseline, given),
        why=why,
        heard=memory.released_digest,
    )


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

    Else whoever gets the role would have what is withheld: exactly what nobody declared for him.
    """
    server = compared.server
    if server is None:
        return plan, ()
    adoptions = held_as_a_whole(touched, compared.adopted, server)
    first = without_adoptions(plan, adoptions, compared.desired, server)
    handed = held_as_a_whole(touched, compared.handed, server)
    second = without_passwords(first.plan, handed)
    return second.plan, (*first.waiting, *second.waiting)


def digest_of(lost: Iterable[Loss], state: DesiredState, memory: BrakeMemory) -> str:
    """Names exactly these losses of exactly these declarations, this time: a release is good once.

    The times are told apart by how often the brake let go, and from which baseline. Verifiers do
    not count: the salt of a password that is not in force yet is another in each plan, and what a
    person saw in a plan shall be what `apply --release` lets through.
    """
    declared = json.dumps(
        state.model_dump(mode="json", include={"regent", "resources"}), sort_keys=True
    )
    since = memory.baseline.edition if memory.baseline else ""
    text = "\n".join(f"{x.role}|{x.kind}|{x.privilege}|{x.detail}" for x in lost)
    whole = f"{memory.latches}\n{since}\n{declared}\n{text}"
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def unjudged(memory: BrakeMemory, accepted: AcceptedState, adopted: Names) -> Names:
    """Roles whose adoption was not let through yet; `adopted` are those that have no mark yet.

    An adoption may become possible long after its state was judged, when an obstacle is gone.
    """
    if is_judged(memory, accepted):
        return memory.adopting | (adopted - memory.unfinished)
    return memory.adopting | adopted


def unmanaged(desired: Desired, names: Names) -> Desired:
    """What is desired, with these roles in nobody's authority; memberships stay declared."""
    if not names:
        return desired
    return replace(
        desired,
        roles={name: role for name, role in desired.roles.items() if name not in names},
        endings=tuple(one for one in desired.endings if one.name not in names),
        grants=desired.grants_without(names),
        adopted=desired.adopted - names,
    )


def explicit_baseline(
    baseline: AcceptedState, accepted: AcceptedState, memory: BrakeMemory, now: datetime
) -> AcceptedState:
    """The baseline with every explicit end already in it, so that none of these is counted.

    What ends.py lists, a narrowed `allow`, and up to two deletions an hour. Of a layer of what was
    given since it is the same.
    """
    resources = dict(baseline.state.resources)
    new = accepted.state.resources
    for key, entry in resources.items():
        resources[key] = ended(entry, new.get(key), now)
    deleted = (*deletions(baseline, accepted), *deletions_since(memory, accepted))
    departed = {**baseline.departed}
    if _are_free(deleted, memory, now) and not _is_last_login(resources, deleted):
        for key in deleted:
            resources.pop(key, None)
            departed[key] = accepted.departed[key]
    state = baseline.state.model_copy(
        update={"resources": resources, "regent": accepted.state.regent}
    )
    return baseline.model_copy(update={"state": state, "departed": departed})


def nothing_yet(accepted: AcceptedState, memory: BrakeMemory, now: datetime) -> AcceptedState:
    """The baseline before anything was ever let through: it gives nothing.

    Few deletions are believed at once here too: of roles that are taken back from a lost home.
    """
    gone = {key: one.entry for key, one in accepted.departed.items()}
    is_last = _is_last_login({**accepted.state.resources, **gone}, tuple(gone))
    departed = accepted.departed if _are_free(gone, memory, now) and not is_last else {}
    state = accepted.state.model_copy(update={"resources": {}, "held": {}, "deleted": ()})
    empty = {"state": state, "departed": departed, "before": {}, "since": {}}
    return accepted.model_copy(update=empty)


def deletions(baseline: AcceptedState, accepted: AcceptedState) -> tuple[str, ...]:
    """The Roles and Users of the baseline that are deleted now."""
    return tuple(
        key
        for key, entry in baseline.state.resources.items()
        if entry.kind != "Permission"
        and key not in accepted.state.resources
        and key in accepted.departed
    )


def deletions_since(memory: BrakeMemory, accepted: AcceptedState) -> tuple[str, ...]:
    """The Roles and Users that are deleted now, of the baseline and of what was given since."""
    known = memory.baseline.state.resources if memory.baseline else {}
    return tuple(
        key
        for key in dict.fromkeys((*known, *(key for layer in memory.given for key in layer)))
        if not key.startswith("Permission/")
        and key not in accepted.state.resources
        and key in accepted.departed
    )


def _are_free(deleted: Iterable[str], memory: BrakeMemory, now: datetime) -> bool:
    """Whether these, with those of the last hour, are few enough to be believed at once."""
    recent = {key for at, key in memory.deletions if now - at < HOUR}
    return len(recent.union(deleted)) <= FREE_DELETIONS


def given_since(
    memory: BrakeMemory, baseline: AcceptedState, accepted: AcceptedState, now: datetime
) -> tuple[AcceptedState, ...]:
    """What was given since the baseline, layer by layer, with every explicit end in it."""
    return tuple(
        explicit_baseline(one, accepted, memory, now)
        for one in states_since(baseline, memory.given)
    )


def is_judged(memory: BrakeMemory, accepted: AcceptedState) -> bool:
    """Whether all that this accepted state takes away was let through.

    By its edition: a push with the same content as the baseline's may take away something else.
    """
    return memory.baseline is not None and 0 < memory.baseline.edition == accepted.edition


def superseded(memory: BrakeMemory, previous: AcceptedState | None) -> BrakeMemory:
    """Before another state takes the place of `previous`, which no finished pass has judged.

    A pass that was cut off may have given half of it: what it gives counts as given.
    """
    if previous is None or memory.baseline is None or is_judged(memory, previous):
        return memory
    given = layers_with(memory.given, memory.baseline, previous)
    return memory if given == memory.given else memory.model_copy(update={"given": given})


def remember(
    memory: BrakeMemory,
    verdict: Verdict,
    accepted: AcceptedState,
    now: datetime,
    *,
    is_final: bool = True,
    holders: Mapping[str, ResourceKey] = NO_HOLDERS,
) -> BrakeMemory:
    """What the brake knows of a verdict; to be stored before anything is done about it.

    `is_final` says that all which this state takes away was judged: only then it is the baseline.
    `holders` are those of the marks as they are, by role. A release that the verdict has not
    heard of came after it was judged, and is for the next look.
    """
    taken = tuple((at, loss) for at, loss in memory.taken if now - at < HOUR)
    deleted = tuple((at, key) for at, key in memory.deletions if now - at < HOUR)
    known = {key for _, key in deleted}
    gone = deletions_since(memory, accepted)
    new = tuple((now, key) for key in gone if key not in known)
    if verdict.is_pulled:
        is_answered = memory.released_digest == verdict.heard
        idle = verdict.idle if is_final else frozenset[int]()
        return memory.model_copy(
            update={
                "taken": taken,
                "deletions": (*deleted, *new) if _are_free(gone, memory, now) else deleted,
                "pulled_at": memory.pulled_at or now,
                "given": layers_with(memory.given, memory.baseline, accepted, idle),
                "released_digest": "" if is_answered else memory.released_digest,
                **_begun(memory, verdict, holders),
            }
        )
    is_released = verdict.digest != "" and verdict.digest == memory.released_digest
    if not is_released:
        if memory.given or not is_judged(memory, accepted):
            deleted += new
        edges = {loss.edge: loss for loss in verdict.let_through}
        taken += tuple((now, loss.model_copy(update={"detail": ""})) for loss in edges.values())
    lets_go = is_released or memory.pulled_at is not None
    return memory.model_copy(
        update={
            "baseline": memory.baseline
            if is_judged(memory, accepted) or not is_final
            else accepted,
            "taken": taken,
            "deletions": deleted,
            "pulled_at": None,
            "released_digest": "",
            "latches": memory.latches + lets_go,
            **(_BASELINE_MOVED if is_final else _let_through(memory, verdict, accepted)),
            **({} if is_final else _begun(memory, verdict, holders)),
            "given": () if is_final else layers_with(memory.given, memory.baseline, accepted),
        }
    )


_BASELINE_MOVED: Mapping[str, object] = MappingProxyType(
    {
        "adopting": NOBODY,
        "renamed": NOBODY,
        "handed": NOBODY,
        "let_through": NOBODY,
        "let_through_of": "",
    }
)
"""Nothing was done since the baseline."""


def _begun(
    memory: BrakeMemory, verdict: Verdict, holders: Mapping[str, ResourceKey]
) -> Mapping[str, object]:
    """The roles whose marks will be others than the baseline knows."""
    changes = verdict.plan.changes
    return {
        "adopting": memory.adopting | adopted_by(changes),
        "renamed": memory.renamed | renamed_by(changes),
        "handed": memory.handed | handed_by(changes, holders),
    }


def _let_through(
    memory: BrakeMemory, verdict: Verdict, accepted: AcceptedState
) -> Mapping[str, object]:
    """What may go on to be taken though the baseline still gives it."""
    names = _known(memory, accepted) | {name_of(atom) for atom in verdict.lost}
    return {"let_through": names, "let_through_of": str(accepted.edition) if names else ""}


def _known(memory: BrakeMemory, accepted: AcceptedState) -> Names:
    """The losses that were let through of this accepted state, while it is not the baseline."""
    return memory.let_through if memory.let_through_of == str(accepted.edition) else NOBODY


def has_news(memory: BrakeMemory, before: BrakeMemory) -> bool:
    """Whether anything but the baseline is another."""
    parts = set(BrakeMemory.model_fields) - {"baseline"}
    return any(getattr(memory, part) != getattr(before, part) for part in parts)


def _is_last_login(resources: dict[str, Entry], deleted: tuple[str, ...]) -> bool:
    users = {
        key
        for key, entry in resources.items()
        if entry.kind == "User" and entry.spec.enabled is not False
    }
    return bool(users) and users <= set(deleted)


def _retained(compared: Comparison) -> frozenset[Atom]:
    """A role whose end is to be left as it is loses nothing."""
    return frozenset(
        (ending.name, ROLE, EXISTS, "") for ending in compared.desired.endings if ending.retain
    )


def _named(lost: frozenset[Atom]) -> Iterable[Loss]:
    for role, kind, privilege, detail in sorted(lost):
        yield Loss(role=role, kind=kind, privilege=privilege, detail=detail)


def _why(
    compared: Comparison,
    lost: frozenset[Atom],
    memory: BrakeMemory,
    spec: RegentSpec,
    now: datetime,
) -> str:
    """Every limit that the losses are beyond, with the numbers; empty when they may happen."""
    settings = spec.brake or Brake()
    if not settings.is_enabled:
        return ""
    recent = {loss.edge for at, loss in memory.taken if now - at < HOUR}
    edges: set[Edge] = {atom[:3] for atom in lost} | recent
    total = len(edges.union(*map(_edges, compared.known)))
    least, percent = settings.effective_minimum, settings.effective_percent
    found: list[str] = []
    if len(edges) >= least and len(edges) * 100 > percent * total:
        within = f", {len(recent)} of them within the last hour" if recent else ""
        found.append(
            f"{len(edges)} of {total} privileges, memberships and roles would go{within}: more than"
            f" {percent} % and at least {least}"
        )
    if _takes_most_roles(compared, edges):
        ended = {role for role, kind, what in edges if kind == ROLE and what == EXISTS}
        known = len(ended.union(*(one.roles for one in compared.known)))
        found.append(f"{len(ended)} of {known} roles would end: more than half")
    if _takes_last_login(compared, lost):
        found.append("the last role with LOGIN would lose it")
    if not found and memory.pulled_at is not None:
        found.append("it was pulled before and waits for a release")
    return "; ".join(found)


def _takes_most_roles(compared: Comparison, edges: set[Edge]) -> bool:
    ended = {role for role, kind, what in edges if kind == ROLE and what == EXISTS}
    return len(ended) * 2 > len(ended.union(*(one.roles for one in compared.known)))


def _takes_last_login(compared: Comparison, lost: frozenset[Atom]) -> bool:
    had = any(role.login for one in compared.known for role in one.roles.values())
    has = any(role.login for role in compared.desired.roles.values())
    return had and not has and any(atom[1:3] == (ROLE, LOGIN) for atom in lost)


def _edges(desired: Desired) -> set[Edge]:
    """Every (role x kind x privilege) that a state gives."""
    edges: set[Edge] = {(m.member, "MEMBERSHIP", m.group) for m in desired.memberships}
    for role in desired.roles.values():
        edges.add((role.name, ROLE, EXISTS))
        if role.login:
            edges.add((role.name, ROLE, LOGIN))
    for grants in desired.grants.values():
        for grant in grants:
            edges.update((g, grant.kind.value, p) for g in grant.grantees for p in grant.privileges)
    return edges

"""What the brake remembers of its verdicts, over looks, passes and restarts (rule 20). Pure.

It is stored before anything is done about a verdict. The judgement is one per accepted state
(ADR 14), and is not made anew by what is left of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from regent.gate.brake import Verdict, let_through_before
from regent.gate.consent import left_of
from regent.gate.deletions import HOUR, are_few, deletions
from regent.gate.given import given_with
from regent.gate.put_off import is_put_off, putting_off
from regent.plan.handing_over import NOBODY, Names, adopted_by, handed_by, renamed_by
from regent.remembered import AcceptedState, BrakeMemory, Loss
from shared.keys import ResourceKey

NO_HOLDERS: Mapping[str, ResourceKey] = MappingProxyType({})
_NOTHING_DONE_SINCE: Mapping[str, object] = MappingProxyType(
    {
        "adopting": NOBODY,
        "renamed": NOBODY,
        "handed": NOBODY,
        "let_through": NOBODY,
        "let_through_of": "",
        "given": (),
        "beyond": NOBODY,
    }
)
"""Of a new baseline."""


def is_judged(memory: BrakeMemory, accepted: AcceptedState) -> bool:
    """True if all that this accepted state takes away was let through.

    By its edition: a push with the same content as the baseline's may take away something else.
    """
    return memory.baseline is not None and 0 < memory.baseline.edition == accepted.edition


def adoptions_to_judge(memory: BrakeMemory, accepted: AcceptedState, adopted: Names) -> Names:
    """Roles whose adoption was not let through yet; `adopted` are those that have no mark yet.

    An adoption may become possible long after its state was judged, when an obstacle is gone.
    """
    if is_judged(memory, accepted):
        return memory.adopting | (adopted - memory.unfinished)
    return memory.adopting | adopted


def released(memory: BrakeMemory, digest: str) -> BrakeMemory:
    """Once a person has released the losses of this digest."""
    return memory.model_copy(update={"released_digest": digest})


def superseded(memory: BrakeMemory, previous: AcceptedState | None) -> BrakeMemory:
    """Before another state takes the place of `previous`, which no finished pass has judged.

    A pass that was cut off may have given half of it: what it gives counts as given.
    """
    if previous is None or is_judged(memory, previous):
        return memory
    updated = memory.model_copy(update=given_with(memory, previous))
    return updated if has_news(updated, memory) else memory


def remember(
    memory: BrakeMemory,
    verdict: Verdict,
    accepted: AcceptedState,
    now: datetime,
    *,
    is_final: bool = True,
    puts_off: bool = False,
    holders: Mapping[str, ResourceKey] = NO_HOLDERS,
) -> BrakeMemory:
    """What the brake knows of a verdict; to be stored before anything is done about it.

    `is_final` says that all which this state takes away was judged: only then it is the baseline.
    With `puts_off` that is all but the disabling of roles that nobody declares, which waits.
    `holders` are those of the marks as they are, by role.
    """
    taken = tuple((at, loss) for at, loss in memory.taken if now - at < HOUR)
    gone = deletions(memory, accepted)
    if verdict.is_pulled:
        counts = are_few(gone, memory, now)
        update = _withheld(memory, verdict, accepted, now, is_final=is_final)
    else:
        is_released = verdict.is_released_by(memory)
        counts = not is_released and bool(memory.given or not is_judged(memory, accepted))
        taken += () if is_released else _let_through_now(verdict, now)
        update = _let_go(memory, verdict, accepted, is_final=is_final, puts_off=puts_off)
    if verdict.is_pulled or not is_final:
        update |= _begun(memory, verdict, holders)
    deleted = {key: at for at, key in memory.deletions if now - at < HOUR}
    if counts:
        deleted |= {key: now for key in gone if key not in deleted}
    update |= {"taken": taken, "deletions": tuple((at, key) for key, at in deleted.items())}
    return memory.model_copy(update=update)


def has_news(memory: BrakeMemory, before: BrakeMemory) -> bool:
    """True if any field other than the baseline changed."""
    parts = set(BrakeMemory.model_fields) - {"baseline"}
    return any(getattr(memory, part) != getattr(before, part) for part in parts)


def _withheld(
    memory: BrakeMemory,
    verdict: Verdict,
    accepted: AcceptedState,
    now: datetime,
    *,
    is_final: bool,
) -> dict[str, object]:
    """Something waits: the baseline stands still, and what is given meanwhile is kept apart."""
    idle = verdict.idle if is_final else frozenset[int]()
    needing = verdict.needing if is_final else None
    return {
        "pulled_at": memory.pulled_at or now,
        "released_digest": left_of(memory.released_digest, verdict.heard),
        **given_with(memory, accepted, idle, needing),
    }


def _let_go(
    memory: BrakeMemory,
    verdict: Verdict,
    accepted: AcceptedState,
    *,
    is_final: bool,
    puts_off: bool,
) -> dict[str, object]:
    """Nothing waits: no release is left, and each digest is another one from now on."""
    lets_go = verdict.is_released_by(memory) or memory.pulled_at is not None
    update = {"pulled_at": None, "released_digest": "", "latches": memory.latches + lets_go}
    if is_final:
        baseline = _new_baseline(memory, accepted, puts_off=puts_off)
        return {**update, "baseline": baseline, **_NOTHING_DONE_SINCE}
    names = let_through_before(memory, accepted) | verdict.names
    return {
        **update,
        "let_through": names,
        "let_through_of": str(accepted.edition) if names else "",
        **given_with(memory, accepted),
    }


def _new_baseline(
    memory: BrakeMemory, accepted: AcceptedState, *, puts_off: bool
) -> AcceptedState | None:
    """The same one as long as nothing new was judged."""
    if is_judged(memory, accepted) and (puts_off or not is_put_off(memory, accepted)):
        return memory.baseline
    return putting_off(accepted, memory.baseline) if puts_off else accepted


def _let_through_now(verdict: Verdict, now: datetime) -> tuple[tuple[datetime, Loss], ...]:
    """What counts for an hour: each edge once."""
    edges = {loss.edge: loss for loss in verdict.let_through}
    return tuple((now, loss.model_copy(update={"detail": ""})) for loss in edges.values())


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

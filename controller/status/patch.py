"""The status that a resource of the cluster shall have, and whether it says anything new. Pure.

Rule 29: written when something other than a time changed. What no Regent has seen in its new
generation is not ready, and says so in the same write that observes the generation: `kubectl wait`
does not look at observedGeneration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from controller.kube.kinds import JsonObject, generation_of
from controller.regents.outcome import NOT_MET, NotReached, regent_outcome
from controller.status.conditions import (
    MAX_LEFTOVERS,
    Truth,
    conditions,
    regent_status,
    resource_status,
    transition,
    truth,
)
from controller.status.let_go import leftover, with_untold
from shared.drift_text import undone
from shared.http import DetectorBody, PauseBody, StatusBody
from shared.keys import ResourceKey
from shared.listing import first_of
from shared.outcomes import Outcome
from shared.utc import utc

PASS_TIME_EVERY = timedelta(minutes=1)
WAITING = ("WaitingForRegent", "No Regent has said anything about it yet.")
"""Of what nothing was ever said."""
PENDING = ("Progressing", "It was changed a moment ago and is on its way to its Regents.")
REGENT_AWAY = "RegentAway"
"""Of what was Ready when its Regent was seen last."""
SHOWN_PAUSES = 5
NOT_LOOKED = "No pass has looked since it was connected."
_TIMES = frozenset({"lastTransitionTime", "lastPassTime"})

Said = Mapping[ResourceKey, Outcome]
"""What each Regent said last of one resource."""


@dataclass(frozen=True, slots=True)
class RegentNews:
    """What there is to say of one Regent."""

    status: StatusBody | None = None
    trouble: NotReached | None = None
    drift: int | None = None
    """Differences that are not corrected; None: not known."""
    is_reached: bool = True
    """Whether its status is of now."""
    held: int = 0
    in_force_held: tuple[str, ...] = ()
    """Those of the held that were accepted before: what they gave goes on."""
    lack: NotReached | None = None
    """What is declared and not in force of what runs it, though it runs."""
    untold: tuple[ResourceKey, ...] = ()
    """What was let go while it could not hear of it: its access ends when it does."""

    @property
    def is_unknown(self) -> bool:
        """Nothing was heard of it yet: no reason to say anything else than before."""
        return self.status is None and self.trouble is not None and self.trouble == NOT_MET


def status_of(
    found: JsonObject,
    own: Outcome | None,
    said: Said,
    now: datetime,
    *,
    is_withdrawn: bool = False,
    away: frozenset[ResourceKey] = frozenset(),
) -> dict[str, Any] | None:
    """The status of a Permission, Role or User; None when nothing can be said yet.

    `is_withdrawn`: what the controller itself had said of it holds no more, and must not stay there
    until a Regent answers: a GitOps engine gives up what is Stalled. What was Ready on a Regent
    that is `away` is not known any more.
    """
    generation, before = generation_of(found), found.get("status") or {}
    shown: dict[ResourceKey | None, Outcome] = {
        regent: _of_this(outcome, generation, found["metadata"].get("uid"))
        for regent, outcome in (_listed(before, away) | dict(said)).items()
    }
    for regent, outcome in shown.items():
        if regent in away and outcome.is_ready:
            shown[regent] = _unseen(outcome, regent)
    if own is not None:
        shown[None] = own.model_copy(update={"generation": generation})
    if not shown:
        if not ready_condition(before):
            unknown = _pending(generation, WAITING)
            return {
                "observedGeneration": generation,
                "conditions": conditions(unknown, before, now, ready="Unknown"),
            }
        is_stale = is_ready(before) and before.get("observedGeneration") != generation
        was_away = ready_condition(before).get("reason") == REGENT_AWAY
        if not (is_stale or was_away or is_withdrawn):
            return None
        pending = _pending(generation)
        return {
            "observedGeneration": generation,
            "conditions": conditions(pending, before, now),
            **_last_on(found, pending),
        }
    status = resource_status(shown, before, now, unknown=REGENT_AWAY)
    if own is not None and len(shown) == 1:
        status |= _last_on(found, own)
    if any(regent is not None for regent in shown):
        status["readyCount"] = sum(
            1 for regent, outcome in shown.items() if regent is not None and outcome.is_ready
        )
    counted = [one.matches for one in said.values() if one.matches is not None]
    if counted and found["kind"] == "Permission":
        status["matches"] = sum(counted)
    return status


def _last_on(found: JsonObject, shown: Outcome) -> dict[str, Any]:
    """What it was on while it is on none: a Regent that is away does not lose it to a foreign one.

    Of its own namespace only, as placing asks (controller/core/placement.py).
    """
    kept = [
        {"namespace": key.namespace, "name": key.name, "state": shown.state, "reason": shown.reason}
        for key in sorted(regents_in(found.get("status") or {}))
        if key.namespace == found["metadata"].get("namespace")
    ]
    return {"regents": kept} if kept else {}


def regents_in(status: Mapping[str, Any]) -> frozenset[ResourceKey]:
    """The Regents that a status tells of; where it is on none, those on which it was last."""
    return frozenset(map(_regent_of, status.get("regents") or ()))


def lists(status: Mapping[str, Any], regents: frozenset[ResourceKey]) -> bool:
    """Whether a status tells of one of these Regents."""
    return bool(_listed(status, regents))


def _regent_of(entry: Mapping[str, Any]) -> ResourceKey:
    return ResourceKey("Regent", str(entry.get("namespace")), str(entry.get("name")))


def _listed(
    status: Mapping[str, Any], regents: frozenset[ResourceKey]
) -> dict[ResourceKey, Outcome]:
    """What it tells of them: another leader heard it, or this one before it started again."""
    found: dict[ResourceKey, Outcome] = {}
    for entry in status.get("regents") or () if regents else ():
        key = _regent_of(entry)
        if key in regents:
            generation = int(status.get("observedGeneration") or 0)
            found[key] = Outcome(
                resource="",
                generation=generation,
                state=entry.get("state"),
                reason=str(entry.get("reason")),
                message=str(ready_condition(status).get("message") or ""),
                matches=entry.get("matches"),
                notes=tuple(entry.get("notes") or ()),
            )
    return found


def _unseen(outcome: Outcome, regent: ResourceKey) -> Outcome:
    """Its words stay the same for as long as the Regent is away."""
    said = (
        f"Not known: {regent} is not reached, or does not reach its server; its own condition says"
        f" why. When it was seen last: {outcome.message}"
    )
    return Outcome(
        resource=outcome.resource,
        generation=outcome.generation,
        state="Reconciling",
        reason=REGENT_AWAY,
        message=said,
        matches=outcome.matches,
        notes=outcome.notes,
    )


def status_of_regent(
    found: JsonObject, key: ResourceKey, news: RegentNews, own: Outcome | None, now: datetime
) -> dict[str, Any]:
    """The status of a Regent, with `Drifted` and `DetectorHealthy`."""
    before = found.get("status") or {}
    generation = generation_of(found)
    outcome = own or regent_outcome(
        key, generation, news.status, news.trouble, news.in_force_held, news.lack
    )
    outcome = with_untold(outcome, news.untold).model_copy(update={"generation": generation})
    status = regent_status(outcome, news.status, before, now)
    if news.untold:
        left = [leftover(one) for one in news.untold]
        status["leftovers"] = [*left, *status.get("leftovers", ())][:MAX_LEFTOVERS]
    status["conditions"] += _knowledge(news, outcome, before, now)
    status["held"] = news.held
    if news.status is None:
        return status
    if news.is_reached and news.drift is not None:
        status["drift"] = news.drift
    if news.status.observing:
        status["observing"] = news.status.observing
    if news.status.last_pass_time is not None:
        status["lastPassTime"] = utc(news.status.last_pass_time)
    return status


def _knowledge(
    news: RegentNews, outcome: Outcome, before: Mapping[str, Any], now: datetime
) -> list[dict[str, Any]]:
    """`Drifted` and `DetectorHealthy`: Unknown where nobody can say.

    `Contended` and `Paused` only while somebody undoes what is corrected, or paused that of a role.
    """
    told = partial(transition, generation=outcome.generation, before=before, now=now)
    status = news.status
    if status is None or not news.is_reached or status.trouble is not None:
        why = f"Not known: {outcome.message}"
        kinds = ("Drifted", "DetectorHealthy")
        return [told(kind, "Unknown", outcome.reason, why) for kind in kinds]
    contended = (
        [told("Contended", "True", "Contended", _fights(status))] if status.contended else []
    )
    pauses = first_of([_pause(one) for one in status.paused], SHOWN_PAUSES)
    return [
        *contended,
        *([told("Paused", "True", "Paused", f"{pauses}.")] if pauses else []),
        told("Drifted", *_drifted(status, news.drift)),
        told("DetectorHealthy", *_healthy(status.detector)),
    ]


def _fights(status: StatusBody) -> str:
    first, more = status.contended[0], len(status.contended) - 1
    others = f"; and {more} more" if more else ""
    return (
        f"{first.edge}: {undone(first.times)}, {', '.join(first.by)}{others}."
        " Find out who does it: it is corrected, what gives back once a minute."
    )


def _pause(one: PauseBody) -> str:
    holds = f", which holds nothing: {one.not_held}" if one.not_held else ""
    return f"{one.role} until {utc(one.until)}, by {one.by} ({one.reason}){holds}"


def _changes(count: int) -> str:
    return "1 change" if count == 1 else f"{count} changes"


def _healthy(detector: DetectorBody) -> tuple[Truth, str, str]:
    if detector.mode == "None":
        return "Unknown", "NotLookedYet", NOT_LOOKED
    said = detector.message or f"It learns of changes by {detector.mode}."
    return truth(detector.healthy), detector.mode, said


def _drifted(status: StatusBody, drift: int | None) -> tuple[Truth, str, str]:
    """InSync only where a pass has looked everywhere, and holds nothing back."""
    if drift is None or not status.looked:
        return "Unknown", "NotLookedYet", NOT_LOOKED
    if drift:
        count = "1 difference is" if drift == 1 else f"{drift} differences are"
        return "True", "Drifted", f"{count} not corrected."
    if status.brake.pulled:
        losses = status.brake.loss_count
        count = "1 loss is" if losses == 1 else f"{losses} losses are"
        said = f"{count} withheld, which the declarations ask for: release or correct them."
        return "True", "LossesWithheld", said
    if status.observing:
        return "Unknown", status.restraint or "Observing", status.observing
    if status.unread:
        return "Unknown", "DatabaseUnreachable", f"Not read: {', '.join(sorted(status.unread))}."
    if waiting := [one.edge for one in status.contended if one.waits]:
        said = f"Put off, as others undo it again and again: {first_of(waiting, SHOWN_PAUSES)}."
        return "True", "Contended", said
    if held := [f"{one.role} ({_changes(one.held)})" for one in status.paused if one.held]:
        said = f"Not corrected until the end of a pause: {first_of(held, SHOWN_PAUSES)}."
        return "Unknown", "Paused", said
    return "False", "InSync", "Nothing that somebody changed is left as it was changed."


def is_news(status: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether it differs from what is there in more than a time, or its time is a minute old."""
    if _timeless(status) != _timeless(before):
        return True
    passed, written = status.get("lastPassTime"), before.get("lastPassTime")
    if passed is None or passed == written:
        return False
    return written is None or _read(passed) - _read(written) >= PASS_TIME_EVERY


def is_ready(status: Mapping[str, Any]) -> bool:
    """Whether the condition Ready is True."""
    return ready_condition(status).get("status") == "True"


def is_stalled(status: Mapping[str, Any]) -> bool:
    """Whether a person has to do something."""
    conditions = status.get("conditions") or ()
    return any(c.get("type") == "Stalled" and c.get("status") == "True" for c in conditions)


def ready_condition(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """The condition Ready; empty when there is none."""
    return next((c for c in status.get("conditions") or () if c.get("type") == "Ready"), {})


def _of_this(outcome: Outcome, generation: int, uid: str | None) -> Outcome:
    """What was said of an older generation, or of a predecessor of this name, is not of this."""
    is_same = outcome.uid is None or outcome.uid == uid
    if is_same and outcome.generation >= generation:
        return outcome.model_copy(update={"generation": generation})
    pending = _pending(generation)
    return outcome.model_copy(
        update={
            "generation": generation,
            "state": pending.state,
            "reason": pending.reason,
            "message": pending.message,
        }
    )


def _pending(generation: int, words: tuple[str, str] = PENDING) -> Outcome:
    reason, message = words
    return Outcome(
        resource="", generation=generation, state="Reconciling", reason=reason, message=message
    )


def _timeless(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _timeless(v) for name, v in value.items() if name not in _TIMES}
    if isinstance(value, list | tuple):
        return [_timeless(item) for item in value]
    return value


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)

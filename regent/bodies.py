"""From the core's values to the bodies of the HTTP API. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from regent.brake import Verdict
from regent.changes import Change, Plan
from regent.describe import describe, where
from regent.passes import Pass
from regent.takeover import Takeover
from shared.http import BrakeBody, ChangeBody, LossBody, PlanBody, TakeoverBody

SHOWN_LOSSES = 50


def brake_body(verdict: Verdict) -> BrakeBody:
    """What is withheld, the first fifty of it."""
    if not verdict.is_pulled:
        return BrakeBody()
    return BrakeBody(
        pulled=True,
        digest=verdict.digest,
        loss_count=len(verdict.withheld),
        losses=tuple(
            LossBody(role=x.role, kind=x.kind, privilege=x.privilege, detail=x.detail)
            for x in verdict.withheld[:SHOWN_LOSSES]
        ),
        message=f"It withholds {_losses(verdict)}: {verdict.why}. If that is meant, release this"
        " digest; else put the declarations right.",
    )


def _losses(verdict: Verdict) -> str:
    count = len(verdict.withheld)
    return "1 loss" if count == 1 else f"{count} losses"


def takeover_body(takeover: Takeover | None) -> TakeoverBody:
    """What waits for a person, and the token that lets it happen."""
    if takeover is None:
        return TakeoverBody()
    return TakeoverBody(needed=True, token=takeover.token, message=takeover.trouble.message)


def change_bodies(changes: Iterable[Change]) -> tuple[ChangeBody, ...]:
    """Each change in words, with the order it has and the resources that cause it."""
    return tuple(
        ChangeBody(
            effect=change.effect.name.title(),
            what=describe(change),
            where=where(change),
            resources=tuple(str(key) for key in change.causes),
        )
        for change in changes
    )


def plan_body(one: Pass) -> PlanBody:
    """What a pass would do, with what the brake would withhold."""
    plan: Plan = one.plan
    return PlanBody(
        changes=change_bodies(plan.changes),
        outcomes=tuple(outcome for outcome in one.outcomes.values() if not outcome.is_ready),
        matches={str(key): count for key, count in plan.matches.items()},
        brake=brake_body(one.verdict),
    )

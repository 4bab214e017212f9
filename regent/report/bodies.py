"""From the core's values to the bodies of the HTTP API. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from regent.changes import Change, Plan
from regent.gate.brake import Verdict
from regent.gate.losses import PUBLIC
from regent.gate.restraint import IN_RECOVERY
from regent.gate.takeover import Takeover
from regent.home.database import HomeDatabaseMissing, HomeDatabaseNewer, HomeDatabaseUnsafe
from regent.home.locks import LockHeld
from regent.home.moved import HomeDatabaseMoved
from regent.home.unreadable import HomeStateUnreadable
from regent.passes.one_pass import Pass
from regent.plan.describe import describe, where
from regent.report.approval import approval_body
from regent.report.paused import pause_bodies
from regent.server.authentication import UnsafeAuthenticationError
from regent.server.connect import (
    IsAPoolerError,
    NoSuchDatabaseError,
    WrongPasswordError,
)
from regent.server.lenient_text import shown
from regent.server.trouble import CannotConnectError, ServerTroubleError, in_words
from shared.errors import PostgRegentError
from shared.http import BrakeBody, ChangeBody, LossBody, PlanBody, TakeoverBody, TroubleBody
from shared.listing import first_of

SHOWN_LOSSES = 50
SHOWN_NAMES = 5
FOR_A_PERSON = (
    WrongPasswordError,
    NoSuchDatabaseError,
    UnsafeAuthenticationError,
    IsAPoolerError,
    HomeDatabaseMissing,
    HomeDatabaseNewer,
    HomeDatabaseMoved,
    HomeDatabaseUnsafe,
    HomeStateUnreadable,
)
"""What waiting does not mend."""
REFUSED_FOR_GOOD = frozenset({"28000", "28P01", "42501"})
"""SQLSTATEs of a server that does not let the admin in: pg_hba.conf, the password, CONNECT."""
TRIES_FOR_A_LOCK = 6
"""A predecessor that is ending gives its lock back within seconds; another Regent does not."""
TRIES_FOR_ONES_OWN = 10
"""About 40 s: the server ends the session of a predecessor that is cut off after 25 s."""
READ_ONLY = "25006"
UNREACHABLE = "DatabaseUnreachable"


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
    names = dict.fromkeys("PUBLIC" if x.role == PUBLIC else repr(x.role) for x in verdict.withheld)
    losses = "1 loss" if count == 1 else f"{count} losses"
    return f"{losses} of {first_of([*names], SHOWN_NAMES)}"


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
        approval=approval_body(one.awaiting),
        paused=pause_bodies(one.paused),
    )


def trouble_body(error: BaseException, *, tries: int) -> TroubleBody:
    """Why there is no connection, after so many tries."""
    if getattr(error, "sqlstate", None) == READ_ONLY:
        return TroubleBody(
            reason=IN_RECOVERY, message=shown(str(in_words(error))), is_for_good=True
        )
    if not isinstance(error, PostgRegentError) or isinstance(error, ServerTroubleError):
        return TroubleBody(reason=UNREACHABLE, message=shown(str(in_words(error))))
    return TroubleBody(
        reason=type(error).__name__.removesuffix("Error"),
        message=shown(str(error)) or type(error).__name__,
        is_for_good=_is_for_a_person(error, tries),
    )


def _is_for_a_person(error: BaseException, tries: int) -> bool:
    if isinstance(error, LockHeld):
        if error.is_over:
            return False
        return tries >= (TRIES_FOR_ONES_OWN if error.is_of_a_regent else TRIES_FOR_A_LOCK)
    if isinstance(error, CannotConnectError) and error.sqlstate in REFUSED_FOR_GOOD:
        return True
    return isinstance(error, FOR_A_PERSON)

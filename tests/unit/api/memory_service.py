"""A Regent that keeps everything in memory: what the API's tests talk to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from regent.answers import (
    AcceptedPush,
    Health,
    Refused,
    Stale,
    TakeoverNeeded,
    mismatch,
)
from regent.service import Service
from shared.consent import Consent
from shared.http import (
    ApprovalBody,
    ChangeBody,
    DetectorBody,
    DriftPage,
    FieldProblem,
    HistoryPage,
    InForce,
    PlanBody,
    RoleBody,
    RolePage,
    RoleSummary,
    StatusBody,
    TakeoverBody,
    UnmanagedPage,
    UnmanagedRoleBody,
)
from shared.state import DesiredState, Verifier, etag


class MemoryService(Service):
    """Accepts, remembers, and answers from what it remembers."""

    def __init__(self) -> None:
        self.accepted: AcceptedPush | None = None
        self.in_force: dict[str, Verifier] = {}
        self.sequence = 0
        self.checks = {"homeDatabase": True, "lock": True}
        self.live = True
        self.problems: tuple[FieldProblem, ...] = ()
        self.withheld_digest: str | None = None
        self.unapproved_digest: str | None = None
        self.needed_token: str | None = None
        self.had_state: str | None = None
        self.pushes = 0
        self.applied: int | None = None
        self.is_waiting = False
        self.identifier: str | None = None
        self.heard = 0
        self.crash: Exception | None = None
        self.asked: list[object] = []

    async def accept(
        self,
        state: DesiredState,
        *,
        if_match: str | None,
        had_state: str | None = None,
        had_disabled: tuple[str, ...] = (),
        had_in_force: InForce | None = None,
    ) -> str:
        self.had_state, self.had_disabled = had_state, had_disabled
        self.had_in_force = had_in_force
        self.pushes += 1
        if self.crash:
            raise self.crash
        if (self.accepted.etag if self.accepted else None) != if_match:
            raise Stale(way_out="Read the state again.")
        if self.problems:
            raise Refused(self.problems)
        if self.accepted and self.accepted.state.origin != state.origin:
            raise TakeoverNeeded
        self.accepted = AcceptedPush(etag(state), state)
        self.sequence += 1
        return self.accepted.etag

    async def state(self) -> AcceptedPush | None:
        return self.accepted

    async def verifiers(self) -> Mapping[str, Verifier]:
        return self.in_force

    async def status(self, *, after: int, wait_seconds: float) -> StatusBody | None:
        self.heard = after
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_seconds):
                while self.sequence == after:
                    await asyncio.sleep(0.01)
        if self.sequence == after:
            return None
        token = self.needed_token or ""
        return StatusBody(
            sequence=self.sequence,
            system_identifier=self.identifier,
            approval=ApprovalBody(waiting=self.is_waiting),
            detector=DetectorBody(mode="Triggers", healthy=True),
            accepted_revision=self.accepted.state.revision if self.accepted else None,
            applied_revision=self.applied,
            looked=self.applied is not None,
            accepted_etag=self.accepted.etag if self.accepted else "",
            takeover=TakeoverBody(needed=bool(token), token=token),
        )

    async def drift(self, *, limit: int, continue_: str | None) -> DriftPage:
        self.asked.append((limit, continue_))
        if continue_ not in (None, "more"):
            raise ValueError(continue_)
        return DriftPage(continue_=None if continue_ else "more")

    async def history(self, *, after: int, wait_seconds: float, limit: int) -> HistoryPage:
        self.asked.append((after, limit))
        await asyncio.sleep(wait_seconds)
        return HistoryPage()

    async def plan(self, state: DesiredState | None) -> PlanBody:
        self.asked.append(state)
        return PlanBody(changes=(ChangeBody(effect="Create", what="create role a"),))

    async def reconcile(self) -> str:
        return "pass-1"

    async def consent(self, given: Consent) -> None:
        match given.kind:
            case "Brake" if given.digest == self.withheld_digest:
                self.withheld_digest = None
            case "Approval" if given.digest == self.unapproved_digest:
                self.unapproved_digest = None
            case "Takeover" if given.digest == self.needed_token:
                self.needed_token = None
            case _:
                raise mismatch(given)

    async def uninstall(self) -> tuple[str, ...]:
        return ("mydb: event triggers and schema removed",)

    async def roles(self, *, limit: int, continue_: str | None) -> RolePage:
        self.asked.append((limit, continue_))
        return RolePage(items=(RoleSummary(name="a/b", origin="created"),))

    async def unmanaged(self, *, limit: int, continue_: str | None) -> UnmanagedPage:
        self.asked.append((limit, continue_))
        return UnmanagedPage(items=(UnmanagedRoleBody(name="eve"),))

    async def role(self, name: str) -> RoleBody | None:
        return RoleBody(name=name, origin="created") if name == "a/b" else None

    def health(self) -> Health:
        return Health(live=self.live, checks=self.checks)

"""What the API needs of a Regent. The API decides nothing: it reads, checks and passes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from shared.errors import PostgRegentError
from shared.http import (
    DriftPage,
    FieldProblem,
    HistoryPage,
    PlanBody,
    RoleBody,
    RolePage,
    StatusBody,
)
from shared.state import DesiredState, Verifier


class Stale(PostgRegentError):
    """The accepted state is another one than the push replaces."""


class Refused(PostgRegentError):
    """The desired state cannot be accepted."""

    def __init__(self, problems: tuple[FieldProblem, ...]) -> None:
        super().__init__(way_out="Correct every problem that is listed, and push again.")
        self.problems = problems


class TakeoverNeeded(PostgRegentError):
    """The accepted state came from elsewhere or is newer, and nobody let this one replace it."""


class NotReady(PostgRegentError):
    """The Regent has no connection to its server, or no lock, at the moment."""


class TokenMismatch(PostgRegentError):
    """What waits to be accepted has another token, or nothing waits."""


class DigestMismatch(PostgRegentError):
    """The brake withholds other losses than the digest names, or none."""


@dataclass(frozen=True, slots=True)
class AcceptedPush:
    """The accepted state with its ETag.

    `state.resources` are the effective entries: for a held resource the one accepted before. The
    ETag is that of the push, which the next push must name.
    """

    etag: str
    state: DesiredState


@dataclass(frozen=True, slots=True)
class Health:
    """`live`: the loop turns. `checks`: what readiness asks for, by name (interface 6)."""

    live: bool
    checks: Mapping[str, bool] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Home database reachable, lock held, connected; not: state received."""
        return self.live and all(self.checks.values())


class RegentService(Protocol):
    """One Regent, as its API sees it. Waits end early when the Regent closes."""

    async def accept(
        self, state: DesiredState, *, if_match: str | None, had_state: str | None = None
    ) -> str:
        """Store the state and wake a pass; the new etag.

        `if_match` is the etag of the state that it replaces; None says that there is none yet.
        `had_state` is then the server on which the pusher knows this Regent to have had one.
        Raises Stale, Refused or TakeoverNeeded, and has then changed nothing.
        """
        ...

    async def state(self) -> AcceptedPush | None:
        """What was accepted last."""
        ...

    async def verifiers(self) -> Mapping[str, Verifier]:
        """The verifiers in force, keyed by `str(ResourceKey)` of the User."""
        ...

    async def status(self, *, after: int, wait_seconds: float) -> StatusBody | None:
        """The status once its sequence is another than `after`; None when the wait is over."""
        ...

    async def drift(self, *, limit: int, continue_: str | None) -> DriftPage:
        """What is not as declared now. ValueError for a `continue_` that is not ours."""
        ...

    async def history(self, *, after: int, wait_seconds: float, limit: int) -> HistoryPage:
        """Drift with an id over `after`, oldest first; empty when the wait is over."""
        ...

    async def plan(self, state: DesiredState | None) -> PlanBody:
        """What a pass would do with this state, or with the accepted one. Writes nothing."""
        ...

    async def reconcile(self) -> str:
        """Ask for a full pass; its id."""
        ...

    async def release_brake(self, digest: str) -> None:
        """Let exactly these losses through, once. Raises DigestMismatch."""
        ...

    async def accept_takeover(self, token: str) -> None:
        """Let exactly this takeover happen. Raises TokenMismatch."""
        ...

    async def uninstall(self) -> tuple[str, ...]:
        """Stop for good and take off what was installed; what was done. Raises NotReady."""
        ...

    async def roles(self, *, limit: int, continue_: str | None) -> RolePage:
        """The managed roles. ValueError for a `continue_` that is not ours."""
        ...

    async def role(self, name: str) -> RoleBody | None:
        """One managed role by its PostgreSQL name; None when it is not in our authority."""
        ...

    def health(self) -> Health:
        """At once, without asking the server."""
        ...

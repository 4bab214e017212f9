"""What a Regent answers its callers beside bodies: why not, the accepted push, its health."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from shared.consent import Consent
from shared.errors import PostgRegentError
from shared.http import FieldProblem
from shared.state import DesiredState


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


class InRecovery(PostgRegentError):
    """The server is a standby: what would have to be remembered cannot be written there."""


class TokenMismatch(PostgRegentError):
    """What waits to be accepted has another token, or nothing waits."""


class DigestMismatch(PostgRegentError):
    """The brake withholds other losses than the digest names, or none."""


def mismatch(given: Consent) -> DigestMismatch | TokenMismatch:
    """The answer to a consent to something that does not wait."""
    match given.kind:
        case "Brake":
            return DigestMismatch(
                way_out="GET /v1/status shows what is withheld now, and its digest."
            )
        case "Approval":
            return DigestMismatch(
                "What waits for approval has another digest, or nothing waits.",
                way_out="GET /v1/status shows what waits for approval now, and its digest.",
            )
        case "Takeover":
            return TokenMismatch(
                way_out="GET /v1/status shows what needs to be accepted now, and its token."
            )
        case _:
            assert_never(given.kind)


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

"""What one pass saw and did, as a value: what is told, counted and remembered of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter

from regent.apply.result import ChangeResult
from regent.changes import Change, Plan
from regent.desired import Desired
from regent.gate.awaiting import Awaiting
from regent.gate.brake import Verdict
from regent.gate.pauses import Paused
from regent.gate.refusals import Refusal, keys_of
from regent.gate.takeover import Takeover
from regent.observed import ObservedServer
from regent.passes.look import Looked
from regent.passes.outcomes import kept_by_public, settle
from regent.remembered import NO_CENSUS, AcceptedState, Census
from regent.resolve.unmanaged import NOBODY, Found
from shared.outcomes import Outcome
from shared.state import Trouble


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass saw and did.

    `drift` are the changes that nobody declared anew. `remaining` is what it left to be done, and
    `not_manageable` what would be to do and the server refuses for good.
    """

    plan: Plan
    verdict: Verdict
    results: tuple[ChangeResult, ...]
    outcomes: Mapping[str, Outcome]
    server: ObservedServer
    desired: Desired
    drift: tuple[Change, ...]
    found_at: datetime
    corrected_at: datetime
    seconds: float
    revision: int
    """Of the state that is in force, as its `origin` counts."""
    origin: str = ""
    next_due: datetime | None = None
    remaining: tuple[Change, ...] = ()
    not_manageable: tuple[Refusal, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    restraint: Trouble | None = None
    takeover: Takeover | None = None
    illegible: tuple[str, ...] = ()
    kept_open: tuple[str, ...] = ()
    """What PUBLIC keeps though nobody declares it, and why, in words."""
    is_targeted: bool = False
    unmanaged: Found = NOBODY
    census: Census = NO_CENSUS
    """What was remembered of roles that nobody declares at its last look."""
    paused: tuple[Paused, ...] = ()
    """Roles whose correction is paused, with what waits for the end of that."""
    damped: tuple[Change, ...] = ()
    """What is put off, as others keep undoing it."""
    begun_pauses: tuple[Paused, ...] = ()
    """Those of them that no pass before has seen."""
    awaiting: Awaiting | None = None
    """What is declared anew and waits for approval; what the pass kept true is what was before."""

    @property
    def refused(self) -> tuple[ChangeResult, ...]:
        """What the server did not do."""
        return tuple(result for result in self.results if not result.done)

    @property
    def is_open(self) -> bool:
        """Something that may be done was not: worth another try soon."""
        return self.restraint is None and bool(self.remaining or self.unread)

    @property
    def is_overtaken(self) -> bool:
        """All that it tried is done, and all that it left has come since: nothing is in the way."""
        if not self.is_open or self.unread or self.damped or not self.results or self.refused:
            return False
        left = {key for change in self.remaining for key in keys_of(change)}
        return not any(key in left for one in self.results for key in keys_of(one.change))


def pass_of(
    accepted: AcceptedState,
    first: Looked,
    last: Looked,
    results: tuple[ChangeResult, ...],
    drift: tuple[Change, ...],
    began: tuple[float, datetime],
    *,
    is_dry: bool = False,
) -> Pass:
    """What became of a full pass, from its first look to its last. `began`: clock and time."""
    return Pass(
        plan=first.wanted,
        verdict=last.verdict if last.verdict.is_pulled else first.verdict,
        results=results,
        outcomes=settle(last, results=results, is_dry=is_dry),
        server=last.observed.server,
        desired=last.resolution.desired,
        drift=drift,
        found_at=began[1],
        corrected_at=datetime.now(UTC),
        seconds=perf_counter() - began[0],
        revision=accepted.state.revision,
        origin=accepted.state.origin,
        next_due=last.resolution.next_due,
        remaining=last.verdict.plan.changes,
        not_manageable=last.refused,
        unread=last.unread,
        restraint=last.restraint,
        takeover=last.takeover,
        illegible=last.observed.illegible,
        kept_open=kept_by_public(last),
        unmanaged=last.resolution.unmanaged,
        census=last.census,
        paused=last.paused,
    )

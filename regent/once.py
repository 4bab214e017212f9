"""`postgregent plan` and `apply`: one pass in process, without triggers, and then the end.

`apply` works under the Regent's lock and keeps marks and accepted state in the home database like
the daemon does; `plan` writes nothing at all, not even a home database (interfaces 9).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

from regent.accept import accept
from regent.api.service import TakeoverNeeded
from regent.applying.result import ChangeResult
from regent.bodies import brake_body
from regent.changes import Plan
from regent.connections import Connections
from regent.home import Home
from regent.look import Memory
from regent.passes import Pass, dry_pass
from regent.remembered import AcceptedState
from regent.settings import RegentSettings, connector_of
from regent.standing import looker, memory_of, standing
from shared.http import BrakeBody
from shared.outcomes import Outcome
from shared.state import DesiredState, etag


@dataclass(frozen=True, slots=True)
class OnceReport:
    """What one pass would do, or did. `brake` is there when it withholds something."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    results: tuple[ChangeResult, ...]
    brake: BrakeBody | None
    notes: tuple[str, ...]
    seconds: float
    major: int


async def plan_once(settings: RegentSettings, state: DesiredState) -> OnceReport:
    """What `apply_once` would do. Needs no lock and writes nothing."""
    began = perf_counter()
    connector = connector_of(settings.server)
    remembered = await Home.find(connector, database=settings.home_database, regent=settings.regent)
    notes = (
        () if remembered else (f"apply would make the home database {settings.home_database!r}.",)
    )
    connections = Connections(connector)
    looking = looker(settings, connections, shared_through=settings.databases[0])
    memory = memory_of(remembered)
    accepted = _accept(memory, state)
    try:
        one = await dry_pass(looking, accepted, remembered.marks if remembered else (), memory)
    finally:
        await connections.close()
    return _report(one, notes, began)


async def apply_once(
    settings: RegentSettings, state: DesiredState, *, release: str | None = None
) -> OnceReport:
    """Bring the server to the state. Raises LockHeld while a Regent or another apply runs."""
    began = perf_counter()
    async with standing(settings, connector_of(settings.server)) as stand:
        memory = stand.passes.memory
        accepted = memory.accepted = _accept(memory, state)
        # Somebody runs this to have it tried: what was refused before is asked again.
        memory.refused = {}
        await stand.home.forget_unmanageable()
        if release is not None:
            memory.brake = memory.brake.model_copy(update={"released_digest": release})
        await stand.home.store_accepted(accepted)
        one = await stand.passes.full()
    return _report(one, (), began)


def _accept(memory: Memory, state: DesiredState) -> AcceptedState:
    """Merged with what was accepted before, which must have come from the same place."""
    if memory.accepted is not None and memory.accepted.state.origin != state.origin:
        raise TakeoverNeeded(
            f"What is in force came from {memory.accepted.state.origin!r}, and this comes from"
            f" {state.origin!r}.",
            way_out="Leave it to that one, or run `postgregent uninstall` first: the holders then"
            " take their roles back.",
        )
    return accept(memory.accepted, state, etag(state), datetime.now(UTC))


def _report(one: Pass, notes: tuple[str, ...], began: float) -> OnceReport:
    return OnceReport(
        plan=one.plan,
        outcomes=tuple(one.outcomes[key] for key in sorted(one.outcomes)),
        results=one.results,
        brake=brake_body(one.verdict) if one.verdict.is_pulled else None,
        notes=notes,
        seconds=perf_counter() - began,
        major=one.server.major,
    )

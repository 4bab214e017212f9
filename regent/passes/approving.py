"""What is declared anew, looked at beside what is in force: what waits for approval (rule 20a)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter

from regent.gate.approval import in_force, is_first, making_way, settled, waits, without_waiting
from regent.gate.awaiting import Awaiting, awaiting, given, with_awaiting
from regent.gate.brake import Verdict
from regent.gate.restraint import IN_RECOVERY, declared_restraint
from regent.passes.look import Looked, Looker, Memory
from regent.passes.one_pass import Pass, pass_of
from regent.remembered import AcceptedState, BrakeMemory, Mark


def awaiting_of(looked: Looked, brake: BrakeMemory, accepted: AcceptedState) -> Awaiting:
    """What a look at the new state would do, less what is corrected of what is in force. Pure.

    Where that is only looked at and the new state would correct, nothing is corrected before.
    """
    kept = in_force(brake, accepted).state.regent.spec
    is_passive = declared_restraint(kept) is not None and looked.restraint is None
    anyway = () if looked.beside is None or is_passive else looked.beside.changes
    return awaiting(
        (*looked.wanted.changes, *looked.held),
        anyway,
        brake,
        accepted,
        resolved=looked.resolution.outcomes,
        unread=looked.unread,
        obstacle=_obstacle(looked),
    )


def asking(one: Pass, found: Awaiting, revision: int) -> Pass:
    """The pass over what is in force, with what waits; `revision` is that of the waiting push."""
    if found.is_given:
        found = given(found)
    return replace(
        one,
        awaiting=found,
        outcomes=with_awaiting(one.outcomes, found),
        revision=one.revision if found.is_given else revision,
    )


async def planned(
    looker: Looker, accepted: AcceptedState, marks: tuple[Mark, ...], memory: Memory
) -> Pass:
    """What a full pass would do, and whether a person must approve it first. Writes nothing."""
    began = perf_counter(), datetime.now(UTC)
    brake = settled(making_way(memory.brake, memory.accepted, accepted), accepted)
    kept = in_force(brake, accepted) if waits(brake) and not is_first(brake) else None
    asked = replace(memory, brake=without_waiting(brake))
    looked = await looker.look(accepted, marks, asked, began[1], beside=kept)
    if not waits(brake):
        return pass_of(accepted, looked, looked, (), (), began, is_dry=True)
    # Whoever approves it releases the losses that it shows.
    shown = replace(looked, verdict=Verdict(looked.wanted))
    one = pass_of(accepted, shown, shown, (), (), began, is_dry=True)
    return replace(one, awaiting=awaiting_of(looked, brake, accepted))


def _obstacle(looked: Looked) -> str:
    """Why nobody can approve it now: the server may be another one, or remembers nothing."""
    restraint = looked.restraint
    if restraint is None or (looked.takeover is None and restraint.reason != IN_RECOVERY):
        return ""
    return restraint.message

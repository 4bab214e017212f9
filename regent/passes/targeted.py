"""A targeted pass: only the rows that a local event touched are read, and corrected.

So a GRANT on one of ten thousand tables is corrected in milliseconds; the full pass stays the
truth. It plans with the last full pass that left nothing open, and says nothing of the resources.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

from regent.apply.result import ChangeResult
from regent.changes import Plan
from regent.gate.approval import edition_in_force
from regent.gate.brake import Verdict
from regent.gate.refusals import still_refused, without_refused
from regent.inspect import inspect_changed
from regent.inspect.reading import interest_of
from regent.kinds import Address
from regent.observed import Observed
from regent.passes.look import Looked, Memory
from regent.passes.one_pass import Pass
from regent.plan import plan_objects
from regent.plan.matching import Compilations
from regent.plan.owners import has_astray
from regent.server.connections import READ_SECONDS, Connections
from shared.state import DesiredState


@dataclass(frozen=True, slots=True)
class Touched:
    """What local events touched in one database.

    `with_schemas` reads their schemas too: a new object may imply USAGE on its schema.
    """

    database: str
    objects: Sequence[Address]
    xids: Sequence[int]
    with_schemas: bool


@dataclass(frozen=True, slots=True)
class Targeted:
    """What differs of what was touched, and the look that says so. `began` is a clock."""

    looked: Looked
    wanted: Plan
    began: float
    found_at: datetime

    def done(self, results: tuple[ChangeResult, ...], state: DesiredState) -> Pass:
        """The pass, once it was written."""
        return Pass(
            plan=self.wanted,
            verdict=Verdict(self.wanted),
            results=results,
            outcomes={},
            server=self.looked.observed.server,
            desired=self.looked.resolution.desired,
            drift=tuple(result.change for result in results if result.done),
            found_at=self.found_at,
            corrected_at=datetime.now(UTC),
            seconds=perf_counter() - self.began,
            revision=state.revision,
            origin=state.origin,
            next_due=self.looked.resolution.next_due,
            is_targeted=True,
        )


async def look_at(
    touched: Touched, memory: Memory, connections: Connections, compilations: Compilations
) -> Targeted | None:
    """Read what was touched and plan it; None when only a full pass will do."""
    began, now = perf_counter(), datetime.now(UTC)
    looked = _basis(memory, touched.database, now)
    if looked is None:
        return None
    desired, server = looked.resolution.desired, looked.observed.server
    async with connections.use(touched.database, seconds=READ_SECONDS) as connection:
        found = await inspect_changed(
            connection,
            interest_of(desired),
            objects=touched.objects,
            xids=touched.xids,
            with_schemas=touched.with_schemas,
        )
    if has_astray(desired, found):
        return None
    found_at = datetime.now(UTC)
    observed = Observed(server, {touched.database: found})
    wanted, _ = without_refused(
        plan_objects(desired, observed, touched.database, compilations),
        still_refused(memory.refused, now),
    )
    return Targeted(looked, wanted, began, found_at)


def _basis(memory: Memory, database: str, now: datetime) -> Looked | None:
    """The look of the last full pass, where nothing has changed since that it would not know."""
    looked, accepted = memory.looked, memory.accepted
    if (
        looked is None
        or accepted is None
        or looked.edition != edition_in_force(memory.brake, accepted)
    ):
        return None
    due = looked.resolution.next_due
    is_due = due is not None and due <= now
    is_known = database in looked.observed.databases and memory.refused_push is None
    return looked if is_known and not is_due else None

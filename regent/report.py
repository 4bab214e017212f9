"""Writes down what a pass found: history, metrics, the board, the log (semantics 29 and 30)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import structlog

from regent.attribution import attribute
from regent.board import Board
from regent.bodies import brake_body
from regent.changes import Change
from regent.drifts import Difference, differences, kind_of
from regent.events import Event
from regent.home import Home
from regent.metrics import Metrics
from regent.passes import Pass
from shared.outcomes import Actor, Drift

log = structlog.get_logger()


class Report:
    """The words of one Regent about its passes."""

    def __init__(self, regent: str, home: Home, board: Board, metrics: Metrics) -> None:
        self._regent = regent
        self._home = home
        self._board = board
        self._metrics = metrics

    async def write(
        self,
        one: Pass,
        *,
        events: Mapping[str, Sequence[Event]],
        xmins: Mapping[int, frozenset[int]],
        probable: Actor,
    ) -> None:
        """Say everything about one pass. `events` are by database, `xmins` by oid."""
        drift = [
            self._drift(one, difference, events, xmins, probable)
            for difference in differences(one.drift)
        ]
        if drift:
            ids = await self._home.record_drift(drift)
            self._board.last_drift = ids[-1]
            self._board.ring()
        self._count(one, drift)
        if not one.is_targeted:
            self._say(one)

    async def repaired(
        self, repairs: Sequence[tuple[str, str]], actor: Actor, found_at: datetime
    ) -> None:
        """The detector was tampered with: (database, what was wrong), right again by now."""
        if not repairs:
            return
        drift = [
            Drift(
                regent=self._regent,
                database=database,
                what=f"restore the detector: {what}",
                object="detector",
                found_at=found_at,
                corrected_at=datetime.now(UTC),
                actor=actor,
                action="installed again",
            )
            for database, what in repairs
        ]
        ids = await self._home.record_drift(drift)
        self._board.last_drift = ids[-1]
        self._board.ring()
        for kind in (self._metrics.drift_found, self._metrics.drift_corrected):
            kind.labels(kind="Detector").inc(len(drift))

    def _drift(
        self,
        one: Pass,
        difference: Difference,
        events: Mapping[str, Sequence[Event]],
        xmins: Mapping[int, frozenset[int]],
        probable: Actor,
    ) -> Drift:
        actor, happened_at = self._actor(difference, events, xmins, probable)
        refusal = next((r for r in one.refused if r.change == difference.change), None)
        is_corrected = refusal is None and _is_done(one, difference.change)
        drift = Drift(
            regent=self._regent,
            database=difference.database,
            what=difference.what,
            object=difference.object,
            role=difference.role,
            resources=difference.resources,
            happened_at=happened_at,
            found_at=one.found_at,
            corrected_at=one.corrected_at if is_corrected else None,
            actor=actor,
            action=difference.what if is_corrected else "",
            error=f"{refusal.message} ({refusal.sqlstate})" if refusal else "",
        )
        log.info(
            "drift corrected" if is_corrected else "drift found",
            what=drift.what,
            database=drift.database,
            by=actor.session_user,
            certainty=actor.certainty,
        )
        return drift

    def _actor(
        self,
        difference: Difference,
        events: Mapping[str, Sequence[Event]],
        xmins: Mapping[int, frozenset[int]],
        probable: Actor,
    ) -> tuple[Actor, datetime | None]:
        if difference.database is None or difference.database not in events:
            return probable, None
        written_by = frozenset[int]().union(*(xmins.get(oid, ()) for oid in difference.oids))
        return attribute(events[difference.database], xmins=written_by, oids=difference.oids)

    def _count(self, one: Pass, drift: Sequence[Drift]) -> None:
        metrics = self._metrics
        result = "Refused" if one.refused else "Applied" if one.results else "Nothing"
        metrics.pass_ended(result=result, seconds=one.seconds, at=one.corrected_at)
        for done in one.results:
            counter = metrics.changes_applied if done.done else metrics.changes_refused
            counter.labels(kind=kind_of(done.change)).inc()
        for difference in differences(one.drift):
            metrics.drift_found.labels(kind=kind_of(difference.change)).inc()
            if _is_done(one, difference.change):
                metrics.drift_corrected.labels(kind=kind_of(difference.change)).inc()
        for item in drift:
            if item.happened_at and item.corrected_at:
                seconds = (item.corrected_at - item.happened_at).total_seconds()
                metrics.correction_seconds.observe(max(0.0, seconds))
        if not one.is_targeted:
            metrics.managed_roles.set(len(one.desired.managed))
            metrics.brake(pulled=one.verdict.is_pulled, losses=len(one.verdict.withheld))

    def _say(self, one: Pass) -> None:
        resources = tuple(one.outcomes[key] for key in sorted(one.outcomes))
        self._board.say(
            resources=resources,
            system_identifier=one.server.system_identifier,
            applied_revision=one.revision,
            last_pass_time=one.corrected_at,
            managed_roles=len(one.desired.managed),
            brake=brake_body(one.verdict),
        )


def _is_done(one: Pass, change: Change) -> bool:
    return any(result.done and result.change == change for result in one.results)

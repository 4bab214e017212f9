"""Writes down what a pass found: history, metrics, the board, the log (rules 29 and 30)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Literal

import structlog

from regent.apply.result import ChangeResult
from regent.changes import Change
from regent.contention.tally import SECONDS, Corrected, Tally
from regent.detect.attribution import Witnesses
from regent.health.board import Board
from regent.health.metrics import Metrics
from regent.home.store import Home
from regent.passes.drift import seen_done
from regent.passes.one_pass import Pass
from regent.plan.describe import describe
from regent.report.approval import approval_body
from regent.report.bodies import brake_body, takeover_body
from regent.report.contended import (
    contended_bodies,
    contentions,
    corrections,
    edges_of,
    with_contended,
)
from regent.report.deeds import correction_of, deed_of
from regent.report.drifts import Deed, deeds, differences
from regent.report.loose import loose_leftovers, loose_outcomes
from regent.report.paused import begun_pauses, pause_bodies, why_held
from regent.report.settling import settled
from regent.report.unmanaged import (
    appearances,
    disabled_by,
    news_of,
    problems_of,
    told,
    unmanaged_body,
)
from regent.unmanaged.who import Unmanaged
from shared.http import DoneBody, Leftover
from shared.outcomes import Actor, Drift, Outcome
from shared.state import DesiredState

log = structlog.get_logger()
SHOWN_LEFTOVERS = 100
SHOWN_DONE = 10


class Report:
    """The words of one Regent about its passes."""

    def __init__(
        self,
        regent: str,
        home: Home,
        board: Board,
        metrics: Metrics,
        monotonic: Callable[[], float] = monotonic,
    ) -> None:
        """The clock is an argument for tests; it never jumps."""
        self._monotonic = monotonic
        self._tally = Tally()
        self._regent = regent
        self._home = home
        self._board = board
        self._metrics = metrics
        self._done: tuple[DoneBody, ...] = ()
        self.unmanaged: tuple[Unmanaged, ...] = ()
        """The roles that nobody declares, as the last full pass found them."""
        self.unmanaged_problems: Mapping[str, str] = {}
        """Why the server refuses to disable or enable some of them, by name."""
        self._may_be_outstanding = True
        """Until it was looked for: a restart knows nothing of what was found before."""

    async def write(self, one: Pass, witnesses: Witnesses) -> None:
        """Say everything about one pass. `witnesses` know who may have done it."""
        fate = _Fate.of(one)
        found = [
            (deed, difference.change)
            for difference in differences(one.drift)
            for deed in deeds(difference, witnesses)
        ]
        drift = [self._drift(one, fate, deed, change) for deed, change in found]
        drift += self._contend(one, [deed for deed, change in found if change in fate.done])
        drift += begun_pauses(self._regent, one)
        drift += await self._notice(one, witnesses.probable)
        late: frozenset[Change] = frozenset()
        if not one.server.is_in_recovery:
            await self._record(drift)
            if not one.is_targeted:
                late = await self._settle(one)
        self._count(one, fate, drift)
        if not one.is_targeted:
            self._say(one, late)

    def _contend(self, one: Pass, corrected: Iterable[Deed]) -> tuple[Drift, ...]:
        """Count what was corrected; one entry for each edge that others now keep undoing."""
        edges: list[Corrected] = []
        actors: dict[str, Actor] = {}
        for deed in corrected:
            about = deed.difference
            of_one = [*corrections(about.change, deed.actor, about.resources)]
            actors |= dict.fromkeys((edge.edge for edge in of_one), deed.actor)
            edges += of_one
        begun = self._tally.note(edges, self._monotonic())
        return contentions(self._regent, one, begun, actors)

    @property
    def looks_again_seconds(self) -> float | None:
        """When to look at the latest whether something is still contended."""
        return SECONDS if self._board.status.contended else None

    async def _notice(self, one: Pass, actor: Actor) -> tuple[Drift, ...]:
        """Remember who is there that nobody declares; one entry for each that has just come."""
        if one.is_targeted:
            return ()
        news = news_of(one)
        if news.new or news.is_first:
            names = {oid: role.name for oid, role in news.new.items()}
            at, by = (None, None) if news.is_first else (one.found_at, actor)
            await self._home.note_unmanaged(names, at, by)
        if news.renamed:
            await self._home.note_unmanaged(news.renamed, None, None)
        await self._home.forget_unmanaged(news.gone)
        if news.is_over:
            await self._home.stop_noticing()
        if made := disabled_by(one):
            await self._home.note_unmanaged(made, one.found_at, actor)
        self.unmanaged = told(one, news, actor)
        self.unmanaged_problems = problems_of(one)
        return appearances(self._regent, one, news, actor)

    async def _record(self, drift: Sequence[Drift]) -> None:
        if not drift:
            return
        self._tell(await self._home.record_drift(drift))
        self._may_be_outstanding |= any(item.corrected_at is None for item in drift)

    def _tell(self, ids: Sequence[int]) -> None:
        if ids:
            self._board.last_drift = ids[-1]
            self._board.ring()

    async def _settle(self, one: Pass) -> frozenset[Change]:
        """What was found before and is as declared by now is outstanding no more.

        What this pass did about it is told as any other correction; these changes are returned.
        """
        late: set[Change] = set()
        if not self._may_be_outstanding:
            return frozenset()
        after = 0
        while page := await self._home.outstanding(after):
            became = settled(page, one)
            self._tell(await self._home.settle_drift([drift for drift, _ in became]))
            for drift, change in became:
                if change is not None:
                    late.add(change)
                    _log(drift)
                    self._metrics.drift_corrected.labels(kind=change.topic).inc()
            after = page[-1].id
        left = await self._home.count_outstanding()
        self._may_be_outstanding = left > 0
        self._metrics.drift_outstanding.value = left
        self._board.say(outstanding_drift=left)
        return frozenset(late)

    async def repaired(
        self,
        repairs: Sequence[tuple[str, str]],
        actor: Actor,
        found_at: datetime,
        *,
        part: Literal["detector", "judge"] = "detector",
    ) -> None:
        """The detector was tampered with: (database, what was wrong), right again by now.

        Or the judge of Prevent.
        """
        if not repairs:
            return
        drift = [
            Drift(
                regent=self._regent,
                database=database,
                what=f"restore the {part}: {what}",
                deed=f"the {part} was damaged: {what}",
                correction="installed again",
                object=part,
                found_at=found_at,
                corrected_at=datetime.now(UTC),
                actor=actor,
                action="installed again",
            )
            for database, what in repairs
        ]
        await self._record(drift)
        for kind in (self._metrics.drift_found, self._metrics.drift_corrected):
            kind.labels(kind=part.capitalize()).inc(len(drift))

    def _drift(self, one: Pass, fate: _Fate, deed: Deed, whole: Change) -> Drift:
        """`whole` is the change that was carried out, of which the deed may be a part."""
        actor, difference = deed.actor, deed.difference
        is_corrected = whole in fate.done
        refusal = None if is_corrected else fate.refused.get(whole)
        waits = "" if is_corrected else fate.waiting.get(whole, "")
        tags = {actor.command_tag, *(other.command_tag for other in actor.others)}
        tag = actor.command_tag if len(tags) == 1 else None
        drift = Drift(
            regent=self._regent,
            database=difference.database,
            what=difference.what,
            deed=deed_of(difference.change, tag),
            correction=correction_of(difference.change, tag) if is_corrected else "",
            object=difference.object,
            role=difference.role,
            resources=difference.resources,
            happened_at=deed.happened_at,
            found_at=one.found_at,
            corrected_at=one.corrected_at if is_corrected else None,
            actor=actor,
            action=difference.what if is_corrected else "",
            error=f"{refusal.message} ({refusal.sqlstate})" if refusal else waits,
        )
        _log(drift)
        return drift

    def _count(self, one: Pass, fate: _Fate, drift: Sequence[Drift]) -> None:
        metrics = self._metrics
        result = "Refused" if one.refused else "Applied" if one.results else "Nothing"
        metrics.pass_ended(result=result, seconds=one.seconds, at=one.corrected_at)
        for done in one.results:
            counter = metrics.changes_applied if done.done else metrics.changes_refused
            counter.labels(kind=done.change.topic).inc()
        for difference in differences(one.drift):
            metrics.drift_found.labels(kind=difference.change.topic).inc()
            if difference.change in fate.done:
                metrics.drift_corrected.labels(kind=difference.change.topic).inc()
        for item in drift:
            if item.happened_at and item.corrected_at:
                seconds = (item.corrected_at - item.happened_at).total_seconds()
                metrics.correction_seconds.observe(max(0.0, seconds))
        if not one.is_targeted:
            metrics.managed_roles.set(len(one.desired.managed))
            metrics.refused.set(len(one.not_manageable))
            metrics.unread.set(len(one.unread))
            is_asked = one.unmanaged.policy != "Ignore"
            open_to = sum(role.may_log_in for role in self.unmanaged)
            metrics.unmanaged_roles.value = open_to if is_asked else None
            metrics.paused.set(len(one.paused))
            waiting = one.awaiting.changes if one.awaiting is not None else ()
            metrics.approval(waits=one.awaiting is not None, changes=len(waiting))
            metrics.brake(pulled=one.verdict.is_pulled, losses=len(one.verdict.withheld))

    def _remember_done(self, one: Pass, late: frozenset[Change]) -> None:
        """What was changed by a declaration, or by a time that has come."""
        drift = late.union(one.drift)
        done = (result.change for result in one.results if result.done)
        changes = [change for change in done if change not in drift]
        if changes:
            what = tuple(describe(change) for change in changes[:SHOWN_DONE])
            body = DoneBody(at=one.corrected_at, what=what, count=len(changes))
            self._done = (*self._done, body)[-SHOWN_DONE:]

    def _say(self, one: Pass, late: frozenset[Change]) -> None:
        self._remember_done(one, late)
        contended = self._tally.contended(self._monotonic(), edges_of(one.damped))
        self._metrics.contended.set(len(contended))
        outcomes = with_contended(one.outcomes, contended)
        resources = (
            *(outcomes[key] for key in sorted(outcomes)),
            *loose_outcomes(one.unmanaged, outcomes),
        )
        self._board.applied_origin = one.origin
        self._board.say(
            resources=resources,
            system_identifier=obeyed_server(one),
            applied_revision=one.revision,
            last_pass_time=one.corrected_at,
            managed_roles=len(one.desired.managed),
            brake=brake_body(one.verdict),
            approval=approval_body(one.awaiting),
            takeover=takeover_body(one.takeover),
            looked=True,
            observing=one.restraint.message if one.restraint else "",
            restraint=one.restraint.reason if one.restraint else "",
            unread=dict(sorted(one.unread.items())),
            missing=missing(one),
            kept_open=one.kept_open[:SHOWN_LEFTOVERS],
            leftovers=leftovers(one),
            unmanaged=unmanaged_body(one, self.unmanaged),
            contended=contended_bodies(contended),
            paused=pause_bodies(one.paused),
            unreadable=self._home.unreadable.told()[:SHOWN_LEFTOVERS],
            done=self._done,
        )


@dataclass(frozen=True, slots=True)
class _Fate:
    """What became of the changes of a pass, looked up once."""

    done: frozenset[Change]
    refused: Mapping[Change, ChangeResult]
    waiting: Mapping[object, str] = field(default_factory=dict)
    """What a pause holds, and until when."""

    @classmethod
    def of(cls, one: Pass) -> _Fate:
        if not one.drift:
            return cls(frozenset(), {})
        left = (*one.remaining, *(refusal.change for refusal in one.not_manageable))
        done = seen_done((result.change for result in one.results if result.done), left)
        refused = {result.change: result for result in one.refused}
        return cls(done, refused, why_held(one))


def _log(drift: Drift) -> None:
    log.info(
        "drift corrected" if drift.corrected_at else "drift found",
        what=drift.deed or drift.what,
        correction=drift.correction,
        database=drift.database,
        by=drift.actor.session_user,
        certainty=drift.actor.certainty,
    )


def held_in(state: DesiredState, outcomes: Iterable[Outcome]) -> int:
    """How many resources stay as they were accepted: they cannot be compiled, or vanished."""
    return len(state.held) + sum(1 for outcome in outcomes if outcome.reason == "Vanished")


def obeyed_server(one: Pass) -> str:
    """Another one counts from its acceptance on: the controller's side remembers this too."""
    if one.takeover is not None and one.takeover.kind == "Server":
        return one.takeover.identifier
    return one.server.system_identifier


def missing(one: Pass) -> tuple[str, ...]:
    """The served databases that only a person can give back; the others may come by themselves."""
    there = one.server.database_names
    return tuple(sorted(one.unread.keys() - there))


def leftovers(one: Pass) -> tuple[Leftover, ...]:
    """What of the deleted resources could not be taken away yet (rule 27).

    All of it where nothing may be written: then each role whose end waits is there whole. Roles
    that nobody ends come last.
    """
    return (*_of_endings(one), *loose_leftovers(one.unmanaged))[:SHOWN_LEFTOVERS]


def _of_endings(one: Pass) -> Sequence[Leftover]:
    ending = {end.name for end in one.desired.endings}
    if one.restraint is not None:
        why = one.restraint.message
        return [
            Leftover(role=end.name, what=_whole(login=observed.login), message=why)
            for end in one.desired.endings
            if not end.retain and (observed := one.server.roles.get(end.name)) is not None
        ]
    return [
        Leftover(
            role=difference.role,
            database=difference.database,
            what=difference.what,
            message=f"{refusal.message} ({refusal.sqlstate}) {refusal.way_out}",
        )
        for refusal in one.not_manageable
        for difference in differences((refusal.change,))
        if difference.role in ending
    ]


def _whole(*, login: bool) -> str:
    return "all of its access, LOGIN too" if login else "all that it has"

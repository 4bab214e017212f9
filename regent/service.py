"""What the API asks of a Regent: pushes in, status, drift and plans out (interfaces 1 to 7).

Lives as long as the process. The engine, which is there while the server is reachable and the lock
is held, comes and goes; without one only health and the latest status are answered.

Long because everything that can be asked is a method of its own, and most only pass it on.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import asyncpg
import structlog

from regent.accept.checks import check_target, check_verifiers
from regent.accept.merge import accept
from regent.answers import (
    AcceptedPush,
    Health,
    InRecovery,
    NotReady,
    Stale,
    TakeoverNeeded,
    mismatch,
)
from regent.detect.wake import Full
from regent.engine import Engine
from regent.gate.approval import last_in_force
from regent.gate.consent import Unapproved, Withheld, consented
from regent.gate.restraint import ON_A_STANDBY
from regent.gate.takeover import RefusedPush, as_doubted, takeover_by
from regent.health.board import Board
from regent.health.metrics import Metrics
from regent.home.locks import LockLost
from regent.remembered import AcceptedState
from regent.report.bodies import plan_body
from regent.report.roles import role_body, role_page
from regent.report.unmanaged import unmanaged_page
from regent.server.trouble import (
    CONNECTION_IS_GONE,
    TROUBLE,
    CannotConnectError,
    ConnectionOverError,
    heed_cancellation,
    in_words,
)
from regent.settings import RegentSettings
from shared.consent import Consent
from shared.errors import PostgRegentError
from shared.http import (
    UNKNOWN_SERVER,
    DriftPage,
    HistoryPage,
    InForce,
    PlanBody,
    RoleBody,
    RolePage,
    StatusBody,
    UnmanagedPage,
)
from shared.in_force import verifiers_in_force
from shared.outcomes import Drift
from shared.state import LARGEST_NUMBER, DesiredState, Verifier, etag

log = structlog.get_logger()

_IS_ENDING = (LockLost, CannotConnectError, ConnectionOverError, *CONNECTION_IS_GONE)
"""What an engine raises whose connections are gone: it ends, and another one follows."""


class Service:
    """One Regent, as its API sees it. Waits end early when the Regent closes."""

    def __init__(
        self,
        settings: RegentSettings,
        board: Board,
        metrics: Metrics,
        leave: Callable[[], Awaitable[tuple[str, ...]]] | None = None,
    ) -> None:
        """`leave` ends the engine for good and takes off what was installed."""
        self._settings = settings
        self._leave = leave
        self._board = board
        self._metrics = metrics
        self._engine: Engine | None = None
        self._refused_push: RefusedPush | None = None
        """Of the last push, where a person must let it in. It outlives the engine."""
        self._pushing = asyncio.Lock()

    def attach(self, engine: Engine | None) -> None:
        """The engine runs now, or has ended. What was refused outlives the connection."""
        if engine is not None:
            engine.passes.memory.refused_push = self._refused_push
        self._engine = engine
        self._board.ring()

    async def accept(
        self,
        state: DesiredState,
        *,
        if_match: str | None,
        had_state: str | None = None,
        had_disabled: tuple[str, ...] = (),
        had_in_force: InForce | None = None,
    ) -> str:
        """Store the state and wake a pass; the new etag.

        `if_match` is the etag of the state that it replaces; None says that there is none yet.
        `had_state` is then the server on which the pusher knows this Regent to have had one, and
        `had_disabled` are the roles that it had disabled there. `had_in_force` is the newest that
        the pusher saw in force, on which server.
        Raises Stale, Refused, TakeoverNeeded or InRecovery, and has then changed nothing.
        """
        try:
            tag = await self._accept(state, if_match, had_state, had_disabled, had_in_force)
        except PostgRegentError as error:
            self._metrics.pushes.labels(result=type(error).__name__).inc()
            raise
        self._metrics.pushes.labels(result="Accepted").inc()
        return tag

    async def _accept(
        self,
        state: DesiredState,
        if_match: str | None,
        had_state: str | None,
        had_disabled: tuple[str, ...],
        had_in_force: InForce | None,
    ) -> str:
        async with self._asked(to_write=True) as engine, self._pushing:
            tag = etag(state)

            async def merge(previous: AcceptedState | None) -> AcceptedState:
                self._check(engine, state, previous, if_match)
                if previous is not None and had_in_force is not None:
                    await self._doubt_older(engine, state, previous, had_in_force)
                instead = last_in_force(engine.passes.memory.brake, previous)
                merged = accept(previous, state, tag, datetime.now(UTC), instead=instead)
                if previous is None and had_state:
                    return await self._as_remembered(engine, merged, had_state, had_disabled)
                return merged

            await engine.accept(merge)
            self._refused_push = engine.passes.memory.refused_push = None
        self._board.say(accepted_revision=state.revision, accepted_etag=tag)
        log.info(
            "push accepted",
            revision=state.revision,
            resources=len(state.resources),
            held=len(state.held),
        )
        engine.wake.wake(Full("push"))
        return tag

    async def _doubt_older(
        self, engine: Engine, state: DesiredState, previous: AcceptedState, had: InForce
    ) -> None:
        """Of an older copy of the home database nobody knows what was approved since.

        Another source counts by a clock of its own, and was let in by a person.
        """
        server, revision = had
        is_same = engine.passes.memory.system_identifier in ("", server)
        if is_same and previous.state.origin == state.origin:
            will_be_asked = state.regent.spec.approval == "Manual"
            await engine.passes.doubt_before_a_push(revision, will_be_asked=will_be_asked)

    async def _as_remembered(
        self,
        engine: Engine,
        accepted: AcceptedState,
        server: str,
        had_disabled: tuple[str, ...],
    ) -> AcceptedState:
        """The first state of a Regent that had one before, on this server or another.

        Where marks of ours are left, even released ones, the home database is not lost: it was
        told to forget us.
        """
        memory = engine.passes.memory
        if not memory.system_identifier and server != UNKNOWN_SERVER:
            await engine.home.store_system_identifier(server)
            memory.system_identifier = server
        marks = await engine.home.marks()
        is_lost = not any(mark.regent == self._settings.regent for mark in marks)
        lost = had_disabled if is_lost else ()
        return accepted.model_copy(update={"is_home_lost": is_lost, "had_disabled": lost})

    async def state(self) -> AcceptedPush | None:
        """What was accepted last."""
        accepted = self._running().passes.memory.accepted
        return AcceptedPush(accepted.push_etag, accepted.state) if accepted else None

    async def verifiers(self) -> Mapping[str, Verifier]:
        """The verifiers in force, by the key of the User, or as its role is called.

        For the controller: a password that fits keeps its own.
        """
        accepted = self._running().passes.memory.accepted
        if accepted is None:
            return {}
        return verifiers_in_force(accepted.state.resources)

    async def status(self, *, after: int, wait_seconds: float) -> StatusBody | None:
        """The status once its sequence is another than `after`; None when the wait is over."""

        def news() -> StatusBody | None:
            status = self._board.status
            return status if status.sequence != after else None

        return await self._board.wait_for(news, wait_seconds)

    async def drift(self, *, limit: int, continue_: str | None) -> DriftPage:
        """What is not as declared now, oldest first. ValueError for an unknown `continue_`."""
        after = _page_start(continue_)
        async with self._asked() as engine:
            items = await engine.home.outstanding(after, limit)
        return DriftPage(items=items, continue_=_next_page(items, limit))

    async def history(self, *, after: int, wait_seconds: float, limit: int) -> HistoryPage:
        """Drift with an id over `after`, oldest first; empty when the wait is over."""
        async with self._asked() as engine:
            home = engine.home
            seen = self._board.last_drift  # before: what is recorded while it is read is news
            items = await home.history(after, limit)
        if not items and wait_seconds > 0:

            def news() -> int | None:
                return self._board.last_drift if self._board.last_drift != seen else None

            await self._board.wait_for(news, wait_seconds)
            with suppress(ConnectionOverError):  # nothing new then: whoever asks again is told
                items = await home.history(after, limit)
        return HistoryPage(items=items, continue_=_next_page(items, limit))

    async def plan(self, state: DesiredState | None) -> PlanBody:
        """What a pass would do with this state, or with the accepted one. Writes nothing."""
        async with self._asked() as engine:
            return await self._plan(engine, state)

    async def _plan(self, engine: Engine, state: DesiredState | None) -> PlanBody:
        accepted = engine.passes.memory.accepted
        if state is not None:
            check_target(state, self._settings.regent)
            instead = last_in_force(engine.passes.memory.brake, accepted)
            accepted = accept(accepted, state, etag(state), datetime.now(UTC), instead=instead)
        if accepted is None:
            raise NotReady("No desired state was accepted yet.", way_out="Push one first.")
        return plan_body(await engine.passes.plan(accepted))

    async def reconcile(self) -> str:
        """Ask for a full pass; its id, for the log."""
        pass_id = uuid.uuid4().hex[:12]
        self._running().wake.wake(Full(f"asked {pass_id}"))
        return pass_id

    async def consent(self, given: Consent) -> None:
        """Let exactly this happen, once."""
        async with self._asked(to_write=True) as engine, self._pushing:
            withheld = Withheld(self._board.status.brake.digest)
            unapproved = Unapproved(self._board.status.approval.digest)
            waiting = consented(given, (withheld, unapproved, *engine.takeovers()))
            if waiting is None:
                raise mismatch(given)
            await engine.consent(waiting)

    async def uninstall(self) -> tuple[str, ...]:
        """Stop for good and remove what was installed; what was done. Raises NotReady."""
        if self._leave is None:
            raise NotReady(way_out="Run `postgregent uninstall`.")
        try:
            return await self._leave()
        except (PostgRegentError, *TROUBLE) as error:
            raise NotReady(f"It could not be taken off yet: {error}") from error

    async def roles(self, *, limit: int, continue_: str | None) -> RolePage:
        """The managed roles, by name."""
        async with self._asked() as engine:
            return role_page(engine.latest, await engine.home.marks(), limit, continue_ or "")

    async def role(self, name: str) -> RoleBody | None:
        """One managed role with what it is given; None when this Regent does not manage it."""
        async with self._asked() as engine:
            return role_body(engine.latest, await engine.home.marks(), name)

    async def unmanaged(self, *, limit: int, continue_: str | None) -> UnmanagedPage:
        """The roles that may log in though nobody declares them, by name."""
        async with self._asked() as engine:
            roles, problems = engine.unmanaged, engine.unmanaged_problems
            return unmanaged_page(roles, problems, limit, continue_ or "")

    def health(self) -> Health:
        """At once, without asking the server."""
        engine = self._engine
        return Health(
            live=True,
            checks={
                "connected": engine is not None,
                "lock": engine is not None and engine.lock.is_proven,
            },
        )

    def _running(self) -> Engine:
        if self._engine is None:
            raise NotReady(
                self._board.status.observing or "The Regent is not connected to its server.",
                way_out="Wait. If it goes on, the Regent's log says why: in a cluster its pod's,"
                " with `postgregent local` what -v shows.",
            )
        return self._engine

    @asynccontextmanager
    async def _asked(self, *, to_write: bool = False) -> AsyncIterator[Engine]:
        """The engine that runs now; NotReady too where it ends before it has answered.

        `to_write` raises InRecovery before anything is begun that a standby could not remember.
        """
        engine = self._running()
        try:
            if to_write and await engine.home.is_in_recovery():
                raise InRecovery(ON_A_STANDBY)
            yield engine
        except asyncpg.ReadOnlySQLTransactionError as error:
            raise InRecovery(ON_A_STANDBY) from error
        except _IS_ENDING as error:
            heed_cancellation()
            raise NotReady(
                f"The Regent lost its connection to its server: {in_words(error).message}",
                way_out="Ask again: it connects by itself.",
            ) from error

    def _check(
        self,
        engine: Engine,
        state: DesiredState,
        previous: AcceptedState | None,
        if_match: str | None,
    ) -> None:
        check_target(state, self._settings.regent)
        check_verifiers(state, previous.state.resources if previous else {})
        expected = previous.push_etag if previous else None
        if if_match != expected:
            raise Stale(way_out="GET /v1/state shows the accepted one and its ETag.")
        if previous is None:
            return
        _check_age(state, previous.state)
        refused = self._refused_push
        state = as_doubted(state, refused.restored if refused else 0)
        needed = takeover_by(self._settings.regent, previous, state)
        if needed is None or Consent("Takeover", previous.lets_in).fits(needed.wanted):
            return
        memory = engine.passes.memory
        is_news = memory.refused_push is None or memory.refused_push.takeover != needed
        self._refused_push = memory.refused_push = RefusedPush.of(needed, state)
        if is_news:
            log.warning("push refused", kind=needed.kind, why=needed.message)
            engine.wake.wake(Full("a push was refused"))
        raise TakeoverNeeded(needed.message, way_out=needed.way_out)


def _check_age(state: DesiredState, accepted: DesiredState) -> None:
    """Who names the accepted state and is older than it has read it, and compiled before that."""
    if state.origin == accepted.origin and state.revision < accepted.revision:
        raise Stale(
            f"Revision {accepted.revision} is accepted, and this push is revision"
            f" {state.revision} of the same source.",
            way_out="Compile again, and push it with a revision above the accepted one.",
        )


def _page_start(continue_: str | None) -> int:
    """Raises ValueError for what no page before can have said."""
    start = int(continue_) if continue_ else 0
    if not 0 <= start <= LARGEST_NUMBER:
        raise ValueError("no id is so large")
    return start


def _next_page(items: tuple[Drift, ...], limit: int) -> str | None:
    return str(items[-1].id) if len(items) == limit else None

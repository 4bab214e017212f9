"""The Regent process: an API that answers from the start, and an engine that comes and goes.

A server that cannot be reached, a lock that another holds, a home database that cannot be made:
each is said on the board and tried again with backoff. It never ends by itself.
"""

from __future__ import annotations

import asyncio
import signal

import structlog

from regent.api.app import create_app, create_health_app
from regent.api.listening import Credentials, Listening, listen
from regent.api.waiting import LongPolls
from regent.engine import Engine
from regent.health.board import Board
from regent.health.metrics import Metrics
from regent.home.turns import Turn
from regent.passes.look import Memory
from regent.report.bodies import trouble_body
from regent.server.trouble import TROUBLE, heed_cancellation, reconnecting
from regent.service import Service
from regent.settings import RegentSettings, connector_of
from regent.together import end
from regent.uninstall import uninstall
from regent.watchdog import keep_the_watchdog_quiet
from shared.backoff import Backoff
from shared.http import TroubleBody

log = structlog.get_logger()
UNINSTALLED = TroubleBody(
    reason="Uninstalled",
    message="It was uninstalled. Start it again to have it serve.",
    is_for_good=True,
)


class Daemon:
    """Everything of one process, wired by arguments."""

    def __init__(self, settings: RegentSettings) -> None:
        self._settings = settings
        self._board = Board()
        self._board.say(settings=settings.digest)
        self._metrics = Metrics()
        self._turn = Turn()
        self._service = Service(settings, self._board, self._metrics, self._leave)
        self._polls = LongPolls()
        self._working: asyncio.Task[None] | None = None
        self._leaving = asyncio.Lock()

    async def run(self) -> None:
        """Serve and correct until SIGTERM or SIGINT."""
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stopping.set)
        listening = self._listening()
        watchdog = asyncio.create_task(keep_the_watchdog_quiet())
        async with asyncio.TaskGroup() as tasks:
            serving = [tasks.create_task(one.serve()) for one in listening]
            self._working = tasks.create_task(self._live())
            await stopping.wait()
            log.info("stopping")
            await self._stop_working()
            self._polls.close()
            self._board.close()
            for one in listening:
                one.stop()
            await asyncio.wait(serving)
        await end([watchdog])

    async def _stop_working(self) -> None:
        if self._working is not None:
            await end([self._working])

    async def _leave(self) -> tuple[str, ...]:
        """No engine from now on, and nothing of ours left on the server but the roles."""
        async with self._leaving:
            await self._stop_working()
            done = (await uninstall(self._settings)).done
            self._board.disconnected(UNINSTALLED)
            log.info("uninstalled", done=done)
            return done

    async def _live(self) -> None:
        """One engine after the other."""
        backoff = reconnecting()
        while True:
            try:
                await self._one_life(backoff)
            except* TROUBLE as errors:
                heed_cancellation()
                trouble = trouble_body(_first(errors), tries=backoff.failures)
                log.warning("not connected", error=trouble.message, reason=trouble.reason)
                self._board.disconnected(trouble)
                self._metrics.pass_failed()
            await asyncio.sleep(backoff.after())

    async def _one_life(self, backoff: Backoff) -> None:
        connector = connector_of(self._settings.server)
        async with Engine.opened(
            self._settings,
            plain=connector,
            board=self._board,
            metrics=self._metrics,
            turn=self._turn,
        ) as engine:
            if (revision := seen_in_force(engine.passes.memory, self._board)) is not None:
                engine.passes.doubt(revision)
            accepted = engine.passes.memory.accepted
            if accepted is None:
                self._board.connected(None)
            else:
                self._board.connected(accepted.state.revision, accepted.push_etag)
            self._service.attach(engine)
            log.info(
                "connected", host=self._settings.server.host, databases=self._settings.databases
            )
            try:
                await engine.run()
            finally:
                self._service.attach(None)
                self._board.disconnected()
                self._metrics.disconnected()
                if engine.latest is not None:  # a life that saw no pass through is no success
                    backoff.succeeded()

    def _say_credentials(self, credentials: Credentials) -> None:
        self._board.say(trusts=credentials.trusts, shows=credentials.shows)

    def _listening(self) -> tuple[Listening, ...]:
        api = self._settings.api
        app = create_app(
            self._service,
            token=api.token.get_secret_value() if api.token else None,
            metrics=self._metrics.render,
            polls=self._polls,
        )
        found = [Listening(app, listen(api), api.tls, tell=self._say_credentials)]
        if api.health_port is not None:
            health = create_health_app(self._service, self._metrics.render)
            found.append(Listening(health, listen(api, api.health_port)))
        return tuple(found)


def seen_in_force(memory: Memory, board: Board) -> int | None:
    """The revision that this process saw in force in an earlier life, of what is remembered here.

    What is remembered is not older than that (ADR 63). None where it proves nothing: another server
    or another source, which counts by a clock of its own, or one that waited for approval.
    """
    last, accepted = board.status, memory.accepted
    if accepted is None or board.applied_origin != accepted.state.origin:
        return None
    is_same = memory.system_identifier in ("", last.system_identifier)
    return last.applied_revision if is_same and not last.approval.waiting else None


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

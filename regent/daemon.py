"""The Regent process: an API that answers from the start, and an engine that comes and goes.

A server that cannot be reached, a lock that another holds, a home database that cannot be made:
each is said on the board and tried again with backoff. It never ends by itself.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import suppress

import structlog
import uvicorn

from regent.api.app import create_app
from regent.api.waiting import LongPolls
from regent.backoff import Backoff
from regent.board import Board
from regent.engine import Engine
from regent.metrics import Metrics
from regent.service import Service
from regent.settings import ApiSettings, RegentSettings, connector_of
from regent.trouble import TROUBLE

log = structlog.get_logger()
GRACE_SECONDS = 3


class Daemon:
    """Everything of one process, wired by arguments."""

    def __init__(self, settings: RegentSettings) -> None:
        self._settings = settings
        self._board = Board()
        self._metrics = Metrics()
        self._service = Service(settings, self._board, self._metrics)
        self._polls = LongPolls()

    async def run(self) -> None:
        """Serve and correct until SIGTERM or SIGINT."""
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stopping.set)
        server = self._http_server()
        listening = _listening_socket(self._settings.api)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve(sockets=[listening]))
            working = tasks.create_task(self._live())
            await stopping.wait()
            log.info("stopping")
            working.cancel()
            self._polls.close()
            self._board.close()
            server.should_exit = True
            with suppress(asyncio.CancelledError):
                await working
            await serving

    async def _live(self) -> None:
        """One engine after the other."""
        backoff = Backoff()
        while True:
            try:
                await self._one_life(backoff)
            except* TROUBLE as errors:
                message = str(_first(errors)) or type(_first(errors)).__name__
                log.warning("not connected", error=message)
                self._board.say(observing=message)
            await asyncio.sleep(backoff.seconds())

    async def _one_life(self, backoff: Backoff) -> None:
        connector = connector_of(self._settings.server)
        async with Engine.opened(
            self._settings, plain=connector, board=self._board, metrics=self._metrics
        ) as engine:
            accepted = engine.passes.memory.accepted
            self._board.say(
                observing="", accepted_revision=accepted.state.revision if accepted else None
            )
            backoff.reset()
            self._service.attach(engine)
            log.info(
                "connected", host=self._settings.server.host, databases=self._settings.databases
            )
            try:
                await engine.run()
            finally:
                self._service.attach(None)

    def _http_server(self) -> uvicorn.Server:
        app = create_app(
            self._service,
            token=self._settings.api.token.get_secret_value() if self._settings.api.token else None,
            metrics=self._metrics.render,
            polls=self._polls,
        )
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        # The daemon handles the signals: uvicorn's own handlers would raise them again at the end.
        server.capture_signals = suppress  # type: ignore[method-assign, assignment]
        return server


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _listening_socket(api: ApiSettings) -> socket.socket:
    """The inherited socket, which stays open in the parent over our restarts, or one of our own."""
    if api.socket_fd is not None:
        return socket.socket(fileno=api.socket_fd)
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((api.host, api.port))
    return listening

"""One Regent process per Regent resource: started, restarted, and ended with us.

The child's listening socket belongs to the parent and stays open over a restart: a request that
arrives in between waits instead of failing, and the address never changes. What a child must know
goes through a pipe, never through arguments or the environment (interface 12).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable
from pathlib import Path

from controller.local import tether
from shared.backoff import Backoff
from shared.keys import ResourceKey
from shared.logging import get_logger

MODULE = "regent"
HOST = "127.0.0.1"
BACKLOG = 64
GRACE_SECONDS = 10.0
LAST_WORDS_SECONDS = 1.0
LONGEST_LINE = 1 << 20
LAST_LINES = 5
LEVELS = frozenset({"debug", "info", "warning", "error", "critical"})
PRIVATE_VARIABLES = ("PG", "POSTGREGENT_")

log = get_logger("controller.local.children")

Configure = Callable[[int, str], bytes]
"""From the number of the listening socket and the token to the child's settings, as JSON."""


class Child:
    """The process of one Regent. `run()` keeps it alive until cancelled, and then ends it."""

    def __init__(
        self, key: ResourceKey, configure: Configure, backoff: Backoff | None = None
    ) -> None:
        self.key = key
        self.token = secrets.token_urlsafe(32)
        self.starts = 0
        self._configure = configure
        self._backoff = backoff or Backoff()
        self._socket = socket.create_server((HOST, 0), backlog=BACKLOG)
        self._process: Process | None = None
        self._asked_to_restart = False
        self._wake = asyncio.Event()
        self._said: deque[str] = deque(maxlen=LAST_LINES)

    @property
    def base_url(self) -> str:
        """Where its API is reached; the same for as long as the parent runs."""
        return f"http://{HOST}:{self._socket.getsockname()[1]}"

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        alive = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process and alive else None

    def restart(self, configure: Configure) -> None:
        """End it and start again at once, with other settings."""
        self._configure = configure
        self._asked_to_restart = True
        self._wake.set()
        if self._process is not None:
            _signal(self._process, signal.SIGTERM)

    async def run(self) -> None:
        """Start it, start it again whenever it ends, and end it when cancelled."""
        try:
            while True:
                await self._live_once()
        finally:
            self._socket.close()

    async def _live_once(self) -> None:
        self._asked_to_restart = False
        self._wake.clear()
        began = time.monotonic()
        try:
            status = await self._run_once()
        except OSError as error:
            status, self._said = -1, deque([str(error)], LAST_LINES)
        if self._asked_to_restart:
            return
        wait = self._backoff.after(time.monotonic() - began)
        log.error(
            "the Regent's process ended and is started again",
            regent=str(self.key),
            status=status,
            wait_seconds=round(wait, 1),
            last="\n".join(self._said),
        )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), wait)

    async def _run_once(self) -> int:
        """One life of the process; its exit status."""
        self._said.clear()
        process = self._process = await self._spawn()
        self.starts += 1
        readers = [
            asyncio.create_task(self._pass_on(stream))
            for stream in (process.stdout, process.stderr)
        ]
        try:
            await process.wait()
        finally:
            await asyncio.shield(end(process))
            await asyncio.wait(readers, timeout=LAST_WORDS_SECONDS)
            for reader in readers:
                reader.cancel()
        return process.returncode or 0

    async def _spawn(self) -> Process:
        listening = self._socket.fileno()
        config = self._configure(listening, self.token)
        reader, writer = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", str(Path(tether.__file__)), MODULE,
                "--config-fd", str(reader),
                stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=LONGEST_LINE,
                pass_fds=(reader, listening),
                start_new_session=True,
                env=_environment(),
            )  # fmt: skip
        except BaseException:
            os.close(writer)
            raise
        finally:
            os.close(reader)
        await asyncio.to_thread(_write_all, writer, config)
        return process

    async def _pass_on(self, stream: asyncio.StreamReader | None) -> None:
        """What the child logs becomes a line of our own log."""
        while stream is not None:
            try:
                line = await stream.readline()
            except ValueError:
                continue
            if not line:
                return
            text = line.decode("utf-8", "replace").rstrip()
            if text and not _log_again(self.key, text):
                self._said.append(text)


async def end(process: Process) -> None:
    """SIGTERM, and SIGKILL after a grace; returns when the process is gone."""
    if process.returncode is not None:
        return
    _signal(process, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), GRACE_SECONDS)
    except TimeoutError:
        _signal(process, signal.SIGKILL)
        await process.wait()


def _signal(process: Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def _environment() -> dict[str, str]:
    """Ours, without what may hold passwords and what would change where a Regent connects to."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(PRIVATE_VARIABLES)
    }


def _write_all(descriptor: int, data: bytes) -> None:
    """A child that has already ended says so by its status."""
    with contextlib.suppress(BrokenPipeError), os.fdopen(descriptor, "wb") as pipe:
        pipe.write(data)


def _log_again(key: ResourceKey, text: str) -> bool:
    """What the child logged, in our log; False for what is no log, such as a traceback."""
    try:
        event = json.loads(text)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        log.warning(text, regent=str(key))
        return False
    level = str(event.pop("level", "info"))
    said = str(event.pop("event", ""))
    event.pop("timestamp", None)
    event.pop("exc_info", None)
    event["regent"] = str(key)
    getattr(log, level if level in LEVELS else "info")(said, **event)
    return True

"""A Regent as a real child process of the test, reached over its HTTP API."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import httpx
from pydantic import SecretStr

from regent.settings import ApiSettings, RegentSettings, revealed
from shared.state import DesiredState
from tests import forked
from tests.forked import Forked
from tests.frozen import freeze

TOKEN = "a-token-of-the-tests"
PATIENCE_SECONDS = 120.0
Process: TypeAlias = Forked | subprocess.Popen[bytes]


@dataclass(slots=True)
class Regent:
    """One Regent's process, with the socket that stays open over its restarts."""

    settings: RegentSettings
    log_path: Path
    listening: socket.socket
    begin: Callable[..., Process] = forked.regent
    process: Process | None = None
    etag: str | None = None
    answers: list[str] = field(default_factory=list)

    def start(self) -> None:
        """Start it, or start it again."""
        read, write = os.pipe()
        with self.log_path.open("ab") as log:
            self.process = self.begin(
                "--config-fd", str(read), log=log, pass_fds=(read, self.listening.fileno())
            )
        os.close(read)
        with os.fdopen(write, "wb") as pipe:
            pipe.write(revealed(self.settings))

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=PATIENCE_SECONDS)

    def freeze(self) -> None:
        """SIGSTOP: it holds whatever it has, and does nothing until `thaw`."""
        assert self.process is not None
        freeze(self.process.pid)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE_SECONDS)

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request with the token; its answer is kept for the canary."""
        port = self.listening.getsockname()[1]
        headers = {"authorization": f"Bearer {TOKEN}", **options.pop("headers", {})}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            answer = await client.request(method, path, headers=headers, **options)
        self.answers.append(answer.text)
        return answer

    async def ready(self) -> None:
        """Wait until /readyz says so."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    if (await self.ask("GET", "/readyz")).status_code == 200:
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.05)

    async def push(self, state: DesiredState, **more: str) -> httpx.Response:
        """PUT the state over the one that was pushed before; `more` are headers."""
        condition = {"If-Match": self.etag} if self.etag else {"If-None-Match": "*"}
        answer = await self.ask(
            "PUT",
            "/v1/state",
            content=json.dumps(state.revealed()),
            headers={"content-type": "application/json", **condition, **more},
        )
        if answer.status_code == 202:
            self.etag = answer.headers["etag"]
        return answer

    async def status(self, after: int = 0, wait: int = 0) -> dict[str, Any]:
        """GET /v1/status."""
        answer = await self.ask("GET", "/v1/status", params={"after": after, "wait": wait})
        return answer.json() if answer.status_code == 200 else {}

    async def settled(self, revision: int) -> dict[str, Any]:
        """Wait until this revision was applied; the status then."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            sequence = 0
            while True:
                status = await self.status(sequence, wait=5)
                if status.get("appliedRevision") == revision:
                    return status
                sequence = status.get("sequence", sequence)

    async def drifts(self, count: int, after: int = 0) -> list[dict[str, Any]]:
        """Wait until the history has this many after `after`."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                answer = await self.ask("GET", "/v1/history", params={"after": after, "wait": 5})
                items: list[dict[str, Any]] = answer.json()["items"]
                if len(items) >= count:
                    return items

    @property
    def log(self) -> str:
        """Everything that it logged."""
        return self.log_path.read_text()


@asynccontextmanager
async def running(
    settings: RegentSettings, folder: Path, *, begin: Callable[..., Process] = forked.regent
) -> AsyncIterator[Regent]:
    """A Regent that is ready; stopped at the end. `begin` starts its process."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    listening.set_inheritable(True)
    api = ApiSettings(socket_fd=listening.fileno(), token=SecretStr(TOKEN))
    settings = settings.model_copy(update={"api": api})
    regent = Regent(settings, folder / "regent.log", listening, begin)
    try:
        regent.start()
        await regent.ready()
        yield regent
    finally:
        if regent.process is not None and regent.process.poll() is None:
            regent.stop()
        listening.close()

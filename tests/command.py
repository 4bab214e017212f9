"""The command as people run it, with its output and its exit status."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

from typer.testing import CliRunner

from cli.main import app

ROOT = Path(__file__).parent.parent
FLIGHTS = ROOT / "examples" / "flights"
PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left behind."""

    status: int
    out: str
    err: str

    def data(self) -> dict[str, Any]:
        """Its standard output, as JSON."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def everything(self) -> bytes:
        """All bytes that it wrote."""
        return (self.out + self.err).encode()


def flights(folder: Path) -> Path:
    """A copy of the reference's manifests, to be changed."""
    copy = folder / "flights"
    shutil.copytree(FLIGHTS, copy)
    return copy


async def postgregent(
    *arguments: str, environment: Mapping[str, str] | None = None, piped: str | None = None
) -> Ended:
    """Run the command to its end, in a thread of this process: that is quicker than a new one."""
    ended = await asyncio.to_thread(
        CliRunner().invoke, app, list(arguments), input=piped, env=dict(environment or {})
    )
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return Ended(ended.exit_code, ended.stdout, ended.stderr)


async def postgregent_process(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> Ended:
    """Run the command to its end, in a process of its own; with these variables besides."""
    process = await _start(arguments, environment or {})
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    return Ended(process.returncode or 0, out.decode(), err.decode())


@dataclass(slots=True)
class Running:
    """A command that goes on, with `-o json`: each line that it says is a document."""

    process: Process
    said: list[dict[str, Any]] = field(default_factory=list)
    _err: asyncio.Task[bytes] | None = None

    @classmethod
    async def start(cls, *arguments: str) -> Running:
        """Start it."""
        process = await _start((*arguments, "-o", "json"))
        running = cls(process)
        assert process.stderr is not None
        running._err = asyncio.create_task(process.stderr.read())
        return running

    async def until(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next line of which this is true."""
        assert self.process.stdout is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while line := await self.process.stdout.readline():
                    self.said.append(json.loads(line))
                    if is_it(self.said[-1]):
                        return self.said[-1]
        if self.process.returncode is None:
            self.process.kill()
        raise AssertionError(f"it never said so, but {self.said} and {await self.errors()}")

    async def until_subject(self, subject: str, state: str) -> dict[str, Any]:
        """The next line about this subject that says this state."""
        return await self.until(lambda said: said["subject"] == subject and said["state"] == state)

    async def errors(self) -> str:
        """All of standard error, once it has ended."""
        return (await self._err).decode() if self._err else ""

    def children(self) -> list[int]:
        """The processes that it started and that still run."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for thread in threads for pid in thread.read_text().split()]

    async def interrupt(self) -> int:
        """Ctrl-C, and its exit status."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        out, _ = await asyncio.wait_for(self._rest(), PATIENCE_SECONDS)
        self.said += [json.loads(line) for line in out.splitlines()]
        return self.process.returncode or 0

    async def _rest(self) -> tuple[bytes, int]:
        assert self.process.stdout is not None
        return await self.process.stdout.read(), await self.process.wait()

    async def __aenter__(self) -> Running:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        await self.errors()


def is_running(pid: int) -> bool:
    """Whether the process is there, and not only its exit status."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def _start(
    arguments: tuple[str, ...], environment: Mapping[str, str] = MappingProxyType({})
) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli",
        *arguments,
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        limit=2**22,
        env={**os.environ, **environment},
    )

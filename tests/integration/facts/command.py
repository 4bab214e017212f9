"""`postgregent` as a real process: run to its end, or `local` that goes on until it is ended."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.postgres.clusters import ADMIN
from tests.postgres.database import Database

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "cli"]
PATIENCE_SECONDS = 120.0


def server_options(database: Database) -> list[str]:
    """--dsn without a password: that is in the environment."""
    return ["--dsn", f"postgresql://{ADMIN}@127.0.0.1:{database.server.port}/{database.name}"]


def environment(database: Database) -> dict[str, str]:
    """Ours, with the admin's password."""
    return {**os.environ, "PGPASSWORD": database.server.password.get_secret_value()}


async def command(database: Database, *arguments: str) -> tuple[int, str]:
    """Exit status, and everything that was printed."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        env=environment(database),
    )
    said, _ = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert process.returncode is not None
    return process.returncode, said.decode()


@dataclass(slots=True)
class Local:
    """One `postgregent local DIR -o json`, whose lines are read from a file."""

    process: subprocess.Popen[bytes]
    said_path: Path
    read: int = 0

    def lines(self) -> list[dict[str, Any]]:
        """What was said since `forget`."""
        text = self.said_path.read_text("utf-8")[self.read :]
        whole = text[: text.rfind("\n") + 1]
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def forget(self) -> None:
        """Look only at what is said from now on."""
        self.read = len(self.said_path.read_text("utf-8"))

    async def says(
        self, fits: Callable[[dict[str, Any]], bool], seconds: float = PATIENCE_SECONDS
    ) -> dict[str, Any]:
        """Wait for a line."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    if found := next(filter(fits, self.lines()), None):
                        return found
                    assert self.process.poll() is None, self.said_path.read_text("utf-8")
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"not said; said was {self.lines()}") from None

    async def is_ready(self, *subjects: str) -> None:
        """Wait until each of these was said to be Ready."""
        for subject in subjects:
            await self.says(lambda x, s=subject: (x["subject"], x["state"]) == (s, "Ready"))  # type: ignore[misc]

    def kill(self) -> None:
        """SIGKILL: the Regent processes must notice by themselves."""
        self.process.kill()
        self.process.wait(timeout=PATIENCE_SECONDS)

    def stop(self) -> int:
        """As Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=PATIENCE_SECONDS)


@asynccontextmanager
async def local(database: Database, directory: Path, folder: Path) -> AsyncIterator[Local]:
    """`postgregent local` on this database; ended at the end."""
    said = folder / "local.jsonl"
    with said.open("ab") as output, (folder / "local.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - it outlives calls, and is waited for
            [*COMMAND, "local", str(directory), "-v", "-o", "json", *server_options(database)],
            stdout=output,
            stderr=log,
            cwd=ROOT,
            env=environment(database),
        )
    one = Local(process, said, len(said.read_text("utf-8")))
    try:
        yield one
    finally:
        if process.poll() is None:
            one.stop()

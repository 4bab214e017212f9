"""One running server on a free port of 127.0.0.1: start, stop, kill, and what its log says."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cli.postgres import keeper
from cli.postgres.account import Account
from cli.postgres.binaries import Binaries
from shared.errors import PostgRegentError

HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 40
TRIES = 5
POLL_SECONDS = 0.01
# What another try may heal: a port that somebody took meanwhile, and the last
# backends of a server that was killed a moment ago.
PASSING_TROUBLE = ("could not bind", "could not create any TCP/IP", "shared memory block")


class ServerStartError(PostgRegentError):
    """PostgreSQL did not start."""


@dataclass(slots=True)
class PostgresProcess:
    """A server on the folder `data`, reached by TCP alone (so that no socket path is too long).

    `remove` is a folder that goes away with us, should we end without having called stop().
    """

    binaries: Binaries
    data: Path
    log_path: Path
    account: Account | None
    settings: Mapping[str, str] = field(default_factory=dict)
    remove: Path | None = None
    port: int = 0
    _keeper: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def is_running(self) -> bool:
        """Whether the server's process is there."""
        return self._keeper is not None and self._keeper.poll() is None

    def start(self) -> None:
        """Return when connections are accepted; on the port it had before, if it had one."""
        if self.is_running:
            return
        self._end(keeper.IMMEDIATE)  # of one that ended by itself, nothing but the pipe
        for remaining in reversed(range(TRIES)):
            port = self.port or free_port()
            begin, before = self._log_size(), self._lock_file()
            self._spawn(port)
            if self._became_ready(before):
                self.port = port
                return
            self._end(keeper.IMMEDIATE)
            said = self.log_since(begin)
            if not (remaining and any(trouble in said for trouble in PASSING_TROUBLE)):
                raise ServerStartError(f"PostgreSQL did not start on {self.data}: {said.strip()}")
            time.sleep(0.2)

    def stop(self) -> None:
        """A fast shutdown: sessions end, everything is written."""
        self._end(keeper.FAST)

    def stop_at_once(self) -> None:
        """No checkpoint: for data that nobody needs again, or that recovery shall read."""
        self._end(keeper.IMMEDIATE)

    def kill(self) -> None:
        """SIGKILL, as a machine that loses its memory would do."""
        self._end(keeper.KILL)

    def log_since(self, offset: int) -> str:
        """What the server wrote to its log after `offset` bytes."""
        with contextlib.suppress(FileNotFoundError), self.log_path.open("rb") as log:
            log.seek(offset)
            return log.read().decode("utf-8", "replace")
        return ""

    def _log_size(self) -> int:
        return self.log_path.stat().st_size if self.log_path.exists() else 0

    def _spawn(self, port: int) -> None:
        settings = {
            "listen_addresses": HOST,
            "port": str(port),
            "unix_socket_directories": "",
            "logging_collector": "off",
            **self.settings,
        }
        arguments = [self.binaries.program("postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            arguments += ["-c", f"{name}={value}"]
        order = {
            "arguments": arguments,
            "log": str(self.log_path),
            "uid": self.account.uid if self.account else None,
            "gid": self.account.gid if self.account else None,
            "remove": str(self.remove) if self.remove else None,
        }
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", keeper.__file__, json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _became_ready(self, before: str) -> bool:
        """The eighth line of postmaster.pid says `ready` (pg_ctl waits for the same).

        `before` is what a server that was killed, or that still runs here, had left in the file.
        """
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            now = self._lock_file()
            lines = now.splitlines()
            if now != before and len(lines) > 7 and lines[7].strip() == "ready":
                return True
            if not self.is_running:
                return False
            time.sleep(POLL_SECONDS)
        return False

    def _lock_file(self) -> str:
        try:
            return (self.data / "postmaster.pid").read_text()
        except FileNotFoundError:
            return ""

    def _end(self, how: bytes) -> None:
        if self._keeper is None:
            return
        with contextlib.suppress(BrokenPipeError):
            self._keeper.communicate(how, timeout=STOP_SECONDS)
        self._keeper = None


def free_port() -> int:
    """A port that nobody listens on now; start() tries again if somebody is faster."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        number: int = probe.getsockname()[1]
        return number

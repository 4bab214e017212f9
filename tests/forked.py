"""A Regent as a fork of one process that has loaded all that a Regent needs (tests/nursery.py).

Loading takes a second of a core, and the tests start Regents by the hundred. A fork runs the same
`main()` over the same arguments, descriptors and output; that `python -m regent` does so as well is
shown by whatever goes through `postgregent local` or runs on a node.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import IO

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 120
SLICE_SECONDS = 0.05
"""How long one who waits keeps others from asking."""


@dataclass(slots=True)
class Forked:
    """One such process, with what tests use of a `subprocess.Popen`."""

    pid: int
    _told: IO[bytes] = field(repr=False)
    returncode: int | None = None
    _one_at_a_time: Lock = field(default_factory=Lock, repr=False)

    def poll(self) -> int | None:
        """Its exit status, if it has ended."""
        return self._status(0)

    def wait(self, timeout: float) -> int:
        """Its exit status, once it has ended."""
        status = self._status(timeout)
        if status is None:
            raise subprocess.TimeoutExpired("regent", timeout)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing happens to one that has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def _status(self, seconds: float) -> int | None:
        """Several threads may ask, and whoever hears it first closes the pipe."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            with self._one_at_a_time:
                if self.returncode is None and self._is_told(min(max(left, 0), SLICE_SECONDS)):
                    with self._told as told:
                        self.returncode = int(told.read())
            if self.returncode is not None or left <= 0:
                return self.returncode

    def _is_told(self, seconds: float) -> bool:
        """Not by select(), which knows no descriptor from 1024 on."""
        asked = select.poll()
        asked.register(self._told, select.POLLIN)
        return bool(asked.poll(seconds * 1000))


def regent(*arguments: str, log: IO[bytes], pass_fds: Sequence[int] = ()) -> Forked:
    """Start one, as `python -m regent ARGUMENTS`; these descriptors have the same numbers there."""
    return _nursery().fork(arguments, log, pass_fds)


@dataclass(slots=True)
class _Nursery:
    process: subprocess.Popen[bytes]
    control: socket.socket
    _one_at_a_time: Lock = field(default_factory=Lock)

    @classmethod
    def start(cls) -> _Nursery:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.nursery"],
                cwd=ROOT,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        return cls(process, ours)

    def fork(self, arguments: Sequence[str], log: IO[bytes], pass_fds: Sequence[int]) -> Forked:
        message = {"arguments": arguments, "numbers": (1, 2, *pass_fds)}
        reader, writer = os.pipe()
        try:
            with self._one_at_a_time:
                given = [log.fileno(), log.fileno(), *pass_fds, writer]
                socket.send_fds(self.control, [json.dumps(message).encode()], given)
                pid = int(self.control.recv(64))
        finally:
            os.close(writer)
        return Forked(pid, os.fdopen(reader, "rb"))

    def end(self) -> None:
        self.control.close()
        self.process.wait(PATIENCE_SECONDS)


@functools.cache
def _nursery() -> _Nursery:
    """One for each process of the tests, which ends with it."""
    nursery = _Nursery.start()
    atexit.register(nursery.end)
    return nursery

"""One long-running program: started, stopped, killed, frozen and thawed; never longer than we."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.frozen import freeze
from tests.kubernetes_harness.unavailable import ClusterFailed

STOP_SECONDS = 60
LOG_LINES = 15
DIE_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")


@dataclass(slots=True)
class Daemon:
    """A program with its log. The kernel kills it when the process that started it ends."""

    name: str
    arguments: Sequence[str]
    log_path: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def is_running(self) -> bool:
        """Whether it is there, be it frozen or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    def start(self) -> None:
        """Start it, or start it again after stop() or kill(); with the same arguments."""
        if self.is_running:
            return
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*DIE_WITH_US, *self.arguments],
                cwd=self.log_path.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to one that does not end."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: connections break, nothing is tidied up."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                freeze(self._process.pid)

    def thaw(self) -> None:
        """SIGCONT: it goes on where it was, not knowing how much time has passed."""
        self._signal(signal.SIGCONT)

    def must_run(self) -> None:
        """Raise with the end of its log when it has ended by itself."""
        if not self.is_running:
            lines = self.log_path.read_text("utf-8", "replace").splitlines()[-LOG_LINES:]
            raise ClusterFailed(f"{self.name} ended: " + "\n".join(lines))

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._signal(how)
        self.thaw()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

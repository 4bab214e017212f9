"""One cluster for all processes of a test run: started by the first, ended after the last.

A keeper process of its own owns it. Every test process holds a shared lock on a file; the kernel
lets go of it in whatever way the process ends. When the keeper gets that lock for itself, nobody
is left, and it tears the cluster down.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

from tests.kubernetes_harness.unavailable import ClusterFailed, ClusterUnavailable

UNAVAILABLE = 3
USERS, DOOR = "users", "door"
START_SECONDS = 3600  # the first start on a machine builds everything
END_SECONDS = 120
POLL_SECONDS = 0.1
ROOT = Path(__file__).parents[2]


class MovedAway(Exception):
    """The keeper has removed the folder; the next one to come makes a new one."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """The folder where the processes of one run and their keeper meet."""

    folder: Path

    @classmethod
    def of_run(cls, kind: str, run: str) -> Meeting:
        """The same for all processes that name the same run; nobody else may enter."""
        folder = Path(tempfile.gettempdir(), f"postgregent-{kind}-{os.geteuid()}-{run[:12]}")
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.geteuid():
            raise ClusterFailed(f"{folder} belongs to somebody else", way_out="Remove it.")
        return cls(folder)

    @property
    def description(self) -> Path:
        """Written by the keeper when the cluster is ready."""
        return self.folder / "ready.json"

    @property
    def log(self) -> Path:
        """What the keeper says, the progress of builds among it."""
        return self.folder / "keeper.log"

    @contextmanager
    def door(self) -> Iterator[None]:
        """One at a time: a start, an end, or a look whether there is a cluster."""
        try:
            file = (self.folder / DOOR).open("a")
        except FileNotFoundError:
            raise MovedAway from None
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # While we waited, the last user may have left, and the house with him.
            if not (self.folder / DOOR).exists():
                raise MovedAway
            yield

    def users(self) -> IO[str]:
        """The file that every user locks, shared."""
        return (self.folder / USERS).open("a")


@contextmanager
def borrowed(kind: str, run: str) -> Iterator[dict[str, Any]]:
    """What the keeper of `kind` says about its cluster, which is there until the block ends."""
    meeting, using, description = _enter(kind, run)
    with using:
        yield description
        try:
            # An upgrade is refused while others use it.
            fcntl.flock(using, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        fcntl.flock(using, fcntl.LOCK_UN)
        _wait_for_the_end(meeting)


def _enter(kind: str, run: str) -> tuple[Meeting, IO[str], dict[str, Any]]:
    while True:
        meeting = Meeting.of_run(kind, run)
        with contextlib.suppress(MovedAway), meeting.door():
            using = meeting.users()
            fcntl.flock(using, fcntl.LOCK_SH)
            try:
                if not meeting.description.exists():
                    start_keeper(kind, meeting)
                return meeting, using, json.loads(meeting.description.read_text())
            except BaseException:
                using.close()
                raise


def start_keeper(kind: str, meeting: Meeting) -> None:
    """Return when the cluster is described; the keeper then goes on by itself."""
    # Opened twice: reading must not share its place in the file with the keeper's writing.
    with meeting.log.open("wb") as log, meeting.log.open("rb") as told:
        keeper = _spawn(kind, meeting, log)
        said = ""
        deadline = time.monotonic() + START_SECONDS
        while not meeting.description.exists():
            ended, status = os.waitpid(keeper, os.WNOHANG)
            said += _passed_on(told)
            if ended:
                _explain(kind, os.waitstatus_to_exitcode(status), said)
            if time.monotonic() > deadline:
                os.kill(keeper, signal.SIGTERM)
                raise ClusterFailed(f"the {kind} did not start in {START_SECONDS} s")
            time.sleep(POLL_SECONDS)


def _spawn(kind: str, meeting: Meeting, log: IO[bytes]) -> int:
    """Not by subprocess, which complains about a child that is to outlive its Popen."""
    program = [sys.executable, "-m", "tests.kubernetes_harness.keeper", kind, str(meeting.folder)]
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, log.fileno(), 1),
        (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return os.posix_spawn(sys.executable, program, environment, file_actions=streams, setsid=True)


def _explain(kind: str, status: int, said: str) -> NoReturn:
    if status == UNAVAILABLE:
        raise ClusterUnavailable(said.strip().splitlines()[-1])
    raise ClusterFailed(f"the {kind} did not start: {said.strip()[-4000:]}")


def _passed_on(log: IO[bytes]) -> str:
    """What the keeper has said since the last time, its progress above all; shown to the person."""
    said = log.read().decode("utf-8", "replace")
    sys.stderr.write(said)
    sys.stderr.flush()
    return said


def keep(meeting: Meeting, description: dict[str, Any], tear_down: Callable[[], None]) -> None:
    """In the keeper: say that the cluster is ready, and tear it down when nobody is left."""
    draft = meeting.description.with_suffix(".draft")
    draft.write_text(json.dumps(description))
    draft.rename(meeting.description)
    with (meeting.folder / DOOR).open("a") as door, meeting.users() as users:
        while not (_took(door) and _took(users)):
            fcntl.flock(door, fcntl.LOCK_UN)
            time.sleep(POLL_SECONDS)
        # Whoever comes now waits at the door until all is gone, and starts anew.
        tear_down()
        shutil.rmtree(meeting.folder, ignore_errors=True)


def _took(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for_the_end(meeting: Meeting) -> None:
    """Until the keeper has removed the folder, so that a finished run has left nothing."""
    deadline = time.monotonic() + END_SECONDS
    while meeting.folder.exists() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)

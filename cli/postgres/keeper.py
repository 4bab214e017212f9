"""A small program between us and PostgreSQL, so that no server outlives whoever started it.

It starts the server and waits on its own standard input. One byte there says how to stop; the end
of input (its parent ended, in whatever way) means a fast stop, and, where asked, that the data
folder goes too. It is run by path with `python -I -S`: it imports nothing but the standard library.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable

FAST = b"f"
IMMEDIATE = b"i"
KILL = b"k"
HOW = {FAST: signal.SIGINT, IMMEDIATE: signal.SIGQUIT, KILL: signal.SIGKILL, b"": signal.SIGINT}
PATIENCE_SECONDS = 10
PR_SET_PDEATHSIG = 1


def main() -> int:
    """Keep the server described by the JSON in argv[1]; its exit status is ours."""
    order = json.loads(sys.argv[1])
    woken = _wake_on_child_exit()
    with open(order["log"], "ab", buffering=0) as log:  # noqa: PTH123 - pathlib costs 10 ms here
        server = subprocess.Popen(
            order["arguments"],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=order["uid"],
            group=order["gid"],
            extra_groups=None if order["uid"] is None else [],
            start_new_session=True,
            preexec_fn=_die_with_parent(),  # noqa: PLW1509 - there is one thread only
        )
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda *_: server.send_signal(signal.SIGINT))
    while server.poll() is None:
        if sys.stdin.fileno() in select.select([sys.stdin.fileno(), woken], [], [])[0]:
            how = os.read(sys.stdin.fileno(), 1)
            server.send_signal(HOW.get(how, signal.SIGINT))
            return _wait_for_the_end(server, order["remove"] if how == b"" else None)
        os.read(woken, 1)
    return abs(int(server.returncode))


def _wake_on_child_exit() -> int:
    """A file descriptor that can be read once a child has ended."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer)
    return reader


def _wait_for_the_end(server: subprocess.Popen[bytes], remove: str | None) -> int:
    for harder in (signal.SIGQUIT, signal.SIGKILL, None):
        try:
            server.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            if harder is not None:
                server.send_signal(harder)
        else:
            break
    if remove:
        shutil.rmtree(remove, ignore_errors=True)
    return abs(int(server.returncode or 0))


def _die_with_parent() -> Callable[[], None] | None:
    """On Linux the kernel itself ends the server when this program is killed."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGINT)

    return ask


if __name__ == "__main__":
    sys.exit(main())

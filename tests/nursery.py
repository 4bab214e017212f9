"""The process of which the Regents of tests are forks; tests/forked.py starts it and talks to it.

It has loaded what a Regent loads, and does nothing with it. Standard input is a socket: one message
on it is one Regent, its arguments and descriptors; the end of input ends whatever still runs.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from typing import Any

from regent.__main__ import main as regent_main

LOADED = (
    "regent.daemon",
    "shared.garbage",
    # What libraries load once a Regent runs.
    "concurrent.futures.thread",
    "pydantic.v1",
    "uvicorn.lifespan.off",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)
LARGEST_MESSAGE = 1 << 16
# The last of what a Regent is given is how its exit status is told, and stays here.
MOST_DESCRIPTORS = 8
ABOVE = 512
"""Of the descriptors of this process none is as high, nor of what a Regent is to have."""


def main() -> None:
    """Fork a Regent for each message."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in LOADED:
        importlib.import_module(name)
    gc.freeze()  # each would look through all of it at its start
    ended = _told_of_ends()
    control = socket.socket(fileno=os.dup(0))
    running: dict[int, int] = {}
    while True:
        ready = select.select([control.fileno(), ended], [], [])[0]
        if ended in ready:
            os.read(ended, LARGEST_MESSAGE)
            _tell_ends(running)
        if control.fileno() not in ready:
            continue
        message, given, _, _ = socket.recv_fds(control, LARGEST_MESSAGE, MOST_DESCRIPTORS)
        if not message:
            break
        if (pid := os.fork()) == 0:
            control.detach()
            _become(json.loads(message), given[:-1])
        for descriptor in given[:-1]:
            os.close(descriptor)
        running[pid] = given[-1]
        control.sendall(str(pid).encode())
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def _told_of_ends() -> int:
    """A descriptor that can be read once a Regent has ended."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer)
    return reader


def _tell_ends(running: dict[int, int]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        told = running.pop(pid)
        os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(told)


def _become(order: dict[str, Any], given: list[int]) -> None:
    """Be `python -m regent` with these arguments; of descriptors it has what it was given alone."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    given.append(os.open(os.devnull, os.O_RDONLY))
    kept = [fcntl.fcntl(one, fcntl.F_DUPFD, ABOVE) for one in given]
    os.closerange(3, ABOVE)
    for descriptor, number in zip(kept, [*order["numbers"], 0], strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.argv = ["regent", *order["arguments"]]
    sys.exit(regent_main())


if __name__ == "__main__":
    main()

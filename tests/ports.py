"""Ports that a test names before anything listens on them, or listens on again after a while.

What the kernel hands out for port 0 may be the near end of anybody's connection a moment later, and
a listener that was stopped finds its port taken. So these lie below what the kernel hands out, and
each belongs to one process of the tests until it ends, by a name that the kernel keeps beside them:
an abstract socket of the same network namespace.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path

HANDED_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")
FIRST, LAST = 12_000, 29_999
"""Above what services are known by, below the NodePorts of Kubernetes."""
_kept: dict[int, int] = {}
_turns = itertools.count(os.getpid() * 101)


def own_port() -> int:
    """A port of this process's own, on which nobody listens."""
    for port in _candidates():
        if (name := _take(port)) is None:
            continue
        if _is_free(port):
            _kept[port] = name
            return port
        os.close(name)
    raise OSError(f"no port from {FIRST} to {_last()} is free")


def give_back(port: int) -> None:
    """Nobody names it any more."""
    if (name := _kept.pop(port, None)) is not None:
        os.close(name)


def _candidates() -> Iterator[int]:
    """Each process begins elsewhere and goes round, so that what was given back rests a while."""
    ports = range(FIRST, _last() + 1)
    begin = next(_turns) % len(ports)
    yield from ports[begin:]
    yield from ports[:begin]


def _last() -> int:
    with contextlib.suppress(OSError):
        first_handed_out = int(HANDED_OUT.read_text("ascii").split()[0])
        if first_handed_out > FIRST:
            return min(LAST, first_handed_out - 1)
    return LAST


def _take(port: int) -> int | None:
    """The descriptor of the name, which is gone with this process."""
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0postgregent-test-port-{port}")
    except OSError:
        name.close()
        return None
    return name.detach()


def _is_free(port: int) -> bool:
    """On every address of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True

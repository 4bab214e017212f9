"""The network of one node: its addresses, and the little of it that lies outside the node.

Outside are a veth pair and two routes. Several nodes may run on a machine: each takes a number,
and with it networks that no other node has.
"""

from __future__ import annotations

import fcntl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.kubernetes_harness.unavailable import ClusterFailed, ClusterUnavailable

NUMBERS = range(1, 100)
LOCKS = Path("/run/lock/postgregent-cluster")


@dataclass(frozen=True, slots=True)
class NodeNetwork:
    """`outside` is this machine's end of the link, `inside` the node's."""

    number: int
    lock: IO[str] | None = None

    @classmethod
    def take(cls) -> NodeNetwork:
        """The first number that nobody uses; given back when the file is closed, however."""
        LOCKS.mkdir(parents=True, exist_ok=True)
        for number in NUMBERS:
            file = (LOCKS / str(number)).open("a")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                continue
            network = cls(number, file)
            network.remove()  # what a run that was killed has left
            if not _run("ip", "-o", "route", "show", "root", f"10.213.{number}.0/24"):
                return network
            file.close()
        raise ClusterUnavailable(f"no network of 10.213.{NUMBERS[0]}.0 and above is free")

    @property
    def outside(self) -> str:
        """Where pods reach what listens on this machine."""
        return f"10.213.{self.number}.1"

    @property
    def inside(self) -> str:
        """The node, and its API server."""
        return f"10.213.{self.number}.2"

    @property
    def link(self) -> str:
        """Both ends."""
        return f"10.213.{self.number}.0/30"

    @property
    def pods(self) -> str:
        """Pods come to `outside` with these addresses."""
        return f"10.214.{self.number}.0/24"

    @property
    def services(self) -> str:
        """Reached from this machine too."""
        return f"10.215.{self.number}.0/24"

    @property
    def first_service(self) -> str:
        """The API's."""
        return f"10.215.{self.number}.1"

    @property
    def dns(self) -> str:
        """The DNS server's."""
        return f"10.215.{self.number}.10"

    @property
    def outer_link(self) -> str:
        """This machine's end."""
        return f"pgregent{self.number}o"

    @property
    def inner_link(self) -> str:
        """The node's end; seen only in there."""
        return f"pgregent{self.number}i"

    @property
    def cgroup(self) -> str:
        """The name of the node's cgroup."""
        return f"postgregent-{self.number}"

    def connect(self, pid: int) -> None:
        """Lay the link to the network namespace of process `pid`, and the two routes."""
        link = ["link", "add", self.outer_link, "type", "veth"]
        _must("ip", *link, "peer", "name", self.inner_link, "netns", str(pid))
        _must("ip", "address", "add", f"{self.outside}/30", "dev", self.outer_link)
        _must("ip", "link", "set", self.outer_link, "up")
        for network in (self.pods, self.services):
            _must("ip", "route", "add", network, "via", self.inside, "dev", self.outer_link)

    def remove(self) -> None:
        """The link and, with it, its routes."""
        if self.outer_link in _run("ip", "-o", "link", "show"):
            _run("ip", "link", "delete", self.outer_link)

    def release(self) -> None:
        """Give the number back."""
        if self.lock is not None:
            self.lock.close()


def _run(*command: str) -> str:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout


def _must(*command: str) -> None:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise ClusterFailed(f"{' '.join(command)}: {answer.stderr.strip()}")

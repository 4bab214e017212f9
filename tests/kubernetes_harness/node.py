"""The second layer: a node with everything that a pod needs, in namespaces of its own. Root only.

Killing its process 1 ends every daemon and container; mounts, bridge and rules go with it. Outside
remain a veth pair, two routes and a cgroup (network.py, cgroups.py), which discard() removes.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.kubernetes_harness import cgroups, inside
from tests.kubernetes_harness.access import CallFailed
from tests.kubernetes_harness.daemon import DIE_WITH_US
from tests.kubernetes_harness.images import Image, coredns_image, pause_image
from tests.kubernetes_harness.network import NodeNetwork
from tests.kubernetes_harness.node_access import NodeCluster
from tests.kubernetes_harness.node_configuration import (
    NODE_NAME,
    control_plane_settings,
    order_for,
    write_configuration,
)
from tests.kubernetes_harness.packages import install_missing
from tests.kubernetes_harness.programs import CONTAINER_RUNTIME, CONTROL_PLANE, KUBELET, programs
from tests.kubernetes_harness.unavailable import ClusterFailed

START_SECONDS = 120
POLL_SECONDS = 0.1
LOG_BYTES = 1500


@dataclass(slots=True)
class Node:
    """A one-node Kubernetes; its API, pods and Services are reached from this machine."""

    access: NodeCluster
    network: NodeNetwork
    folder: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def launch(cls, folder: Path | None = None) -> Node:
        """Start one and return when the node is Ready and its DNS answers."""
        install_missing()
        images = (pause_image(), coredns_image())
        bins = {s.name: programs(s) for s in (CONTROL_PLANE, KUBELET, CONTAINER_RUNTIME)}
        folder = folder or Path(tempfile.mkdtemp(prefix="postgregent-node-"))
        network = NodeNetwork.take()
        cgroups.remove(network.cgroup)
        node = cls._spawn(folder, network, bins, images)
        try:
            node._come_up(images)
        except BaseException:
            node.discard()
            raise
        return node

    @classmethod
    def _spawn(
        cls,
        folder: Path,
        network: NodeNetwork,
        bins: Mapping[str, Path],
        images: tuple[Image, Image],
    ) -> Node:
        settings = control_plane_settings(folder, network, bins[CONTROL_PLANE.name])
        write_configuration(folder, network, pause=images[0].name, coredns=images[1].name)
        order = folder / "order.json"
        order.write_text(json.dumps(order_for(settings, network, bins)))
        with (folder / "inside.log").open("ab") as log:
            # unshare is the parent of the new process 1; it ends with us, and process 1 with it.
            process = subprocess.Popen(
                [
                    *DIE_WITH_US,
                    *("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child=KILL"),
                    *("--propagation", "private", "--mount-proc"),
                    *(sys.executable, "-I", "-S", inside.__file__, str(order)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        access = NodeCluster(
            settings.server,
            settings.authority.certificate.read_text(),
            settings.pki / "admin.kubeconfig",
            folder,
            settings.authority,
            network=network,
            ctr=bins[CONTAINER_RUNTIME.name] / "ctr",
        )
        return cls(access, network, folder, process)

    @property
    def kubeconfig(self) -> Path:
        """The admin's."""
        return self.access.kubeconfig

    def _come_up(self, images: tuple[Image, ...]) -> None:
        self._wait("its namespaces", lambda: self._first_process() is not None)
        pid = self._first_process()
        assert pid is not None
        self.network.connect(pid)
        cgroups.make(self.network.cgroup)
        (self.folder / "go").touch()
        self._wait("containerd", self.access.runs_containerd)
        for image in images:
            self.access.load_image(image)
        get_node = ("get", "node", NODE_NAME)
        self._wait("the node's registration", lambda: self._answers(*get_node))
        self.access.kubectl("wait", "--for=condition=Ready", f"node/{NODE_NAME}", "--timeout=120s")
        self.access.kubectl("apply", "-f", str(self.folder / "coredns.yaml"))
        rollout = ("rollout", "status", "deployment/coredns", "--timeout=120s")
        self.access.kubectl("-n", "kube-system", *rollout)

    def discard(self) -> None:
        """End everything and remove what is outside; once, for others may take our number then."""
        if not self.folder.exists():
            return
        if (pid := self._first_process()) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        self.process.kill()
        self.process.wait()
        self.network.remove()
        cgroups.remove(self.network.cgroup)
        self.network.release()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _first_process(self) -> int | None:
        """The number that process 1 of the node has outside, once it has its own network."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            for child in children.read_text().split():
                if _network_of(child) != _network_of("self"):
                    return int(child)
        return None

    def _answers(self, *arguments: str) -> bool:
        try:
            self.access.kubectl("--request-timeout=5s", *arguments)
        except CallFailed:
            return False
        return True

    def _said(self) -> str:
        """The end of each log that has something to say, errors first of all."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{log.stem}: {_end_of(log)}" for log in logs if log.stat().st_size)

    def _wait(self, what: str, is_there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not is_there():
            if self.process.poll() is not None:
                raise ClusterFailed(f"the node ended while it waited for {what}: {self._said()}")
            if time.monotonic() > deadline:
                raise ClusterFailed(f"no {what} after {START_SECONDS} s: {self._said()}")
            time.sleep(POLL_SECONDS)


def _network_of(process: str) -> Path:
    return Path(f"/proc/{process}/ns/net").readlink()


def _end_of(log: Path) -> str:
    return log.read_bytes()[-LOG_BYTES:].decode("utf-8", "replace")

"""The way into a running node: that into its cluster, and to its container runtime."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.kubernetes_harness.access import Cluster
from tests.kubernetes_harness.images import Image
from tests.kubernetes_harness.network import NodeNetwork
from tests.kubernetes_harness.unavailable import ClusterFailed

CALL_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCluster(Cluster):
    """A cluster that runs containers, and this machine's place in its network.

    Pods reach what listens on `network.outside` and come from `network.pods`; nothing further.
    """

    network: NodeNetwork
    ctr: Path

    def load_image(self, image: Image) -> None:
        """Make an image known to the node; pods then name it with imagePullPolicy Never."""
        answer = self._containerd("images", "import", "--local", str(image.archive))
        if answer.returncode != 0:
            raise ClusterFailed(f"{image.archive} was not loaded: {answer.stderr.strip()}")

    def runs_containerd(self) -> bool:
        """Whether the container runtime answers."""
        return self._containerd("version").returncode == 0

    def _containerd(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        socket = self.folder / "run" / "containerd.sock"
        return subprocess.run(
            [str(self.ctr), "-a", str(socket), "-n", "k8s.io", *arguments],
            capture_output=True,
            text=True,
            timeout=CALL_SECONDS,
            check=False,
        )

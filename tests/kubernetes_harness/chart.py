"""The chart on a node as a user has it: our own images, a namespace under the restricted standard.

Secrets are readable namespace by namespace, each by a binding of its own, as an administrator does
it who allows little.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.kubernetes_harness.images import TARGETS, program_image
from tests.kubernetes_harness.node import Node
from tests.kubernetes_harness.node_access import NodeCluster

CHART = Path(__file__).parents[2] / "charts" / "postgregent"
RELEASE = NAMESPACE = "postgregent"
CONTROLLER = ("-n", NAMESPACE, "-l", "app.kubernetes.io/component=controller")
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
PATIENCE = ("--wait", "--timeout", "170s")
IMAGES = {
    target: {
        "repository": f"localhost/postgregent/{target}",
        "tag": "test",
        "pullPolicy": "Never",
    }
    for target in TARGETS
}
VALUES = {"image": IMAGES["controller"], "regent": {"image": IMAGES["regent"]}}


@dataclass(frozen=True, slots=True)
class InstalledChart:
    """A release of the working tree's chart, of the name `postgregent` in a namespace of its own.

    Several tests may use it at a time; one that takes it away, or a part of it, has it alone.
    """

    cluster: NodeCluster

    @contextmanager
    def used(self, *, alone: bool = False) -> Iterator[None]:
        """Wait until it may be used, or until nobody else uses it."""
        with (self.cluster.folder / "chart.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            yield

    def install(self) -> None:
        """Return when the controller's pod is ready."""
        release = (RELEASE, str(CHART), "-n", NAMESPACE, "--set-json", json.dumps(VALUES))
        self.cluster.helm("install", *release, *PATIENCE)

    def uninstall(self) -> None:
        """The CRDs stay, and so do Regents."""
        self.cluster.helm("uninstall", RELEASE, "-n", NAMESPACE, *PATIENCE)

    def scale(self, controllers: int) -> None:
        """As many controllers; returns when they are ready, or gone."""
        place = ("-n", NAMESPACE)
        self.cluster.kubectl("scale", f"deployment/{RELEASE}", f"--replicas={controllers}", *place)
        if controllers:
            wait = ("rollout", "status", f"deployment/{RELEASE}", "--timeout=120s")
            self.cluster.kubectl(*wait, *place)
        else:
            self.cluster.kubectl("wait", "pod", "--for=delete", *CONTROLLER, "--timeout=120s")

    def allow_secrets(self, namespace: str) -> None:
        """The controller may read the Secrets of this namespace from now on.

        By hand, as an administrator does it: under another name than the chart's own binding has.
        """
        role = f"--clusterrole={RELEASE}-secrets"
        account = f"--serviceaccount={NAMESPACE}:{RELEASE}"
        binding = ("create", "rolebinding", f"{RELEASE}-secrets-by-hand", role, account)
        self.cluster.kubectl(*binding, "-n", namespace)

    def said(self) -> str:
        """What the controller has said of late, for who looks at a failure."""
        return self.cluster.kubectl("logs", *CONTROLLER, "--prefix", "--tail=60")


def install_chart(cluster: NodeCluster) -> InstalledChart:
    """Load the images of the working tree, and install."""
    for target in TARGETS:
        cluster.load_image(program_image(target))
    cluster.kubectl("create", "namespace", NAMESPACE)
    cluster.kubectl("label", "namespace", NAMESPACE, RESTRICTED)
    chart = InstalledChart(cluster)
    chart.install()
    return chart


def node_with_chart(folder: Path) -> Node:
    """A node of its own: two releases would meet on one."""
    node = Node.launch(folder)
    try:
        install_chart(node.access)
    except BaseException:
        node.discard()
        raise
    return node

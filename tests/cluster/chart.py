"""The chart on a node as a user has it: our own images, a namespace under the restricted standard.

Secrets are readable namespace by namespace, each by a binding of its own, as an administrator does
it who allows little.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.images import TARGETS, Image, program_image
from tests.cluster.node_access import NodeCluster

CHART = Path(__file__).parents[2] / "charts" / "postgregent"
RELEASE = NAMESPACE = "postgregent"
CONTROLLER = ("-n", NAMESPACE, "-l", "app.kubernetes.io/component=controller")
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
PATIENCE = ("--wait", "--timeout", "170s")


@dataclass(frozen=True, slots=True)
class InstalledChart:
    """A release of the working tree's chart, of the name `postgregent` in a namespace of its own.

    `values` is what it was installed with.
    """

    cluster: NodeCluster
    values: dict[str, Any] = field(repr=False)

    def install(self) -> None:
        """Return when the controller's pod is ready."""
        release = (RELEASE, str(CHART), "-n", NAMESPACE, "--set-json", json.dumps(self.values))
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
        """The controller may read the Secrets of this namespace from now on."""
        role = f"--clusterrole={RELEASE}-secrets"
        account = f"--serviceaccount={NAMESPACE}:{RELEASE}"
        binding = ("create", "rolebinding", f"{RELEASE}-secrets", role, account)
        self.cluster.kubectl(*binding, "-n", namespace)

    def said(self) -> str:
        """What the controller has said of late, for who looks at a failure."""
        return self.cluster.kubectl("logs", *CONTROLLER, "--prefix", "--tail=60")


def install_chart(cluster: NodeCluster) -> InstalledChart:
    """Load the images of the working tree, and install."""
    images = {target: program_image(target) for target in TARGETS}
    for image in images.values():
        cluster.load_image(image)
    cluster.kubectl("create", "namespace", NAMESPACE)
    cluster.kubectl("label", "namespace", NAMESPACE, RESTRICTED)
    values = {"image": _of(images["controller"]), "regent": {"image": _of(images["regent"])}}
    chart = InstalledChart(cluster, values)
    chart.install()
    return chart


def _of(image: Image) -> dict[str, str]:
    """An image as the chart's values name it."""
    repository, _, tag = image.name.rpartition(":")
    return {"repository": repository, "tag": tag, "pullPolicy": "Never"}

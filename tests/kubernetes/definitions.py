"""Our kinds, brought to a cluster."""

from __future__ import annotations

from shared.crds.__main__ import FOLDER
from tests.kubernetes_harness.access import Cluster


def define_our_kinds(cluster: Cluster) -> None:
    """Return when the API server serves them."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(FOLDER))
    names = [f"crd/{path.stem}" for path in FOLDER.iterdir()]
    cluster.kubectl("wait", "--for=condition=Established", *names, "--timeout=120s")

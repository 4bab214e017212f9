"""`python -m tests.kubernetes_harness.keeper KIND FOLDER`: owns one cluster for a whole run.

Everything that it starts ends with it, even when it is killed; see sharing.py for when it ends.
"""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tests.kubernetes_harness import standing
from tests.kubernetes_harness.chart import node_with_chart
from tests.kubernetes_harness.control_plane import ControlPlane
from tests.kubernetes_harness.describing import described
from tests.kubernetes_harness.node import Node
from tests.kubernetes_harness.sharing import UNAVAILABLE, Meeting, keep
from tests.kubernetes_harness.unavailable import ClusterUnavailable

KINDS: dict[str, Callable[[Path], ControlPlane | Node]] = {
    "control-plane": ControlPlane.launch,
    "installed-chart": node_with_chart,
}


def main() -> int:
    """Start the cluster, keep it while anybody uses it, remove it."""
    meeting = Meeting(Path(sys.argv[2]))
    (meeting.folder / "cluster").mkdir(exist_ok=True)
    signal.signal(signal.SIGTERM, _end)
    try:
        if sys.argv[1] == standing.KIND:
            standing.stay(meeting)
        else:
            _keep(KINDS[sys.argv[1]], meeting)
    except ClusterUnavailable as reason:
        sys.stderr.write(f"{reason}\n")
        return UNAVAILABLE
    finally:
        shutil.rmtree(meeting.folder, ignore_errors=True)
    return 0


def _keep(launch: Callable[[Path], ControlPlane | Node], meeting: Meeting) -> None:
    cluster = launch(meeting.folder / "cluster")
    try:
        keep(meeting, described(cluster.access), cluster.discard)
    except BaseException:
        cluster.discard()
        raise


def _end(*_: object) -> None:
    sys.exit(1)


if __name__ == "__main__":
    sys.exit(main())

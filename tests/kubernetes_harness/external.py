"""A cluster that somebody else runs, named in POSTGREGENT_TEST_KUBECONFIG (kind, k3d)."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

from tests.kubernetes_harness.access import Cluster
from tests.kubernetes_harness.tools import tools
from tests.kubernetes_harness.unavailable import ClusterFailed

VARIABLE = "POSTGREGENT_TEST_KUBECONFIG"


def named_kubeconfig() -> Path | None:
    """The file that the variable names."""
    return Path(named) if (named := os.environ.get(VARIABLE)) else None


def external_cluster(kubeconfig: Path, folder: Path) -> Cluster:
    """The cluster of the file's current context; `folder` is for files of ours."""
    answer = subprocess.run(
        [str(tools() / "kubectl"), "config", "view", "--raw", "--minify", "--flatten", "-o=json"],
        env=os.environ | {"KUBECONFIG": str(kubeconfig)},
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise ClusterFailed(f"{VARIABLE}={kubeconfig}: {answer.stderr.strip()}")
    cluster = json.loads(answer.stdout)["clusters"][0]["cluster"]
    ca_pem = base64.b64decode(cluster.get("certificate-authority-data", "")).decode()
    return Cluster(cluster["server"], ca_pem, kubeconfig, folder)

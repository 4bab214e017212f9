"""Debian's packages that a node needs, installed here when they are missing and we may."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from cli.postgres.binaries import cache_folder, locked
from tests.kubernetes_harness.unavailable import ClusterUnavailable

PLUGINS = Path("/usr/lib/cni")
# A package, and the file that tells whether it is there.
PROGRAMS = {
    "runc": "runc",
    "nftables": "nft",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "iproute2": "ip",
    "util-linux": "unshare",
    "procps": "sysctl",
}
PLUGIN_PACKAGE = "containernetworking-plugins"
WAY_OUT = "Or name a cluster to use instead in POSTGREGENT_TEST_KUBECONFIG."


def install_missing() -> None:
    """Return with everything there, or raise and say what to install."""
    if os.geteuid() != 0:
        raise ClusterUnavailable("a node with a container runtime needs root", way_out=WAY_OUT)
    with locked(cache_folder() / "cluster" / "packages.lock"):
        absent = missing()
        if not absent:
            return
        if shutil.which("apt-get") is None:
            raise ClusterUnavailable(
                f"{', '.join(absent)}: not installed, and there is no apt-get", way_out=WAY_OUT
            )
        _install(absent)
    if absent := missing():
        raise ClusterUnavailable(f"apt-get installed no {', '.join(absent)}", way_out=WAY_OUT)


def missing() -> list[str]:
    """The packages that are not installed."""
    search = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    absent = [name for name, file in PROGRAMS.items() if shutil.which(file, path=search) is None]
    return absent if (PLUGINS / "bridge").exists() else [*absent, PLUGIN_PACKAGE]


def _install(names: list[str]) -> None:
    sys.stderr.write(f"installing {' '.join(names)} with apt-get …\n")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", *names],
    ):
        answer = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
        if answer.returncode != 0:
            raise ClusterUnavailable(
                f"{' '.join(command)}: {answer.stderr.strip()[-1000:]}", way_out=WAY_OUT
            )

"""What a node's daemons are told: keys, configuration files, command lines."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from tests.kubernetes_harness.certificates import Authority
from tests.kubernetes_harness.components import ControlPlaneSettings
from tests.kubernetes_harness.network import NodeNetwork
from tests.kubernetes_harness.programs import CONTAINER_RUNTIME, CONTROL_PLANE, KUBELET

NODE_NAME = "node1"
TEMPLATES = Path(__file__).with_name("etc")
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
API_PORT, ETCD_PORT, ETCD_PEER_PORT = 6443, 2379, 2380  # nobody else is in its network namespace
PLACES = {
    "kubelet.yaml": "kubelet.yaml",
    "kube-proxy.yaml": "kube-proxy.yaml",
    "containerd.toml": "containerd.toml",
    "coredns.yaml": "coredns.yaml",
    "bridge.conflist": "cni/10-bridge.conflist",
}


def control_plane_settings(
    folder: Path, network: NodeNetwork, bin_folder: Path
) -> ControlPlaneSettings:
    """The control plane's settings, with the keys of everybody written."""
    authority = Authority.create(folder / "pki")
    settings = ControlPlaneSettings(
        bin_folder,
        folder,
        network.inside,
        API_PORT,
        ETCD_PORT,
        ETCD_PEER_PORT,
        network.services,
        authority,
    )
    settings.write_pki(first_service_address=network.first_service)
    settings.component_kubeconfig("scheduler", "system:kube-scheduler")
    settings.component_kubeconfig("proxy", "system:kube-proxy")
    settings.component_kubeconfig("kubelet", f"system:node:{NODE_NAME}", ["system:nodes"])
    authority.server(NODE_NAME, (NODE_NAME, network.inside, "127.0.0.1"))
    return settings


def write_configuration(folder: Path, network: NodeNetwork, *, pause: str, coredns: str) -> None:
    """The templates of etc/, filled in."""
    for name in ("run", "cni", "pod-logs", "containerd", "kubelet", "ipam"):
        (folder / name).mkdir()
    (folder / "resolv.conf").touch()
    values = {
        "folder": str(folder),
        "address": network.inside,
        "cgroup": network.cgroup,
        "dns": network.dns,
        "pods": network.pods,
        "pause": pause,
        "coredns": coredns,
        "runc": shutil.which("runc", path=SYSTEM_PATH) or "runc",
    }
    for template, place in PLACES.items():
        text = Template((TEMPLATES / template).read_text()).substitute(values)
        (folder / place).write_text(text)


def order_for(
    settings: ControlPlaneSettings, network: NodeNetwork, bins: Mapping[str, Path]
) -> dict[str, Any]:
    """What inside.py does: the daemons of `first`, then, once the API is ready, those of `then`."""
    folder, pki, kubernetes = settings.folder, settings.pki, bins[KUBELET.name]
    runtime = bins[CONTAINER_RUNTIME.name]
    first = {
        "etcd": settings.etcd(),
        "kube-apiserver": settings.api_server(),
        "containerd": [f"{runtime}/containerd", "-c", f"{folder}/containerd.toml"],
    }
    then = {
        "kube-controller-manager": settings.controller_manager(),
        "kube-scheduler": [
            f"{kubernetes}/kube-scheduler",
            f"--kubeconfig={pki}/scheduler.kubeconfig",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
        ],
        "kube-proxy": [f"{kubernetes}/kube-proxy", f"--config={folder}/kube-proxy.yaml"],
        "kubelet": [
            f"{kubernetes}/kubelet",
            f"--config={folder}/kubelet.yaml",
            f"--kubeconfig={pki}/kubelet.kubeconfig",
            f"--root-dir={folder}/kubelet",
            f"--cert-dir={folder}/kubelet/pki",
            f"--hostname-override={NODE_NAME}",
            f"--node-ip={network.inside}",
        ],
    }
    return {
        "folder": str(folder),
        "address": network.inside,
        "link": network.inner_link,
        "path": f"{runtime}:{bins[CONTROL_PLANE.name]}:{SYSTEM_PATH}",
        "ready": f"{settings.server}/readyz",
        "ca": str(settings.authority.certificate),
        "first": first,
        "then": then,
    }

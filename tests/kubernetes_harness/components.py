"""How the components of the control plane are started: one command line each, for both layers."""

from __future__ import annotations

import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.kubernetes_harness.access import write_kubeconfig
from tests.kubernetes_harness.certificates import Authority, signing_pair
from tests.kubernetes_harness.unavailable import ClusterFailed

ADMINS = "system:masters"
ISSUER = "https://kubernetes.default.svc.cluster.local"
NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")
READY_SECONDS = 120
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class ControlPlaneSettings:
    """Where a control plane listens and what it is made of."""

    bin: Path
    folder: Path
    address: str
    port: int
    etcd_port: int
    etcd_peer_port: int
    services: str
    authority: Authority

    @property
    def server(self) -> str:
        """The address of the API."""
        return f"https://{self.address}:{self.port}"

    @property
    def pki(self) -> Path:
        """Where its keys lie."""
        return self.authority.folder

    def write_pki(self, *, first_service_address: str) -> None:
        """Everything that the components prove themselves with."""
        hosts = (*NAMES, f"{NAMES[2]}.cluster.local", "127.0.0.1", first_service_address)
        self.authority.server("kube-apiserver", tuple({*hosts, self.address}))
        self.authority.client("apiserver-kubelet", "kube-apiserver-kubelet-client", [ADMINS])
        signing_pair(self.pki)
        self.component_kubeconfig("admin", "admin", [ADMINS])
        self.component_kubeconfig("kcm", "system:kube-controller-manager")

    def component_kubeconfig(self, name: str, user: str, groups: Sequence[str] = ()) -> Path:
        """The kubeconfig of one component, by its file name."""
        path = self.pki / f"{name}.kubeconfig"
        identity = self.authority.client(name, user, groups)
        write_kubeconfig(path, self.server, self.authority.certificate.read_text(), identity)
        return path

    def etcd(self) -> list[str]:
        """Nothing of it outlives a test: no fsync."""
        client = f"http://127.0.0.1:{self.etcd_port}"
        peer = f"http://127.0.0.1:{self.etcd_peer_port}"
        return [
            f"{self.bin}/etcd",
            f"--data-dir={self.folder}/etcd",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def api_server(self) -> list[str]:
        """RBAC and the node restriction, as clusters of users have them."""
        # The API refuses loopback addresses as endpoints of the Service `kubernetes`.
        endpoints = "none" if self.address.startswith("127.") else "lease"
        return [
            f"{self.bin}/kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            f"--bind-address={self.address}",
            f"--advertise-address={self.address}",
            f"--secure-port={self.port}",
            f"--tls-cert-file={self.pki}/kube-apiserver.crt",
            f"--tls-private-key-file={self.pki}/kube-apiserver.key",
            f"--client-ca-file={self.authority.certificate}",
            f"--kubelet-client-certificate={self.pki}/apiserver-kubelet.crt",
            f"--kubelet-client-key={self.pki}/apiserver-kubelet.key",
            f"--kubelet-certificate-authority={self.authority.certificate}",
            "--kubelet-preferred-address-types=InternalIP",
            f"--service-account-issuer={ISSUER}",
            f"--service-account-signing-key-file={self.pki}/tokens.key",
            f"--service-account-key-file={self.pki}/tokens.pub",
            f"--service-cluster-ip-range={self.services}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--endpoint-reconciler-type={endpoints}",
        ]

    def controller_manager(self) -> list[str]:
        """Alone, so without an election, and faster than the default 20 calls a second."""
        return [
            f"{self.bin}/kube-controller-manager",
            f"--kubeconfig={self.pki}/kcm.kubeconfig",
            f"--root-ca-file={self.authority.certificate}",
            f"--service-account-private-key-file={self.pki}/tokens.key",
            f"--cluster-signing-cert-file={self.authority.certificate}",
            f"--cluster-signing-key-file={self.authority.key}",
            "--use-service-account-credentials",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            "--leader-elect=false",
            "--secure-port=0",
        ]

    def wait_ready(self, check: Callable[[], None]) -> None:
        """Return when /readyz says so; `check` raises when waiting has become useless."""
        trust = ssl.create_default_context(cafile=str(self.authority.certificate))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        )
        deadline = time.monotonic() + READY_SECONDS
        answer = "no answer"
        while time.monotonic() < deadline:
            check()
            try:
                with opener.open(f"{self.server}/readyz", timeout=5):
                    return
            except (urllib.error.URLError, OSError) as error:
                answer = str(error)
            time.sleep(POLL_SECONDS)
        raise ClusterFailed(f"{self.server}/readyz after {READY_SECONDS} s: {answer}")

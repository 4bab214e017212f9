"""The first layer: etcd, kube-apiserver and kube-controller-manager on loopback, no root needed."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.kubernetes_harness.access import Cluster
from tests.kubernetes_harness.audit import AuditLog
from tests.kubernetes_harness.certificates import Authority
from tests.kubernetes_harness.components import ControlPlaneSettings
from tests.kubernetes_harness.daemon import Daemon
from tests.kubernetes_harness.programs import CONTROL_PLANE, programs
from tests.kubernetes_harness.unavailable import ClusterFailed, ClusterUnavailable
from tests.ports import give_back, own_port

LOOPBACK = "127.0.0.1"
SERVICES = "10.215.255.0/24"
FIRST_SERVICE = "10.215.255.1"
TRIES = 3


@dataclass(slots=True)
class ControlPlane:
    """Deployments become Pods, and Pods stay Pending: nothing here runs containers."""

    access: Cluster
    settings: ControlPlaneSettings
    etcd: Daemon
    api_server: Daemon
    controller_manager: Daemon

    @classmethod
    def launch(cls, folder: Path | None = None) -> ControlPlane:
        """Start one and return when the API is ready and its default namespace usable."""
        if shutil.which("setpriv") is None:
            raise ClusterUnavailable(
                "setpriv is not there: a control plane needs Linux",
                way_out="Install util-linux.",
            )
        bin_folder = programs(CONTROL_PLANE)
        folder = folder or Path(tempfile.mkdtemp(prefix="postgregent-control-plane-"))
        for remaining in reversed(range(TRIES)):
            plane = cls._prepare(bin_folder, folder)
            try:
                plane.start()
            except ClusterFailed as failure:
                plane.stop()
                # A free port may be taken by somebody faster.
                if not remaining or "address already in use" not in str(failure):
                    raise
                shutil.rmtree(folder / "etcd", ignore_errors=True)
            else:
                return plane
        raise AssertionError("the last try returned or raised")

    @classmethod
    def _prepare(cls, bin_folder: Path, folder: Path) -> ControlPlane:
        authority = Authority.create(folder / "pki")
        ports = [own_port() for _ in range(3)]
        settings = ControlPlaneSettings(
            bin_folder, folder, LOOPBACK, ports[0], ports[1], ports[2], SERVICES, authority
        )
        settings.write_pki(first_service_address=FIRST_SERVICE)
        access = Cluster(
            settings.server,
            authority.certificate.read_text(),
            authority.folder / "admin.kubeconfig",
            folder,
            authority,
        )

        def daemon(name: str, arguments: list[str]) -> Daemon:
            return Daemon(name, arguments, folder / f"{name}.log")

        return cls(
            access,
            settings,
            daemon("etcd", settings.etcd()),
            daemon("kube-apiserver", [*settings.api_server(), *AuditLog(folder).arguments]),
            daemon("kube-controller-manager", settings.controller_manager()),
        )

    @property
    def kubeconfig(self) -> Path:
        """The admin's."""
        return self.access.kubeconfig

    @property
    def audit_log(self) -> AuditLog:
        """What service accounts have asked for."""
        return AuditLog(self.settings.folder)

    @property
    def components(self) -> tuple[Daemon, Daemon, Daemon]:
        """In the order in which they start."""
        return (self.etcd, self.api_server, self.controller_manager)

    def start(self) -> None:
        """Start what does not run and wait for all of it."""
        self.etcd.start()
        self.api_server.start()
        self.wait_ready()
        # Earlier it would back off by up to 10 s.
        self.controller_manager.start()
        self.access.wait_for_default_account("default")

    def wait_ready(self) -> None:
        """Return when the API server serves; raises when it or etcd has ended."""

        def check() -> None:
            self.etcd.must_run()
            self.api_server.must_run()

        self.settings.wait_ready(check)

    def stop(self) -> None:
        """End all three, the last one first."""
        for component in reversed(self.components):
            component.kill()

    def discard(self) -> None:
        """End it and remove everything of it."""
        self.stop()
        shutil.rmtree(self.settings.folder, ignore_errors=True)
        for port in (self.settings.port, self.settings.etcd_port, self.settings.etcd_peer_port):
            give_back(port)

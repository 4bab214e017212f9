"""What `python -m controller` is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shared.logging import Level


@dataclass(frozen=True, slots=True)
class Options:
    """The flags, read."""

    regent_image: str
    namespace: str = "default"
    watch_namespaces: tuple[str, ...] = ()
    regent_image_pull_policy: str = "IfNotPresent"
    lease_name: str = "postgregent-controller"
    metrics_port: int = 8080
    api_port: int = 0
    api_cert_file: Path | None = None
    api_key_file: Path | None = None
    leases: bool = False
    kubeconfig: str | None = None
    log_level: Level = "info"
    allowed_hosts: tuple[str, ...] = ()

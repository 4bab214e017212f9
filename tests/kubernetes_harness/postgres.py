"""A PostgreSQL of this machine that pods reach: over the node's link, with SCRAM, with TLS.

The embedded programs (18) are built without TLS; those of the other versions have it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.postgres.process import HOST
from tests.kubernetes_harness.certificates import Authority
from tests.kubernetes_harness.network import NodeNetwork
from tests.postgres.clusters import cluster
from tests.postgres.releases import EMBEDDED
from tests.postgres.server import PostgresServer


@dataclass(frozen=True, slots=True)
class ReachableServer:
    """`server` as the tests know it; pods reach it at `host`, and may check it with `ca_pem`.

    `ca_pem` is empty where the server speaks no TLS.
    """

    server: PostgresServer
    host: str
    ca_pem: str

    @property
    def port(self) -> int:
        """The same for tests and pods."""
        return self.server.port

    def service(self, name: str) -> list[dict[str, Any]]:
        """A Service `name` in front of it, so that pods need no address."""
        ports = [{"name": "postgresql", "port": 5432}]
        endpoint = {"addresses": [self.host], "conditions": {"ready": True}}
        return [
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name},
                "spec": {"ports": [*({**port, "targetPort": self.port} for port in ports)]},
            },
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": f"{name}-outside",
                    "labels": {"kubernetes.io/service-name": name},
                },
                "addressType": "IPv4",
                "ports": [{"name": "postgresql", "port": self.port}],
                "endpoints": [endpoint],
            },
        ]


@contextmanager
def reachable_server(
    network: NodeNetwork, version: int, *, tls_only: bool = False, **settings: str
) -> Iterator[ReachableServer]:
    """A server of one test (or for `make cluster`), gone with the block."""
    has_tls = version != EMBEDDED
    assert has_tls or not tls_only, f"PostgreSQL {EMBEDDED} of the tests has no TLS: take 17"
    recipe = cluster(version)
    with tempfile.TemporaryDirectory(prefix="postgregent-reachable-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        authority = Authority.create(folder / "ca", "postgregent-tests-postgresql")
        hosts = (network.outside, HOST, "localhost")
        identity = authority.server("server", hosts)
        tls = {
            "ssl": "on",
            "ssl_cert_file": str(identity.certificate),
            "ssl_key_file": str(identity.key),
        }
        ca_pem = authority.certificate.read_text() if has_tls else ""
        kind = "hostssl" if tls_only else "host"
        rules = [
            f"{kind} all all {source} scram-sha-256" for source in (network.pods, network.link)
        ]
        access = folder / "pg_hba.conf"
        access.write_text("\n".join([(recipe.data / "pg_hba.conf").read_text(), *rules, ""]))
        if recipe.account:
            recipe.account.own(folder)
        server = PostgresServer.launch(
            recipe,
            {
                "listen_addresses": f"{HOST},{network.outside}",
                "hba_file": str(access),
                **(tls if has_tls else {}),
                **settings,
            },
        )
        try:
            yield ReachableServer(server, network.outside, ca_pem)
        finally:
            server.discard()

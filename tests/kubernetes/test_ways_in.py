"""How a Regent in a pod logs in to its server where it has no password."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes.place import Place, new_place
from tests.kubernetes_harness.chart import InstalledChart
from tests.tls import Authority

ADMIN = "my-admin"
BY_CERTIFICATE = """
SELECT pg_catalog.count(*) > 0 AND pg_catalog.bool_and(s.client_dn = '/CN=my-admin')
FROM pg_catalog.pg_stat_activity AS a JOIN pg_catalog.pg_stat_ssl AS s USING (pid)
WHERE a.application_name LIKE 'postgregent/%'
"""


async def ask_for_certificates(place: Place, clients: Authority) -> str:
    """Of the admin, where it comes from a pod. Returns the server's own authority."""
    server, network = place.database.server, place.chart.cluster.network
    admin = await server.connect()
    try:
        access = Path(str(await admin.fetchval("SHOW hba_file")))
        own = Path(str(await admin.fetchval("SHOW ssl_cert_file")))
        known = own.with_name("clients.crt")
        known.write_text(clients.pem)
        known.chmod(0o644)
        rules = [
            f"{kind} all {ADMIN} {source} {method}\n"
            for source in (network.pods, network.link)
            for kind, method in (("hostssl", "cert"), ("host", "reject"))
        ]
        access.write_text("".join(rules) + access.read_text())
        await admin.execute(f"ALTER SYSTEM SET ssl_ca_file = '{known}'")
        await admin.execute("SELECT pg_reload_conf()")
    finally:
        await admin.close()
    return own.with_name("ca.crt").read_text()


def secret(name: str, **values: str) -> dict[str, Any]:
    """One that the reference's Regent selects."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {"key1": "value1", "key2": "value2"}},
        "stringData": {key.replace("_", "."): value for key, value in values.items()},
    }


@pytest.mark.timeout(900)
@pytest.mark.found("E291")
async def test_a_regent_in_a_pod_logs_in_by_the_certificate_of_a_secret(
    installed_chart: InstalledChart,
) -> None:
    """Its file system is read-only, and the key is for its process alone."""
    clients = Authority()
    issued = clients.issue(ADMIN)
    async with new_place(installed_chart) as place:
        authority = await ask_for_certificates(place, clients)
        declared = place.manifests(
            clientCertificateSecretRef={"name": "admin-certificate"},
            tls={"mode": "verify-ca", "caSecretRef": {"name": "server-ca", "key": "ca.crt"}},
        )
        for one in declared:
            if one["kind"] == "Regent":
                del one["spec"]["adminPasswordSecretRef"]
        certificate = secret("admin-certificate", tls_crt=issued.certificate, tls_key=issued.key)
        certificate["type"] = "kubernetes.io/tls"
        place.apply(secret("server-ca", ca_crt=authority), certificate, *declared)
        place.wait_until_ready()
        look = await place.database.connect()
        assert await look.fetchval(BY_CERTIFICATE)

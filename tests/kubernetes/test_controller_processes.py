"""Controllers and Regents as processes: frozen, killed, asked over the network."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from controller.kube.api import KubeApi
from controller.kube.kinds import LEASE
from controller.pki.certificates import Pair
from controller.workloads.manifests import server_names
from regent.api.listening import listen
from regent.settings import ApiSettings
from shared.keys import ResourceKey
from tests.eventually import settled
from tests.frozen import freeze
from tests.kubernetes.authorities import load_authorities
from tests.kubernetes.controlled import Controlled, controlled, flights_manifests
from tests.kubernetes.controller_process import LEASE_NAME
from tests.kubernetes_harness.access import Cluster
from tests.ports import own_port
from tests.postgres.database import Database

pytestmark = pytest.mark.versions(18)
ROOT = Path(__file__).parents[2]
NOW = datetime.now(UTC)


@contextlib.contextmanager
def process(
    one: Controlled, folder: Path, name: str
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A controller and the port of its metrics; killed in the end."""
    port = own_port()
    address = one.pods.address(ResourceKey("Regent", one.namespace, "my-regent"))
    with (folder / f"{name}.log").open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "tests.kubernetes.controller_process",
             str(one.cluster.kubeconfig), one.namespace, str(port), address],
            cwd=ROOT, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield started, port
    finally:
        started.kill()
        started.wait()


@pytest.fixture
async def waiting(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    """The reference's manifests, and no controller yet."""
    async with controlled(crds, api, namespace, tmp_path, start=False) as running:
        running.apply(*flights_manifests(database))
        yield running


async def metrics(port: int) -> str:
    async with httpx.AsyncClient(timeout=60) as client:
        try:
            return (await client.get(f"http://127.0.0.1:{port}/metrics")).text
        except httpx.HTTPError:
            return ""


async def until_metrics(port: int, line: str) -> None:
    async with asyncio.timeout(120):
        while line not in await metrics(port):
            await asyncio.sleep(0.1)


async def until_leader(port: int) -> None:
    await until_metrics(port, "postgregent_controller_leader 1.0")


async def holder(one: Controlled) -> str:
    lease = await one.api.get(LEASE, one.namespace, LEASE_NAME)
    return str(lease["spec"]["holderIdentity"])


async def accepted_revision(one: Controlled) -> int:
    regent = await one.get("Regent", "my-regent")
    assert regent is not None
    return int(regent["status"]["acceptedRevision"])


@pytest.mark.rule("17")
@pytest.mark.found("E99")
async def test_a_frozen_leader_that_comes_back_changes_nothing(
    waiting: Controlled, database: Database, tmp_path: Path
) -> None:
    """The second controller takes over; the first one thaws and neither writes nor pushes."""
    with process(waiting, tmp_path, "first") as (first, first_port):
        await until_leader(first_port)
        await waiting.ready("User", "summer-intern-2")
        with process(waiting, tmp_path, "second") as (_, second_port):
            freeze(first.pid)
            await until_leader(second_port)
            leader = await holder(waiting)
            patch = {"spec": {"permissions": ["connect-to-mydb"]}}
            waiting.cluster.kubectl(
                "patch", "pgrole", "mydb-viewer", "-n", waiting.namespace, "--type=merge",
                "-p", json.dumps(patch),
            )  # fmt: skip
            await waiting.ready("Role", "mydb-viewer")
            connection = await database.connect()
            holds = "SELECT has_table_privilege('mydb-viewer', 'schema1.airports', 'SELECT')"
            assert await connection.fetchval(holds) is False
            revision = await settled(lambda: accepted_revision(waiting))
            first.send_signal(signal.SIGCONT)
            await asyncio.sleep(5.0)
            assert await holder(waiting) == leader
            assert await connection.fetchval(holds) is False
            assert await accepted_revision(waiting) == revision
            await until_metrics(first_port, "postgregent_controller_leader 0.0")
    assert "Traceback" not in (tmp_path / "first.log").read_text()


async def test_a_controller_that_is_asked_to_end_gives_the_lease_back(
    waiting: Controlled, tmp_path: Path
) -> None:
    """The next one leads at once, and Regents go on without any."""
    with process(waiting, tmp_path, "first") as (first, port):
        await until_leader(port)
        await waiting.ready("Regent", "my-regent")
        async with httpx.AsyncClient(timeout=60) as client:
            assert (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
            assert (await client.get(f"http://127.0.0.1:{port}/v1/regents")).status_code == 404
        first.terminate()
        assert await asyncio.to_thread(first.wait, 120) == 0
    assert await holder(waiting) == ""
    assert "Traceback" not in (tmp_path / "first.log").read_text()


def context(folder: Path, believes: bytes, pair: Pair | None) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(cadata=believes.decode())
    if pair is not None:
        (folder / "client.pem").write_bytes(pair.certificate + pair.key)
        made.load_cert_chain(folder / "client.pem")
    return made


async def asked(
    one: Controlled, path: str, ssl_context: ssl.SSLContext, name: str
) -> httpx.Response | None:
    key = ResourceKey("Regent", one.namespace, "my-regent")
    extensions = {"sni_hostname": name}
    async with httpx.AsyncClient(verify=ssl_context, timeout=60) as client:
        try:
            return await client.get(one.pods.address(key) + path, extensions=extensions)
        except httpx.TransportError:
            return None


async def test_a_regent_answers_the_controller_alone_and_takes_up_a_new_certificate(
    waiting: Controlled, tmp_path: Path
) -> None:
    """Mutual TLS on one port, health without a word about roles on the other."""
    await waiting.start()
    await waiting.ready("Regent", "my-regent")
    assert waiting.controller is not None
    key = ResourceKey("Regent", waiting.namespace, "my-regent")
    name = server_names(key, waiting.controller.plant)[0]
    authorities = await load_authorities(waiting.api, waiting.namespace, NOW)
    believes = authorities.regents.bundle
    controller = authorities.controller.issue("client", (), "controller", NOW)
    other_regent = authorities.regents.issue("server", (name,), "regent", NOW)
    answer = await asked(waiting, "/v1/status", context(tmp_path, believes, controller), name)
    assert answer is not None
    assert answer.status_code == 200
    for pair in (None, other_regent):
        refused = context(tmp_path, believes, pair)
        assert await asked(waiting, "/v1/status", refused, name) is None
    pod = waiting.pods.of(key)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{pod.health_port}", timeout=60
    ) as client:
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/v1/status")).status_code == 404
        assert "postgregent_passes" in (await client.get("/metrics")).text


async def test_a_renewed_certificate_is_served_without_a_restart(
    waiting: Controlled, tmp_path: Path
) -> None:
    """The files of the mounted Secret change, and the next connection sees the new one."""
    await waiting.start()
    await waiting.ready("Regent", "my-regent")
    assert waiting.controller is not None
    key = ResourceKey("Regent", waiting.namespace, "my-regent")
    name = server_names(key, waiting.controller.plant)[0]
    authorities = await load_authorities(waiting.api, waiting.namespace, NOW)
    controller = authorities.controller.issue("client", (), "controller", NOW)
    ours = context(tmp_path, authorities.regents.bundle, controller)
    pod = waiting.pods.of(key)
    await waiting.pods.pause()
    renewed = authorities.regents.issue("server", (name,), "renewed", NOW)
    (pod.folder / "tls.crt").write_bytes(renewed.certificate)
    (pod.folder / "tls.key").write_bytes(renewed.key)
    expected = x509.load_pem_x509_certificate(renewed.certificate).serial_number
    async with asyncio.timeout(120):
        while await served_serial(pod.port, ours, name) != expected:
            await asyncio.sleep(0.2)


async def served_serial(port: int, ours: ssl.SSLContext, name: str) -> int:
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=ours, server_hostname=name)
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return x509.load_der_x509_certificate(shown).serial_number
    finally:
        writer.close()


async def test_a_pod_listens_on_every_address_it_has() -> None:
    """IPv4 and, where there is one, IPv6: clusters have either or both."""
    with listen(ApiSettings(host="*", port=0)) as listening:
        port = listening.getsockname()[1]
        for address in ("127.0.0.1", *(("::1",) if socket.has_dualstack_ipv6() else ())):
            with socket.create_connection((address, port), timeout=5):
                pass

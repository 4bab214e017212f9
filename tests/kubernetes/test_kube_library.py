"""What kubernetes-asyncio does, and what is therefore our own.

When one of these no longer holds, the library may have become good enough to use.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio import client, config, watch
from kubernetes_asyncio.client.api_client import ApiClient
from kubernetes_asyncio.client.configuration import Configuration
from kubernetes_asyncio.client.exceptions import ApiException
from kubernetes_asyncio.leaderelection.electionconfig import Config
from kubernetes_asyncio.leaderelection.leaderelection import LeaderElection
from kubernetes_asyncio.leaderelection.resourcelock.leaselock import LeaseLock

from controller.kube.api import KubeApi
from controller.kube.connection import open_session
from controller.kube.errors import ApiError
from controller.kube.kinds import LEASE, NAMESPACE
from tests.kubernetes.tcp_proxy import TcpProxy
from tests.kubernetes_harness.access import Cluster
from tests.kubernetes_harness.control_plane import ControlPlane

PAGE = b"<html>no server is available</html>\n"


@contextlib.asynccontextmanager
async def library(kubeconfig: Path) -> AsyncIterator[ApiClient]:
    """The library's own client."""
    found = Configuration()
    await config.load_kube_config(str(kubeconfig), client_configuration=found, persist_config=False)
    async with ApiClient(found) as connected:
        yield connected


@pytest.fixture
async def shaky_library(
    control_plane: Cluster, proxy: TcpProxy, tmp_path: Path
) -> AsyncIterator[ApiClient]:
    async with library(proxy.kubeconfig(control_plane.kubeconfig, tmp_path)) as connected:
        yield connected


async def test_the_library_waits_for_ever_and_we_do_not(
    shaky_library: ApiClient, shaky_api: KubeApi, proxy: TcpProxy
) -> None:
    """No HTTP timeout by default: a half-open connection hangs."""
    core = client.CoreV1Api(shaky_library)
    await core.list_namespace()
    proxy.hold()
    theirs = asyncio.ensure_future(core.list_namespace())
    with pytest.raises(ApiError, match="no answer"):
        await shaky_api.list(NAMESPACE)
    assert not theirs.done()
    proxy.release()
    await theirs


async def test_the_librarys_watch_repeats_a_version_that_is_gone(
    own_control_plane: ControlPlane,
) -> None:
    """On 410 it asks once more for the same version, then raises: it never lists again."""
    await restarted(own_control_plane)
    asked: list[str] = []
    async with library(own_control_plane.kubeconfig) as connected:
        core = client.CoreV1Api(connected)

        async def counted(*args: Any, **options: Any) -> Any:
            """:rtype: V1ConfigMapList"""
            asked.append(options["resource_version"])
            return await core.list_namespaced_config_map(*args, **options)

        async with watch.Watch() as watching:
            events = watching.stream(counted, "default", resource_version="1")
            with pytest.raises(ApiException) as gone:
                async for _ in events:
                    pass
    assert gone.value.status == 410
    assert asked == ["1", "1"]


async def restarted(plane: ControlPlane) -> None:
    """An API server that has forgotten what was before: it keeps history only in memory."""
    plane.api_server.kill()
    plane.api_server.start()
    await asyncio.to_thread(plane.wait_ready)


@pytest.fixture
async def broken_gateway() -> AsyncIterator[Configuration]:
    """Something before an API server that answers every request with a page of its own."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 503 Service Unavailable\r\nContent-Length: {len(PAGE)}\r\n\r\n"
        writer.write(head.encode() + PAGE)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    found = Configuration()
    found.host = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield found
    server.close()


async def test_the_librarys_watch_takes_an_error_page_for_an_event(
    broken_gateway: Configuration,
) -> None:
    """It does not look at the HTTP status. Ours does."""
    Configuration.set_default(broken_gateway)
    async with ApiClient(broken_gateway) as connected, watch.Watch() as watching:
        core = client.CoreV1Api(connected)
        async for event in watching.stream(core.list_namespace, timeout_seconds=1):
            assert event == PAGE.decode()
            break
    async with open_session(broken_gateway) as session:
        lines = KubeApi(session, broken_gateway).watch_lines(
            NAMESPACE, resource_version="1", timeout_seconds=1, inactivity_seconds=5
        )
        with pytest.raises(ApiError) as refused:
            await anext(lines)
    assert refused.value.status == 503


async def test_the_librarys_watch_makes_a_client_of_its_own(control_plane: Cluster) -> None:
    """One more session and TLS context for each watch, left open without `async with`."""
    async with library(control_plane.kubeconfig) as connected:
        watching = watch.Watch()
        assert watching._api_client is not connected
        assert not watching._api_client.rest_client.pool_manager.closed
        await watching.close()


async def test_the_librarys_leader_goes_on_when_its_election_has_failed(
    control_plane: Cluster, shaky_library: ApiClient, proxy: TcpProxy, api: KubeApi, namespace: str
) -> None:
    """An error of the connection escapes `run`, and nobody cancels what leads: split brain.

    Nor is the Lease given back.
    """
    leading = asyncio.Event()
    ended = asyncio.Event()

    async def lead() -> None:
        leading.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def stopped() -> None:
        raise AssertionError("it is never told")

    lock = LeaseLock("library", namespace, "theirs", shaky_library)
    election = LeaderElection(
        Config(
            lock,
            lease_duration=4,
            renew_deadline=3,
            retry_period=1,
            onstarted_leading=lead,
            onstopped_leading=stopped,
        )
    )
    before = asyncio.all_tasks()
    running = asyncio.create_task(election.run())
    await leading.wait()
    await proxy.refuse()
    with pytest.raises(OSError, match=r"Cannot connect|disconnected|reset"):
        await running
    await asyncio.sleep(0)
    assert not ended.is_set()
    spec = (await api.get(LEASE, namespace, "library"))["spec"]
    assert spec["holderIdentity"] == "theirs"
    for orphan in asyncio.all_tasks() - before:
        orphan.cancel()


async def test_the_librarys_leader_writes_local_time_as_utc(
    control_plane: Cluster, api: KubeApi, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five hours ahead here: whoever compares it to the time believes the Lease for so long."""
    monkeypatch.setenv("TZ", "UTC-5")
    time.tzset()
    try:
        async with library(control_plane.kubeconfig) as connected:
            lock = LeaseLock("library", namespace, "theirs", connected)
            election = LeaderElection(Config(lock, 4, 3, 1, _nothing, _nothing))
            assert await election.try_acquire_or_renew()
    finally:
        monkeypatch.undo()
        time.tzset()
    found = await api.get(LEASE, namespace, "library")
    made, renewed = found["metadata"]["creationTimestamp"], found["spec"]["renewTime"]
    assert renewed.endswith("Z")
    assert renewed[:13] > made[:13]


async def _nothing() -> None:
    """Neither begins nor ends anything."""

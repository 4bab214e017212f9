"""Fixtures of the tests that need a Kubernetes API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.kube.api import KubeApi
from tests.kubernetes.definitions import define_our_kinds
from tests.kubernetes.tcp_proxy import TcpProxy, proxy_to
from tests.kubernetes_harness.access import Cluster


@pytest.fixture(scope="session")
def crds(control_plane: Cluster) -> Cluster:
    """The shared control plane with our kinds in it."""
    define_our_kinds(control_plane)
    return control_plane


@pytest.fixture
async def api(control_plane: Cluster) -> AsyncIterator[KubeApi]:
    """The shared control plane, as its admin."""
    async with KubeApi.connect(str(control_plane.kubeconfig)) as connected:
        yield connected


@pytest.fixture
async def proxy(control_plane: Cluster) -> AsyncIterator[TcpProxy]:
    """A way to the shared control plane that a test can break."""
    async with proxy_to(control_plane.server) as between:
        yield between


@pytest.fixture
async def shaky_api(
    control_plane: Cluster, proxy: TcpProxy, tmp_path: Path
) -> AsyncIterator[KubeApi]:
    """The same control plane by way of `proxy`."""
    kubeconfig = proxy.kubeconfig(control_plane.kubeconfig, tmp_path)
    async with KubeApi.connect(str(kubeconfig), request_seconds=3.0) as connected:
        yield connected

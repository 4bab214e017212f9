"""The controller's process: caches, election, work and its own API, until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import ssl
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from controller.gateway.authorization import Gatekeeper
from controller.gateway.http import create_health_app, create_views_app
from controller.gateway.views import Views, why_a_standby_knows_nothing
from controller.kube.api import KubeApi
from controller.kube.lease import LeaseElector
from controller.metrics import ControllerMetrics
from controller.options import Options
from controller.term.controller import ClusterController, Settings
from controller.workloads.ensure import Address
from controller.workloads.manifests import Plant
from shared.logging import get_logger

log = get_logger(__name__)
EVERYWHERE = "0.0.0.0"  # noqa: S104 - a pod's own address
GRACE_SECONDS = 2


class Counts:
    """What metrics ask."""

    def __init__(self, controller: ClusterController, elector: LeaseElector) -> None:
        self._controller = controller
        self._elector = elector

    def is_leader(self) -> bool:
        """Whether this one acts."""
        return self._elector.is_leader

    def is_synced(self) -> bool:
        """Whether pushes are made."""
        gate, doubted = self._controller.gate, self._controller.doubted
        served = self._controller.fleet.served
        is_about_some = gate in {one.message for one in doubted.values()}
        return not gate or (is_about_some and not served.keys() <= doubted.keys())

    def regents(self) -> tuple[int, int]:
        """Those that we talk to, and those that answer and reach their server."""
        served = self._controller.fleet.served.values()
        return len(served), sum(1 for one in served if one.is_reached)

    def regents_not_pushed(self) -> int:
        """Those to which nothing is pushed, as something of theirs cannot be read."""
        return len(self._controller.doubted)

    def regents_unwatched(self) -> int:
        """Those that run in namespaces which are not watched."""
        return self._controller.regents_unwatched

    def status_writes(self) -> int:
        """Since the start."""
        return self._controller.reporter.writes

    def status_writes_failed(self) -> int:
        """Since the start."""
        return self._controller.reporter.failed

    def events_dropped(self) -> int:
        """Since the start."""
        return self._controller.recorder.dropped

    def faults(self) -> int:
        """Since the start."""
        return self._controller.faults.count


async def run(options: Options, address: Address | None = None) -> None:
    """Until SIGTERM or SIGINT; the Lease is given back in the end."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    async with KubeApi.connect(options.kubeconfig) as api:
        elector = LeaseElector(api, options.namespace, options.lease_name)
        controller = ClusterController(
            api,
            api.writing_while(elector.seconds_left),
            Settings(
                Plant(options.namespace, options.regent_image, options.regent_image_pull_policy),
                options.watch_namespaces,
                options.allowed_hosts,
                elector.identity,
                options.lease_name,
            ),
            may_write=elector.seconds_left,
            address=address,
        )
        servers = _servers(options, api, controller, elector)
        async with asyncio.TaskGroup() as group:
            serving = [group.create_task(server.serve()) for server in servers]
            caching = group.create_task(controller.run_caches())
            leading = group.create_task(elector.run(controller.lead))
            await stopping.wait()
            log.info("stopping")
            leading.cancel()
            await asyncio.wait([leading])
            caching.cancel()
            for server in servers:
                server.should_exit = True
            await asyncio.wait([caching, *serving])


def _servers(
    options: Options, api: KubeApi, controller: ClusterController, elector: LeaseElector
) -> list[uvicorn.Server]:
    metrics = ControllerMetrics(Counts(controller, elector))

    def ready() -> str:
        return controller.caches.why_workloads_unknown()

    def why_unknown() -> str:
        if not elector.is_leader:
            return why_a_standby_knows_nothing(elector.leader)
        return "It leads since a moment ago." if controller.gate == "starting" else ""

    servers = [_server(create_health_app(ready, metrics.render), options.metrics_port)]
    if options.api_port:
        views = create_views_app(Views(lambda: controller.fleet, why_unknown), Gatekeeper(api))
        servers.append(_server(views, options.api_port, options))
    return servers


def _server(app: FastAPI, port: int, tls: Options | None = None) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        host=EVERYWHERE,
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=tls.api_cert_file if tls else None,
        ssl_keyfile=tls.api_key_file if tls else None,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    server = uvicorn.Server(config)
    # The process handles the signals itself.
    server.capture_signals = suppress  # type: ignore[method-assign, assignment]
    return server

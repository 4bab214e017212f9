"""The controller's process: caches, election, work and its own API, until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import ssl
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from controller.gateway.authorization import LEASES_AUDIENCE, Gatekeeper
from controller.gateway.http import create_health_app, create_views_app
from controller.gateway.lease_routes import add_lease_routes
from controller.gateway.views import Views, why_a_standby_knows_nothing
from controller.kube.api import KubeApi
from controller.kube.lease import LeaseElector
from controller.kube.lease_trouble import LeaseTrouble
from controller.kube.tenure import own_identity
from controller.kube.unread import UnreadTrouble
from controller.leases.asking import Leases
from controller.metrics import ControllerMetrics, Counted
from controller.options import Options
from controller.regents.fleet import Served
from controller.regents.outcome import regent_outcome
from controller.regents.reach import OBSERVING
from controller.term.acting import Settings
from controller.term.controller import ClusterController
from controller.term.term import Term
from controller.workloads.ensure import Address
from controller.workloads.manifests import Plant
from shared.keys import ResourceKey
from shared.logging import get_logger

log = get_logger(__name__)
EVERYWHERE = "0.0.0.0"  # noqa: S104 - a pod's own address
GRACE_SECONDS = 2


def counted(term: Term, *, is_leader: bool, leases_issued: int = 0) -> Counted:
    """What metrics ask, of the present or last term."""
    served, reporter = term.acting.fleet.served, term.telling.reporter
    return Counted(
        leader=is_leader,
        synced=is_synced(term),
        regents=len(served),
        regents_reached=sum(1 for one in served.values() if one.is_reached),
        regents_not_pushed=len(term.acting.pushing.doubted),
        regents_not_as_declared=sum(1 for key in served if term.acting.lack_of(key) is not None),
        regents_stalled=sum(1 for key, one in served.items() if waits_for_a_person(key, one)),
        regents_unwatched=len(term.telling.orphans.unwatched),
        namespaces_unread=len(term.acting.pushing.unread),
        leftovers=sum(len(one.status.leftovers) for one in served.values() if one.status),
        status_writes=reporter.writes,
        status_writes_failed=reporter.failed,
        events_dropped=term.recorder.dropped,
        faults=term.acting.faults.count,
        leases=term.acting.tending.count,
        leases_issued=leases_issued,
    )


def waits_for_a_person(key: ResourceKey, served: Served) -> bool:
    """Whether waiting helps it not. Who only observes was told to; its leftovers are counted."""
    outcome = regent_outcome(key, 0, served.status, served.trouble)
    return outcome.state == "Stalled" and outcome.reason != OBSERVING


def is_synced(term: Term) -> bool:
    """Whether pushes are made, if not to all."""
    pushing, served = term.acting.pushing, term.acting.fleet.served
    is_about_some = term.gate == pushing.why_not
    return not term.gate or (is_about_some and not served.keys() <= pushing.doubted.keys())


async def run(options: Options, address: Address | None = None) -> None:
    """Until SIGTERM or SIGINT; the Lease is given back in the end."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    async with KubeApi.connect(options.kubeconfig) as api:
        identity = own_identity()
        trouble = LeaseTrouble(api, options.namespace, options.lease_name, instance=identity)
        elector = LeaseElector(
            api, options.namespace, options.lease_name, identity=identity, refused=trouble.hear
        )
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
            prove=elector.prove,
            address=address,
        )
        unread = UnreadTrouble(
            api, options.namespace, options.lease_name, controller.caches.why_part_unread,
            instance=identity,
        )  # fmt: skip
        servers = _servers(options, api, controller, elector, trouble)
        async with asyncio.TaskGroup() as group:
            serving = [group.create_task(server.serve()) for server in servers]
            caching = group.create_task(controller.run_caches())
            telling = [group.create_task(one.run()) for one in (trouble, unread)]
            leading = group.create_task(elector.run(controller.lead))
            await stopping.wait()
            log.info("stopping")
            leading.cancel()
            await asyncio.wait([leading])
            caching.cancel()
            for one in telling:
                one.cancel()
            for server in servers:
                server.should_exit = True
            await asyncio.wait([caching, *telling, *serving])


def _servers(
    options: Options,
    api: KubeApi,
    controller: ClusterController,
    elector: LeaseElector,
    trouble: LeaseTrouble,
) -> list[uvicorn.Server]:
    leases = Leases(controller.writing, controller.caches)
    metrics = ControllerMetrics(
        lambda: counted(controller.term, is_leader=elector.is_leader, leases_issued=leases.issued)
    )

    def ready() -> str:
        caches = controller.caches
        return trouble.now or caches.why_workloads_unknown() or caches.why_part_unread()

    def why_unknown() -> str:
        if not elector.is_leader:
            return why_a_standby_knows_nothing(elector.leader)
        return "It leads since a moment ago." if controller.term.gate == "starting" else ""

    servers = [_server(create_health_app(ready, metrics.render), options.metrics_port)]
    if options.api_port:
        views = Views(lambda: controller.fleet, why_unknown)
        app = create_views_app(views, Gatekeeper(api))
        if options.leases:
            add_lease_routes(app, leases, Gatekeeper(api, (LEASES_AUDIENCE,)), views.require)
        servers.append(_server(app, options.api_port, options))
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

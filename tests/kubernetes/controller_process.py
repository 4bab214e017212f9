"""A controller as a process of its own, to be frozen and killed by tests.

`python -m tests.kubernetes.controller_process KUBECONFIG NAMESPACE METRICS_PORT ADDRESS` talks
to the one Regent of the test at ADDRESS instead of its Service.
"""

from __future__ import annotations

import asyncio
import sys

from controller.options import Options
from controller.process import run
from shared.logging import configure_logging
from tests.kubernetes.controlled import IMAGE

LEASE_NAME = "postgregent-controller"


def main(kubeconfig: str, namespace: str, metrics_port: str, address: str) -> None:
    configure_logging("info", style="json")
    options = Options(
        regent_image=IMAGE,
        namespace=namespace,
        watch_namespaces=(namespace,),
        lease_name=LEASE_NAME,
        metrics_port=int(metrics_port),
        kubeconfig=kubeconfig,
    )
    asyncio.run(run(options, address=lambda _regent: address))


if __name__ == "__main__":
    main(*sys.argv[1:])

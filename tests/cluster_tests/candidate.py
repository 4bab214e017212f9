"""A controller that does nothing but lead and write, to be frozen, cut off and killed by tests.

`python -m tests.cluster_tests.candidate KUBECONFIG NAMESPACE IDENTITY` makes ConfigMaps that name
it for as long as it leads, and says when it begins and ends to lead.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import CONFIG_MAP
from controller.kube.lease import LeaseElector, NotLeader
from controller.kube.tenure import Terms
from shared.logging import configure_logging

TERMS = Terms(lease_seconds=2.0, renew_seconds=1.2, retry_seconds=0.3)
LEASE_NAME = "candidates"
WRITER = "writer"


async def main(kubeconfig: str, namespace: str, identity: str) -> None:
    """Until SIGTERM."""
    async with KubeApi.connect(kubeconfig, request_seconds=3.0) as api:
        elector = LeaseElector(api, namespace, LEASE_NAME, identity=identity, terms=TERMS)
        guarded = api.writing_while(elector.seconds_left)

        async def lead() -> None:
            print(f"{identity} leads", flush=True)  # noqa: T201 - the test reads it
            try:
                while True:
                    await write(guarded, namespace, identity)
            finally:
                print(f"{identity} ends", flush=True)  # noqa: T201 - as above

        running = asyncio.ensure_future(elector.run(lead))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def write(api: KubeApi, namespace: str, identity: str) -> None:
    """One object, whose resource version says when it was written."""
    labels = {WRITER: identity}
    body = {"metadata": {"generateName": f"{identity}-", "labels": labels}}
    with contextlib.suppress(ApiError, NotLeader):
        await api.create(CONFIG_MAP, namespace, body)
    await asyncio.sleep(0.01)


if __name__ == "__main__":
    configure_logging("warning")  # to stderr: the lines on stdout are the test's
    asyncio.run(main(*sys.argv[1:]))

"""A controller that does nothing but lead and write, to be frozen, cut off and killed by tests.

`python -m tests.kubernetes.candidate KUBECONFIG NAMESPACE IDENTITY` makes ConfigMaps that name
it for as long as it leads, and says when it begins and ends to lead.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import CONFIG_MAP, LEASE
from controller.kube.lease import LeaseElector, NotLeader
from controller.kube.tenure import Terms
from shared.logging import configure_logging

TERMS = Terms(lease_seconds=2.0, renew_seconds=1.2, retry_seconds=0.3)
LEASE_NAME = "candidates"
WRITER, TURN = "writer", "turn"


async def main(kubeconfig: str, namespace: str, identity: str) -> None:
    """Until SIGTERM."""
    async with KubeApi.connect(kubeconfig, request_seconds=3.0) as api:
        elector = LeaseElector(api, namespace, LEASE_NAME, identity=identity, terms=TERMS)
        guarded = api.writing_while(elector.seconds_left)

        async def lead() -> None:
            print(f"{identity} leads", flush=True)  # noqa: T201 - the test reads it
            turn = ""
            try:
                while True:
                    with contextlib.suppress(ApiError, NotLeader):
                        turn = turn or await turn_of(guarded, namespace)
                        await write(guarded, namespace, {WRITER: identity, TURN: turn})
                    await asyncio.sleep(0.03)
            finally:
                print(f"{identity} ends", flush=True)  # noqa: T201 - as above

        running = asyncio.ensure_future(elector.run(lead))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def turn_of(api: KubeApi, namespace: str) -> str:
    """Which term of office it is, counted by the Lease."""
    return str((await api.get(LEASE, namespace, LEASE_NAME))["spec"]["leaseTransitions"])


async def write(api: KubeApi, namespace: str, labels: dict[str, str]) -> None:
    """One object, whose resource version says when it was written."""
    await api.create(
        CONFIG_MAP, namespace, {"metadata": {"generateName": "written-", "labels": labels}}
    )


if __name__ == "__main__":
    configure_logging("warning")  # to stderr: the lines on stdout are the test's
    asyncio.run(main(*sys.argv[1:]))

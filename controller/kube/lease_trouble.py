"""Why the Lease is refused, told by an Event: of all that fails this alone fails without a leader.

So it is told with an own recorder, which asks no Lease before it writes.
"""

from __future__ import annotations

import asyncio

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.events import EventRecorder, News
from controller.kube.own import find_own, own_lease
from shared.logging import get_logger

log = get_logger(__name__)


class LeaseTrouble:
    """`now` says why this controller cannot lead; empty where it can, or another does."""

    def __init__(self, api: KubeApi, namespace: str, name: str, *, instance: str) -> None:
        """`name` is the Lease's, and that of the controller's own Deployment."""
        self.now = ""
        self._api = api
        self._namespace = namespace
        self._name = name
        self._recorder = EventRecorder(api, instance=instance)
        self._news = asyncio.Event()

    def hear(self, why: str) -> None:
        """From the elector: what the API server says, or nothing where it is over."""
        self.now = (
            f"Lease {self._namespace}/{self._name} is refused, so this controller cannot lead, and"
            f" where no other does nothing is pushed and deletions wait: {why.rstrip('.')}. Give"
            " its account get, create and update on Leases there, as the chart's Role does."
            if why
            else ""
        )
        self._news.set()

    async def run(self) -> None:
        """Tell of it for ever, each time when it begins or is said otherwise."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._recorder.run())
            group.create_task(self._tell())

    async def _tell(self) -> None:
        told = ""
        while True:
            await self._news.wait()
            self._news.clear()
            if (why := self.now) and why != told:
                try:
                    beside = await find_own(self._api, self._namespace, self._name)
                except ApiError as error:
                    log.info("the controller's own objects cannot be read", problem=str(error))
                    beside = own_lease(self._namespace, self._name)
                self._recorder.record(News(beside, "Warning", "LeaseRefused", "Lead", why))
            told = why

"""A trouble of the controller's own that is told by an Event though no controller may lead.

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


class ToldBeside:
    """`now` is the trouble; empty where there is none."""

    def __init__(
        self, api: KubeApi, namespace: str, name: str, *, instance: str, reason: str, action: str
    ) -> None:
        """`name` is that of the controller's own Deployment, and of its Lease."""
        self.now = ""
        self._api = api
        self._namespace = namespace
        self._name = name
        self._reason = reason
        self._action = action
        self._recorder = EventRecorder(api, instance=instance)
        self._news = asyncio.Event()

    def say(self, why: str) -> None:
        """How it is now."""
        self.now = why
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
                log.warning("trouble of the controller's own", reason=self._reason, why=why)
                try:
                    beside = await find_own(self._api, self._namespace, self._name)
                except ApiError as error:
                    log.info("the controller's own objects cannot be read", problem=str(error))
                    beside = own_lease(self._namespace, self._name)
                self._recorder.record(News(beside, "Warning", self._reason, self._action, why))
            told = why

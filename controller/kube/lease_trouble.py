"""Why the Lease is refused: then this controller cannot lead, and no look tells anything."""

from __future__ import annotations

from controller.kube.api import KubeApi
from controller.kube.told_beside import ToldBeside


class LeaseTrouble:
    """`now` says why this controller cannot lead; empty where it can, or another does."""

    def __init__(self, api: KubeApi, namespace: str, name: str, *, instance: str) -> None:
        """`name` is the Lease's, and that of the controller's own Deployment."""
        self._namespace = namespace
        self._name = name
        self._told = ToldBeside(
            api, namespace, name, instance=instance, reason="LeaseRefused", action="Lead"
        )

    @property
    def now(self) -> str:
        """As it was heard last."""
        return self._told.now

    def hear(self, why: str) -> None:
        """From the elector: what the API server says, or nothing where it is over."""
        self._told.say(
            f"Lease {self._namespace}/{self._name} is refused, so this controller cannot lead, and"
            f" where no other does nothing is pushed and deletions wait: {why.rstrip('.')}. Give"
            " its account get, create and update on Leases there, as the chart's Role does."
            if why
            else ""
        )

    async def run(self) -> None:
        """Tell of it for ever, each time when it begins or is said otherwise."""
        await self._told.run()

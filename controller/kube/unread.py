"""What the controller watches and cannot read: whoever is declared there is known to nobody.

Regents that are known doubt it in their own conditions (rule 17). Of those that were never listed
nothing would say a word, and no leader is needed to see it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NoReturn

from controller.kube.api import KubeApi
from controller.kube.told_beside import ToldBeside

PATIENCE_SECONDS = 5.0
"""Lists take a moment at a start: what is over by then is told of nobody."""


class UnreadTrouble:
    """Asks from time to time what cannot be read, and tells of it."""

    def __init__(
        self, api: KubeApi, namespace: str, name: str, why: Callable[[], str], *, instance: str,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:  # fmt: skip
        """`why` says what cannot be read at the moment, in the API server's words, or nothing."""
        self._why = why
        self._patience_seconds = patience_seconds
        self._told = ToldBeside(
            api, namespace, name, instance=instance, reason="KindsNotRead", action="Reconcile"
        )

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._told.run())
            group.create_task(self._ask())

    async def _ask(self) -> NoReturn:
        before = ""
        while True:
            await asyncio.sleep(self._patience_seconds)
            why = self._why()
            if why == before:
                self._told.say(_said(why) if why else "")
            before = why


def _said(why: str) -> str:
    return (
        "Not all that is declared can be read, so nothing is pushed to Regents of there, deletions"
        f" wait, and who has left keeps access: {why.rstrip('.')}. Give the controller's account"
        " list and watch there, as the chart's ClusterRoles and their bindings do"
        " (watch.namespaces, rbac.kindsClusterWide)."
    )

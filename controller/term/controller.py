"""The controller in a cluster: follows it always, and acts on it in terms, as long as it leads.

Every signal does one thing: look again (docs/architecture.md). What a look does is in
controller/term/term.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from controller.kube.api import KubeApi
from controller.observe.caches import Caches
from controller.observe.debounce import Quiet
from controller.regents.fleet import Fleet
from controller.term.acting import Settings
from controller.term.term import Term
from controller.workloads.ensure import Address
from shared.keys import ResourceKey

__all__ = ["ClusterController", "Settings"]


class ClusterController:
    """One controller. `run_caches` follows the cluster, `lead` acts on it."""

    def __init__(
        self,
        reading: KubeApi,
        writing: KubeApi,
        settings: Settings,
        *,
        may_write: Callable[[], object],
        prove: Callable[[], Awaitable[None]],
        address: Address | None = None,
    ) -> None:
        """`writing` and `may_write` raise where this is not the leader, as far as it can know.

        `prove` asks the API server.
        """
        self.plant = settings.plant
        self.writing = writing
        self._settings = settings
        self._may_write = may_write
        self._prove = prove
        self._address = address
        self._quiet = Quiet()
        self.caches = Caches(
            reading,
            own_namespace=self.plant.namespace,
            namespaces=settings.namespaces,
            wake=self._quiet.wake,
            deleted=self._quiet.wake_for_deletion,
            status_changed=self._status_changed,
        )
        self.term = self._new_term(None)
        """The present one, or the last."""

    @property
    def gate(self) -> str:
        """Why nothing is pushed at the moment; empty when it is."""
        return self.term.gate

    @property
    def fleet(self) -> Fleet:
        """The Regents that this controller talks to in its present or last term."""
        return self.term.acting.fleet

    async def run_caches(self) -> None:
        """Follow the cluster for ever, leader or not: the next leader knows everything already."""
        async with asyncio.TaskGroup() as group:
            self.caches.start(group)

    async def lead(self) -> None:
        """Act until cancelled; with nothing of what an earlier term remembered."""
        self.term = self._new_term(self.term)
        await self.term.run()

    def _new_term(self, before: Term | None) -> Term:
        return Term(
            self.writing,
            self.caches,
            self._quiet,
            self._settings,
            may_write=self._may_write,
            prove=self._prove,
            address=self._address,
            before=before,
        )

    def _status_changed(self, key: ResourceKey) -> None:
        self.term.status_changed(key)

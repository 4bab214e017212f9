"""Ends that Regents have not heard of: remembered before finalizers go, forgotten when told.

The one place that writes departures (controller/lifecycle/departures.py). What cannot be remembered
may not go, and hides nothing else; it is tried again after a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from controller.kube.api import KubeApi
from controller.kube.retries import Retries
from controller.lifecycle.departures import Departures
from controller.lifecycle.uninstalled import asks_for_uninstall
from controller.observe.reader import Declared
from controller.regents.fleet import Fleet
from shared.errors import PostgRegentError
from shared.keys import ResourceKey
from shared.logging import get_logger

log = get_logger(__name__)


class Untold:
    """`not_remembered` says why those cannot go that could, were it written down."""

    def __init__(
        self,
        api: KubeApi,
        namespace: str,
        fleet: Fleet,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.not_remembered: dict[ResourceKey, str] = {}
        self.departures = Departures(api, namespace, clock=clock)
        self._fleet = fleet
        self.retries: Retries[None] = Retries(clock)

    def regents_of(self, key: ResourceKey, declared: Declared) -> frozenset[ResourceKey]:
        """The Regents of its namespace that have not heard of its end, and will when they can."""
        return frozenset(
            regent
            for regent in declared.regents()
            if (declared.may_serve(regent, key.namespace) or self._lists(regent, key))
            and regent not in declared.deleting
            # One that is uninstalled forgets all of them.
            and not asks_for_uninstall(declared.raw[regent])
            and not self._is_told(regent, key)
        )

    async def remember(
        self, ends: Mapping[ResourceKey, frozenset[ResourceKey]]
    ) -> frozenset[ResourceKey]:
        """In one write all that end, with the Regents that have not heard; who may not go yet."""
        self.retries.begin()
        gone: dict[ResourceKey, set[ResourceKey]] = {}
        for key, regents in ends.items():
            for regent in regents:
                gone.setdefault(regent, set()).add(key)
        why = await self._why_not(gone) if gone else ""
        self.not_remembered = {key: why for key, regents in ends.items() if why and regents}
        return frozenset(self.not_remembered)

    async def forget_told(self, declared: Declared) -> None:
        """What was told by now, and what is there again."""
        done: dict[ResourceKey, frozenset[ResourceKey]] = {}
        for regent, gone in self.departures.known.items():
            back = {k for k in gone if k in declared.raw and k not in declared.deleting}
            told = {k for k in gone if self._is_told(regent, k)}
            done[regent] = frozenset(back | told)
        await self.departures.forget(done)

    async def forget_all_of(self, regent: ResourceKey) -> None:
        """It ends: nobody is left to be told."""
        await self.departures.forget({regent: self.departures.known.get(regent, frozenset())})

    def _lists(self, regent: ResourceKey, key: ResourceKey) -> bool:
        served = self._fleet.served.get(regent)
        known = served.link.acquaintance if served is not None else None
        return known is not None and str(key) in known.resources

    def _is_told(self, regent: ResourceKey, key: ResourceKey) -> bool:
        return regent in self._fleet.served and self._fleet.is_told(regent, key)

    async def _why_not(self, gone: Mapping[ResourceKey, set[ResourceKey]]) -> str:
        """Empty where it is written."""
        if not self.retries.is_due(None):
            return self.departures.trouble or "It is tried again in a moment."
        try:
            await self.departures.remember(gone)
        except PostgRegentError as error:
            self.retries.failed(None)
            log.warning("deletions cannot be remembered yet", problem=str(error))
            return str(error)
        self.retries.succeeded(None)
        return ""

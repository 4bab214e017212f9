"""Ends leases, deletes those that have ended, and keeps the others as their User is.

All is done on the version that was read, and asks the Lease of the controller first: a leader that
was overtaken writes nothing, and what is refused of one lease makes no other wait.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import USER
from controller.kube.lease import NotLeader
from controller.kube.retries import Retries
from controller.leases.due import Deed, Due, Found, find
from controller.lifecycle.finalizer_patches import at_once
from controller.observe.world import World
from shared.keys import ResourceKey
from shared.logging import get_logger

log = get_logger(__name__)


class Tending:
    """The leases of one term. What it does, the next look pushes."""

    def __init__(
        self, api: KubeApi, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._api = api
        self._clock = clock
        self._found = Found()
        self.retries: Retries[ResourceKey] = Retries()

    @property
    def count(self) -> int:
        """How many there were at the last look."""
        return self._found.count

    async def look(self, world: World) -> None:
        """See to every lease."""
        self.retries.begin()
        self.retries.forget_except(world.declared.raw)
        self._found = find(world.declared, self._clock())
        await at_once(self._do(one) for one in self._found.due)

    def seconds_left(self) -> float | None:
        """Until something is due of which no signal tells; None where nothing is."""
        when = self._found.next_at
        return None if when is None else max(0.0, (when - self._clock()).total_seconds())

    async def _do(self, one: Due) -> bool:
        if not self.retries.is_due(one.lease):
            return False
        try:
            await self._write(one)
        except NotLeader:
            return False  # the term is over, and the present leader sees to it
        except ApiError as error:
            if not error.is_not_found:
                self.retries.failed(one.lease)
                said = log.info if error.is_transient or error.is_conflict else log.warning
                said("lease not written yet", lease=str(one.lease), problem=str(error))
                return False
        self.retries.damp(one.lease)  # the cache has not heard of it yet
        log.info("lease written", lease=str(one.lease), deed=one.deed.name, why=one.why)
        return True

    async def _write(self, one: Due) -> None:
        namespace, name = one.lease.namespace, one.lease.name
        if one.deed is Deed.DELETE:
            await self._api.delete(USER, namespace, name, uid=one.uid)
        else:
            await self._api.patch(USER, namespace, name, one.patch)

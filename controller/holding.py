"""Our finalizer is on whatever gives something, and on nothing else.

It is put on before anything is given, and comes off where no Regent is left that could give: so
that nothing of a namespace in which we do not act waits for us (semantics 27 and 28).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from controller.finalizers import HELD_KINDS, holding, is_held, letting_go
from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import OUR_KINDS, JsonObject, uid_of
from controller.serving import served_databases
from controller.sources.kubernetes import Declared
from shared.keys import ResourceKey
from shared.logging import get_logger

log = get_logger(__name__)
KINDS = {kind.name: kind for kind in OUR_KINDS}
AT_ONCE = 16


class Holding:
    """Which resources hold our finalizer."""

    def __init__(self, api: KubeApi, why_not_synced: Callable[[str], str]) -> None:
        self._api = api
        self._why_not_synced = why_not_synced
        self._held: set[str] = set()
        """Uids that hold our finalizer, though the cache may not have heard of it yet."""

    async def hold(self, declared: Declared, off: frozenset[ResourceKey]) -> frozenset[ResourceKey]:
        """Put our finalizer on whatever lacks it; what cannot be held may not be used yet.

        `off` are Regents that were uninstalled.
        """
        self._held &= {uid_of(found) for found in declared.raw.values()}
        gives = giving(declared, off, self._why_not_synced)
        lacking = {
            key: found
            for key, found in declared.raw.items()
            if _may_hold(key, declared, off)
            and gives(key)
            and not is_held(found)
            and uid_of(found) not in self._held
        }
        done = await at_once(self._hold(key, found) for key, found in lacking.items())
        return frozenset(key for key, is_done in zip(lacking, done, strict=True) if not is_done)

    async def let_go(self, declared: Declared, off: frozenset[ResourceKey]) -> bool:
        """Take it off the Roles and Users that nobody gives. True when none of them has it."""
        gives = giving(declared, off, self._why_not_synced)
        idle = {
            key: found
            for key, found in declared.raw.items()
            if key.kind != "Regent"
            and _may_hold(key, declared, off)
            and not gives(key)
            and is_held(found)
        }
        for found in idle.values():
            self.forget(found)
        return all(
            await at_once(
                patch_finalizers(self._api, key, letting_go(found)) for key, found in idle.items()
            )
        )

    def forget(self, found: JsonObject) -> None:
        """Its finalizer is taken off."""
        self._held.discard(uid_of(found))

    async def _hold(self, key: ResourceKey, found: JsonObject) -> bool:
        if not await patch_finalizers(self._api, key, holding(found)):
            return False
        self._held.add(uid_of(found))
        return True


def giving(
    declared: Declared, off: frozenset[ResourceKey], why_not_synced: Callable[[str], str]
) -> Callable[[ResourceKey], bool]:
    """Whether some Regent may give what a resource declares. A Regent always counts as given.

    A namespace that is not known whole may have a Regent that we do not see (semantics 17), and a
    Regent that cannot be read may go on with what it accepted.
    """
    namespaces = {key.namespace for key in declared.raw.keys() - off if key.kind == "Regent"}
    regents = [regent for key, regent in declared.regents().items() if key not in off]
    known: dict[str, bool] = {}

    def gives(key: ResourceKey) -> bool:
        if key.kind == "Regent":
            return True
        if key.namespace not in known:
            known[key.namespace] = bool(
                key.namespace in namespaces
                or served_databases(key.namespace, regents)
                or why_not_synced(key.namespace)
            )
        return known[key.namespace]

    return gives


def _may_hold(key: ResourceKey, declared: Declared, off: frozenset[ResourceKey]) -> bool:
    return key.kind in HELD_KINDS and key not in declared.deleting and key not in off


async def patch_finalizers(api: KubeApi, key: ResourceKey, patch: JsonObject) -> bool:
    """False where somebody else was faster: the next look sees what they did."""
    try:
        await api.patch(KINDS[key.kind], key.namespace, key.name, patch)
    except ApiError as error:
        if error.is_not_found:
            return True
        log.info("finalizer not changed yet", resource=str(key), problem=str(error))
        return False
    return True


async def at_once(tasks: Iterable[Awaitable[bool]]) -> list[bool]:
    """The answers, in order; only so many are under way at a time."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(task: Awaitable[bool]) -> bool:
        async with limit:
            return await task

    return list(await asyncio.gather(*(one(task) for task in tasks)))

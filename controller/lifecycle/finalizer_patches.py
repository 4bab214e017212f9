"""Puts our finalizer on objects and takes it off: a refusal of one makes no other wait."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import KIND_OF, JsonObject, uid_of
from controller.kube.retries import Retries
from controller.lifecycle.finalizers import holding, letting_go
from shared.keys import ResourceKey
from shared.logging import get_logger

log = get_logger(__name__)
AT_ONCE = 16


class FinalizerPatches:
    """One patch each, and after a failure not before a while that doubles."""

    def __init__(self, api: KubeApi, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self.retries: Retries[str] = Retries(clock)
        self._refused: dict[ResourceKey, str] = {}

    @property
    def refused(self) -> Mapping[ResourceKey, str]:
        """What the API server said of those whose last patch it refused."""
        return self._refused

    async def put(self, key: ResourceKey, found: JsonObject) -> bool:
        """Put it on this very version. False where it has to be tried again."""
        return await self._patch(key, found, holding(found))

    async def take_off(self, key: ResourceKey, found: JsonObject) -> bool:
        """Take it off this very version. False where it has to be tried again."""
        return await self._patch(key, found, letting_go(found))

    def begin(self) -> None:
        """Another look begins."""
        self.retries.begin()

    def forget_except(self, uids: Container[str], keys: Container[ResourceKey]) -> None:
        """What is not there any more needs no patch."""
        self.retries.forget_except(uids)
        self._refused = {key: why for key, why in self._refused.items() if key in keys}

    async def _patch(self, key: ResourceKey, found: JsonObject, patch: JsonObject) -> bool:
        uid = uid_of(found)
        if not self.retries.is_due(uid):
            return False
        try:
            await self._api.patch(KIND_OF[key.kind], key.namespace, key.name, patch)
        except ApiError as error:
            if not error.is_not_found:
                self._failed(key, uid, error)
                return False
        except Exception as error:
            self.retries.failed(uid)
            self._refused[key] = (
                f"a mistake of PostgRegent's ({type(error).__name__}); see the log."
            )
            log.exception("finalizer could not be changed", resource=str(key))
            return False
        self.retries.succeeded(uid)
        self._refused.pop(key, None)
        return True

    def _failed(self, key: ResourceKey, uid: str, error: ApiError) -> None:
        """Where somebody else was faster, the next look sees what they did."""
        self.retries.failed(uid)
        if error.is_conflict or error.is_transient:
            log.info("finalizer not changed yet", resource=str(key), problem=str(error))
            return
        self._refused[key] = str(error)
        log.warning("finalizer cannot be changed", resource=str(key), problem=str(error))


async def at_once(tasks: Iterable[Awaitable[bool]]) -> list[bool]:
    """The answers, in order; only so many are under way at a time."""
    limit, asked = asyncio.Semaphore(AT_ONCE), [*tasks]

    async def one(task: Awaitable[bool]) -> bool:
        async with limit:
            return await task

    try:
        return list(await asyncio.gather(*map(one, asked)))
    except asyncio.CancelledError:
        for task in asked:  # what had not begun is not begun any more, and nobody is warned of it
            if inspect.iscoroutine(task) and inspect.getcoroutinestate(task) == "CORO_CREATED":
                task.close()
        raise

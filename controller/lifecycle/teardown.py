"""Regents that take off what they installed: asked in the background, again after each failure."""

from __future__ import annotations

import asyncio

from controller.regents.fleet import Fleet
from shared.keys import ResourceKey


class Takeoffs:
    """Under way, for Regents that are deleted and those that are uninstalled."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._tasks: dict[ResourceKey, asyncio.Task[bool]] = {}

    @property
    def are_under_way(self) -> bool:
        """Some Regent was asked and has not answered."""
        return any(not task.done() for task in self._tasks.values())

    def is_off(self, key: ResourceKey) -> bool:
        """Whether nothing of one that we talk to is left."""
        task = self._tasks.get(key)
        if task is None:
            task = asyncio.ensure_future(self._fleet.uninstall(key))
            self._tasks[key] = task
        if not task.done():
            return False
        del self._tasks[key]
        return task.result()

    def forget(self, key: ResourceKey) -> None:
        """We talk to it no more: what it would answer is not of the one that comes next."""
        task = self._tasks.pop(key, None)
        if task is not None:
            task.cancel()

    async def end(self) -> None:
        """Ask no more, since this is not the leader any more; wait until that is so."""
        tasks = [*self._tasks.values()]
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def is_asked(self, key: ResourceKey) -> bool:
        """It was, and has not answered."""
        task = self._tasks.get(key)
        return task is not None and not task.done()

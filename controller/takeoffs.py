"""Regents that take off what they installed: asked in the background, again after each failure."""

from __future__ import annotations

import asyncio

from controller.fleet import Fleet
from shared.keys import ResourceKey


class Takeoffs:
    """Under way, for Regents that are deleted and those that are uninstalled."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._tasks: dict[ResourceKey, asyncio.Task[bool]] = {}

    @property
    def are_under_way(self) -> bool:
        """Some Regent was asked and has not answered, or its answer was not looked at."""
        return bool(self._tasks)

    def is_off(self, key: ResourceKey) -> bool:
        """Whether nothing of it is left. One that we do not talk to has nothing to take off."""
        if key not in self._fleet.served:
            self._tasks.pop(key, None)
            return True
        task = self._tasks.get(key)
        if task is None:
            task = asyncio.ensure_future(self._fleet.uninstall(key))
            self._tasks[key] = task
        if not task.done():
            return False
        del self._tasks[key]
        return task.result()

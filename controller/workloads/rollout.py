"""Another image goes to one Regent first, and to the others when that one answers. Pure.

Each has one pod, which ends before the next one starts: an image that is not there, or a process
that does not start, would stop all of them at once. Who goes first is remembered in one term: a
leader that takes over meanwhile sends another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from controller.kube.kinds import JsonObject
from shared.keys import ResourceKey

Deployments = Mapping[ResourceKey, JsonObject]


class Rollout:
    """`waiting` keep what they run with; `first` is whom they wait for."""

    def __init__(self, image: str) -> None:
        self.first: ResourceKey | None = None
        self.waiting: frozenset[ResourceKey] = frozenset()
        self._image = image
        self._passed_over: set[ResourceKey] = set()

    def pass_over(self, key: ResourceKey) -> None:
        """It cannot be made for reasons of its own: nobody waits for it."""
        self._passed_over.add(key)

    def look(self, deployments: Deployments, answers: Callable[[ResourceKey], bool]) -> None:
        """Who has to wait now; `answers` says of whom a process answers."""
        others = {key for key, found in deployments.items() if image_of(found) != self._image}
        there = deployments.keys() - others
        working = {key for key in others if _count(deployments[key], "readyReplicas")}
        if not working or any(answers(key) and is_new(deployments[key]) for key in there):
            self.first, self.waiting = None, frozenset()
            self._passed_over.clear()
            return
        if self.first not in deployments.keys() - self._passed_over:
            self.first = min(working - self._passed_over, default=None)
        waiting = others - self._passed_over - {self.first}
        self.waiting = frozenset(waiting if self.first else ())


def image_of(deployment: JsonObject) -> str:
    """Of its one container; empty where it has none."""
    pod: Mapping[str, Any] = deployment["spec"].get("template", {}).get("spec", {})
    return str(next((one.get("image") for one in pod.get("containers") or ()), ""))


def is_new(deployment: JsonObject) -> bool:
    """Whether a pod that is there is of the present template: the one before has ended then."""
    seen = (deployment.get("status") or {}).get("observedGeneration")
    is_seen = seen == deployment["metadata"].get("generation")
    return is_seen and _count(deployment, "updatedReplicas") > 0


def _count(deployment: JsonObject, name: str) -> int:
    return int((deployment.get("status") or {}).get(name) or 0)

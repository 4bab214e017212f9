"""Deletions that were let go before their Regent had heard of them: remembered in a ConfigMap.

A finalizer that goes after 15 or 45 seconds takes the resource with it. Without this memory the
Regent would find it *vanished* when it is back, and go on giving what was deleted (semantics 20).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import CONFIG_MAP
from controller.workloads import MANAGED_BY, MANAGER
from shared.keys import ResourceKey

NAME = "postgregent-departures"


class Departures:
    """What is gone and still has to be told, by Regent."""

    def __init__(self, api: KubeApi, namespace: str, name: str = NAME) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._known: dict[ResourceKey, frozenset[ResourceKey]] = {}

    @property
    def known(self) -> Mapping[ResourceKey, frozenset[ResourceKey]]:
        """By Regent."""
        return self._known

    def all(self) -> frozenset[ResourceKey]:
        """Of all Regents."""
        return frozenset().union(*self._known.values())

    async def load(self) -> None:
        """Read what was remembered before; raises ApiError where that cannot be known."""
        try:
            found = await self._api.get(CONFIG_MAP, self._namespace, self._name)
        except ApiError as error:
            if not error.is_not_found:
                raise
            self._known = {}
            return
        self._known = read(found.get("data") or {})

    async def remember(self, regent: ResourceKey, gone: Iterable[ResourceKey]) -> None:
        """Written before this returns: only then may a finalizer go."""
        known = self._known.get(regent, frozenset())
        await self._set({**self._known, regent: known | frozenset(gone)})

    async def forget(self, done: Mapping[ResourceKey, frozenset[ResourceKey]]) -> None:
        """These were told, or are there again."""
        left = {
            regent: keys - done.get(regent, frozenset()) for regent, keys in self._known.items()
        }
        await self._set({regent: keys for regent, keys in left.items() if keys})

    async def _set(self, known: dict[ResourceKey, frozenset[ResourceKey]]) -> None:
        if known == self._known:
            return
        body = {"metadata": {"labels": {MANAGED_BY: MANAGER}}, "data": written(known)}
        await self._api.apply(CONFIG_MAP, self._namespace, self._name, body)
        self._known = known


def written(known: Mapping[ResourceKey, frozenset[ResourceKey]]) -> dict[str, str]:
    """As the data of a ConfigMap, whose keys hold no slash."""
    return {
        f"{regent.namespace}_{regent.name}": json.dumps(sorted(map(str, keys)))
        for regent, keys in sorted(known.items())
    }


def read(data: Mapping[str, str]) -> dict[ResourceKey, frozenset[ResourceKey]]:
    """The other way round; what somebody else wrote there is left out."""
    known: dict[ResourceKey, frozenset[ResourceKey]] = {}
    for place, text in data.items():
        namespace, _, name = place.partition("_")
        try:
            keys = frozenset(ResourceKey.parse(one) for one in json.loads(text))
        except (ValueError, TypeError, AttributeError):
            continue
        if namespace and name and keys:
            known[ResourceKey("Regent", namespace, name)] = keys
    return known

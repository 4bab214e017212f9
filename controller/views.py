"""What the controller can show of all Regents. Read-only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from controller.fleet import Fleet, Served
from controller.regent_outcome import regent_outcome
from shared.errors import PostgRegentError
from shared.keys import ResourceKey


class UnknownRegent(PostgRegentError):
    """This controller talks to no such Regent, or is not the leader."""


class Views:
    """Over the Regents that the leader talks to."""

    def __init__(self, fleet: Callable[[], Fleet]) -> None:
        """`fleet` is asked each time: another term has another one."""
        self._fleet = fleet

    def regents(self) -> list[dict[str, Any]]:
        """One line each."""
        return [_line(key, served) for key, served in sorted(self._fleet().served.items())]

    def regent(self, namespace: str, name: str) -> dict[str, Any]:
        """What it said last."""
        key, served = self._find(namespace, name)
        said = (
            served.status.model_dump(mode="json", by_alias=True, exclude_none=True)
            if (served.status)
            else {}
        )
        return {**_line(key, served), "status": said}

    async def drift(self, namespace: str, name: str) -> dict[str, Any]:
        """What is not as declared now."""
        _, served = self._find(namespace, name)
        page = await served.client.drift()
        return page.model_dump(mode="json", by_alias=True, exclude_none=True)

    async def history(self, namespace: str, name: str, after: int) -> dict[str, Any]:
        """What was found and corrected."""
        _, served = self._find(namespace, name)
        page = await served.client.history(after=after)
        return page.model_dump(mode="json", by_alias=True, exclude_none=True)

    def _find(self, namespace: str, name: str) -> tuple[ResourceKey, Served]:
        key = ResourceKey("Regent", namespace, name)
        served = self._fleet().served.get(key)
        if served is None:
            raise UnknownRegent(way_out="GET /v1/regents lists those that it talks to.")
        return key, served


def _line(key: ResourceKey, served: Served) -> dict[str, Any]:
    outcome = regent_outcome(key, 0, served.status, served.trouble)
    return {
        "namespace": key.namespace,
        "name": key.name,
        "state": outcome.state,
        "reason": outcome.reason,
        "message": outcome.message,
    }

"""What the controller can show of all Regents. Read-only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from controller.regents.fleet import Fleet, Served
from controller.regents.outcome import regent_outcome
from shared.errors import PostgRegentError
from shared.keys import ResourceKey


class UnknownRegent(PostgRegentError):
    """This controller talks to no such Regent, or is not the leader."""


class NothingKnown(PostgRegentError):
    """This controller talks to no Regent."""


def why_a_standby_knows_nothing(leader: str) -> str:
    """With whom to ask instead; empty: nobody leads yet."""
    if not leader:
        return "This controller is a standby, and no controller leads yet. Ask again."
    return f"This controller is a standby. {leader} leads: ask that one."


class Views:
    """Over the Regents that the leader talks to."""

    def __init__(
        self, fleet: Callable[[], Fleet], why_unknown: Callable[[], str] = lambda: ""
    ) -> None:
        """`fleet` is asked each time: another term has another one.

        `why_unknown` says why this one knows nothing; empty where it does.
        """
        self._fleet = fleet
        self._why_unknown = why_unknown

    def require(self) -> None:
        """Raise NothingKnown where this one does not lead: an empty list would be a lie."""
        if why := self._why_unknown():
            raise NothingKnown(why)

    def regents(self) -> list[dict[str, Any]]:
        """One line each."""
        self.require()
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
        self.require()
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

"""The private CAs and our own certificate, as the leader holds them in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from controller.authorities import Authorities, Passport, load_authorities
from controller.kube.api import KubeApi

LOOK_EVERY = timedelta(hours=1)


class Identity:
    """Loaded by `refresh`, before which nothing may be asked of it."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self._loaded: tuple[Authorities, datetime] | None = None
        self._passport: Passport | None = None

    @property
    def authorities(self) -> Authorities:
        """The two CAs."""
        if self._loaded is None:
            raise RuntimeError("refresh() comes first")
        return self._loaded[0]

    @property
    def passport(self) -> Passport:
        """What we show to Regents."""
        if self._passport is None:
            raise RuntimeError("refresh() comes first")
        return self._passport

    async def refresh(self) -> None:
        """Load, and replace what ends; cheap when there is nothing to do."""
        now = datetime.now(UTC)
        if self._loaded is None or now - self._loaded[1] > LOOK_EVERY:
            self._loaded = await load_authorities(self._api, self._namespace, now), now
        if self._passport is None or not self._passport.is_good(self._loaded[0], now):
            self._passport = Passport.issue(self._loaded[0], now)

    def forget(self) -> None:
        """Another leader may replace them meanwhile."""
        self._loaded, self._passport = None, None

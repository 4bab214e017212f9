"""The private CAs and our own certificate, as the leader holds them in memory.

A CA that cannot be read ends the look. A next step of its replacement that is refused does not: the
CA goes on as it is stored, and the step is tried again after a while.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.retries import Retries
from controller.pki.authorities import (
    CONTROLLER_CA,
    REGENTS_CA,
    Authorities,
    Kept,
    Passport,
    load,
    store,
)
from controller.pki.certificates import Authority
from controller.pki.rotation import (
    Lagging,
    Standing,
    lagging_for_clients,
    lagging_for_servers,
    left_behind,
    turned,
)
from shared.logging import get_logger

log = get_logger(__name__)
LOOK_EVERY = timedelta(hours=1)
LAGGING: Mapping[str, Callable[[Authority, Standing], Lagging]] = {
    CONTROLLER_CA: lagging_for_clients,
    REGENTS_CA: lagging_for_servers,
}


class Identity:
    """Loaded by `refresh`, before which nothing may be asked of it."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self._kept: dict[str, Kept] = {}
        self._loaded_at = datetime.min.replace(tzinfo=UTC)
        self._refused: dict[str, str] = {}
        self.retries: Retries[str] = Retries()
        """Of the next step of each CA."""
        self._passport: Passport | None = None

    @property
    def authorities(self) -> Authorities:
        """The two CAs."""
        if self._kept.keys() != LAGGING.keys():
            raise RuntimeError("refresh() comes first")
        return Authorities(self._kept[CONTROLLER_CA].authority, self._kept[REGENTS_CA].authority)

    @property
    def passport(self) -> Passport:
        """What we show to Regents."""
        if self._passport is None:
            raise RuntimeError("refresh() comes first")
        return self._passport

    @property
    def is_turning(self) -> bool:
        """A CA is being replaced: what Regents say of it moves it on."""
        return any(kept.authority.is_turning for kept in self._kept.values())

    @property
    def trouble(self) -> str:
        """Why a CA is not replaced though it should be; empty where none is so."""
        return "; ".join(f"{name}: {why}" for name, why in sorted(self._refused.items()))

    async def refresh(self, heard: Callable[[], Standing], versions: Mapping[str, str]) -> None:
        """Load, and replace what ends; cheap when there is nothing to do.

        `heard` gathers what Regents said, and is called only when it matters; `versions` are the
        resource versions of the CAs' Secrets, as far as they were heard of.
        """
        now = datetime.now(UTC)
        self.retries.begin()
        if now - self._loaded_at > LOOK_EVERY:
            self._kept = {}
        for name in LAGGING:
            kept = self._kept.get(name)
            if kept is None or versions.get(name, kept.version) != kept.version:
                kept = await load(self._api, self._namespace, name, now)
                self._kept[name] = kept
                self._loaded_at = now
            await self._turn(kept, heard, now)
        if self._passport is None or not self._passport.is_good(self.authorities, now):
            self._passport = Passport.issue(self.authorities, now)

    async def _turn(self, kept: Kept, heard: Callable[[], Standing], now: datetime) -> None:
        lagging = Lagging()
        if kept.authority.is_turning:
            standing = replace(heard(), passport=self._passport)
            lagging = LAGGING[kept.name](kept.authority, standing)
        after = turned(kept.authority, kept.name, now, lagging, is_asked=kept.is_asked)
        if after == kept.authority:
            self._stepped(kept.name)
            return
        if not self.retries.is_due(kept.name):
            return
        # Whatever becomes of the write: what is in the Secret then is what counts.
        del self._kept[kept.name]
        try:
            self._kept[kept.name] = await store(self._api, self._namespace, kept, after)
        except ApiError as error:
            self.retries.failed(kept.name)
            if not error.is_conflict:
                self._refused[kept.name] = str(error)
                log.warning("a CA cannot be replaced yet", ca=kept.name, problem=str(error))
            self._kept[kept.name] = await load(self._api, self._namespace, kept.name, now)
            return
        self._stepped(kept.name)
        _tell(kept, after, left_behind(kept.authority, after, lagging))

    def _stepped(self, name: str) -> None:
        self.retries.succeeded(name)
        self._refused.pop(name, None)


def _tell(before: Kept, after: Authority, without: frozenset[str]) -> None:
    if after.signing != before.authority.signing:
        what = "the next CA signs from now on"
    elif after.next is not None:
        what = "the next CA is published"
    else:
        what = "the old CA is not believed any more"
    if without:
        log.warning(what, ca=before.name, waited_in_vain_for=sorted(without))
    else:
        log.info(what, ca=before.name)

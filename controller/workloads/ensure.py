"""From the declared Regents to running ones that the controller talks to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from controller.kube.errors import ApiError
from controller.kube.retries import Retries
from controller.observe.moment import SecretsRead
from controller.observe.world import World
from controller.pki.identity import Identity
from controller.regents.client import RegentClient
from controller.regents.fleet import Fleet
from controller.regents.outcome import NotReached
from controller.workloads.admins import (
    Account,
    Admin,
    AdminSecretMissing,
    AdminSecretUnreadable,
    admin_of,
    host_check,
)
from controller.workloads.apply import Plants
from controller.workloads.faults import Faults
from controller.workloads.manifests import API_PORT, Plant, server_names
from shared.errors import PostgRegentError
from shared.keys import ResourceKey
from shared.logging import get_logger
from shared.resources import Regent

log = get_logger(__name__)
Address = Callable[[ResourceKey], str]
"""Where a Regent is reached, as `https://host:port`; its Service unless a test says otherwise."""


class Making:
    """`not_started` says why a Regent does not run, after each look."""

    def __init__(
        self,
        plant: Plant,
        *,
        fleet: Fleet,
        plants: Plants,
        identity: Identity,
        allowed_hosts: tuple[str, ...],
        account: Account,
        may_write: Callable[[], object],
        address: Address | None,
        faults: Faults,
    ) -> None:
        self.not_started: dict[ResourceKey, NotReached] = {}
        self.retries: Retries[tuple[ResourceKey, int]] = Retries()
        """Regents that could not be made, each as it is declared: tried again after a while."""
        self._faults = faults
        self._plant = plant
        self._fleet = fleet
        self._plants = plants
        self._identity = identity
        self._check_host = host_check(allowed_hosts)
        self._account = account
        self._may_write = may_write
        self._address = address or self._service

    async def look(self, world: World, group: asyncio.TaskGroup) -> None:
        """Make what runs each Regent, and talk to it. One failure does not hide the others.

        Nothing is made for what is leaving, which runs on until it has left, or is off.
        """
        regents = world.declared.regents()
        before, self.not_started = self.not_started, {}
        self.retries.begin()
        self.retries.forget_except({_attempt(regent) for regent in regents.values()})
        for key in sorted(world.leaving):
            with self._faults.apart(key, "talking to it"):
                if self._plants.runs(key):
                    self._talk_to(key, group)
        for key, regent in sorted(regents.items()):
            if key in world.leaving | world.off:
                continue
            with self._faults.apart(key, "making what runs it"):
                if not self.retries.is_due(_attempt(regent)):
                    self.not_started |= {key: before[key]} if key in before else {}
                    is_there = self._plants.runs(key)
                else:
                    is_there = await self._is_there(key, regent, world)
                if is_there:
                    self._talk_to(key, group)

    async def _is_there(self, key: ResourceKey, regent: Regent, world: World) -> bool:
        """Whether it runs, made where it may be: what lacks our finalizer is not begun."""
        if key in world.unheld:
            return self._plants.runs(key)
        try:
            is_there = await self._ensure(regent, world.secrets)
        except PostgRegentError as error:
            is_there = self._plants.runs(key)
            self._note(regent, error, is_running=is_there)
        else:
            self.retries.succeeded(_attempt(regent))
        return is_there

    def _note(self, regent: Regent, error: PostgRegentError, *, is_running: bool) -> None:
        """A Regent that runs does so even when the API server cannot be asked."""
        key = regent.key
        if isinstance(error, ApiError):
            self.retries.failed(_attempt(regent))
            log.warning("not looked after", regent=str(key), problem=str(error))
        if not is_running or not isinstance(error, ApiError):
            self.not_started[key] = NotReached.of(error)

    async def _ensure(self, regent: Regent, secrets: SecretsRead) -> bool:
        """Without a usable Secret the password that it has stays (rule 19)."""
        namespace = regent.metadata.namespace
        if namespace in secrets.awaited:
            return self._plants.runs(regent.key)
        self._check_host(regent)
        admin: Admin | None = None
        missing: AdminSecretMissing | AdminSecretUnreadable | None = None
        try:
            admin = admin_of(regent, secrets.values)
        except AdminSecretMissing as error:
            why = secrets.unreadable.get(namespace, "")
            missing = self._account.unreadable(namespace, why) if why else error
        authorities, now = self._identity.authorities, datetime.now(UTC)
        made = await self._plants.ensure(regent, admin, authorities, now)
        if missing is not None:
            if not made:
                raise missing
            log.warning("kept the password it had", regent=str(regent.key), problem=str(missing))
        return made

    def _talk_to(self, key: ResourceKey, group: asyncio.TaskGroup) -> None:
        passport = self._identity.passport

        def connect() -> RegentClient:
            return RegentClient(
                self._address(key),
                None,
                ssl_context=passport.context(),
                server_name=server_names(key, self._plant)[0],
                before_write=self._may_write,
            )

        self._fleet.talk_to(key, passport.digest, connect, group)

    def _service(self, key: ResourceKey) -> str:
        return f"https://{server_names(key, self._plant)[0]}:{API_PORT}"


def _attempt(regent: Regent) -> tuple[ResourceKey, int]:
    """One that is declared anew is tried at once."""
    return regent.key, regent.metadata.generation

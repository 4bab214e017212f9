"""From the declared Regents to running ones that the controller talks to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from controller.kube.errors import ApiError
from controller.kube.retries import Retries
from controller.names import workload_name
from controller.observe.doubts import SecretsRead
from controller.observe.world import World
from controller.pki.identity import Identity
from controller.regents.client import RegentClient
from controller.regents.fleet import Fleet
from controller.regents.outcome import NOT_ANSWERING, NOT_MET, NotReached
from controller.workloads.admins import (
    Account,
    Admin,
    AdminSecretMissing,
    AdminSecretUnreadable,
    admin_of,
    host_check,
)
from controller.workloads.apply import NameTaken, Plants, Standing
from controller.workloads.faults import Faults
from controller.workloads.manifests import API_PORT, Plant, server_names
from controller.workloads.rollout import Rollout
from shared.errors import PostgRegentError
from shared.http import StatusBody
from shared.keys import ResourceKey
from shared.logging import get_logger
from shared.resources import Regent

log = get_logger(__name__)
LONGEST_RETRY_SECONDS = 10.0
"""What a person mends is often heard by nobody, such as a right: one refused request costs less."""
NOT_IN_FORCE = "NotInForce"
"""Of a Regent whose process runs with other settings than are declared."""
_KEPT = "it goes on with the account and the password that it had."
_Attempt: TypeAlias = tuple[ResourceKey, int, Standing]
Address = Callable[[ResourceKey], str]
"""Where a Regent is reached, as `https://host:port`; its Service unless a test says otherwise."""


class Making:
    """After each look, `not_started` says why a Regent does not run.

    `lacks` says, of one that runs, what is declared of what runs it and is not in force.
    """

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
        self.lacks: dict[ResourceKey, NotReached] = {}
        self.retries: Retries[_Attempt] = Retries(longest=LONGEST_RETRY_SECONDS)
        """Regents that could not be made, each as it is declared: tried again after a while."""
        self.rollout = Rollout(plant.image)
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
        not_started, self.not_started = self.not_started, {}
        lacks, self.lacks = self.lacks, {}
        self.retries.begin()
        self.retries.forget_except({self._attempt(regent) for regent in regents.values()})
        made = regents.keys() - (world.leaving | world.off)
        self.rollout.look(self._plants.deployments(made), self._answers)
        for key in sorted(world.leaving):
            with self._faults.apart(key, "talking to it"):
                if self._plants.runs(key):
                    self._talk_to(key, group)
        for key, regent in sorted(regents.items()):
            if key in world.leaving | world.off:
                continue
            with self._faults.apart(key, "making what runs it"):
                if not self.retries.is_due(self._attempt(regent)):
                    self.not_started |= {key: not_started[key]} if key in not_started else {}
                    self.lacks |= {key: lacks[key]} if key in lacks else {}
                    is_there = self._plants.runs(key)
                else:
                    is_there = await self._is_there(key, regent, world)
                if is_there:
                    self._talk_to(key, group)

    async def _is_there(self, key: ResourceKey, regent: Regent, world: World) -> bool:
        """Whether it runs, made where it may be: what lacks our finalizer is not begun."""
        if key in world.unheld:
            self.rollout.pass_over(key)
            return self._plants.runs(key)
        if key in self.rollout.waiting:
            self.lacks[key] = NotReached(
                NOT_IN_FORCE,
                f"Another image goes to {self.rollout.first} first, and here when its process"
                " answers. Until then this one runs as it is, and not as it is declared now.",
            )
            return True
        attempt = self._attempt(regent)
        try:
            is_there = await self._ensure(regent, world.secrets)
        except PostgRegentError as error:
            is_there = self._plants.runs(key)
            is_again = self.retries.is_failing(attempt)
            if isinstance(error, ApiError | NameTaken):
                self.retries.failed(attempt)
                log.warning("not looked after", regent=str(key), problem=str(error))
            if not isinstance(error, ApiError):
                self.rollout.pass_over(key)
            if not is_there:
                self.not_started[key] = NotReached.of(error)
            elif is_again or not (isinstance(error, ApiError) and error.is_transient):
                self.lacks[key] = _lack(error)
        else:
            self.retries.succeeded(attempt)
        return is_there

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
            self.lacks[regent.key] = NotReached(
                NotReached.of(missing).reason, f"{missing} Until then {_KEPT}"
            )
        return made

    def lack_of(self, key: ResourceKey, status: StatusBody | None) -> NotReached | None:
        """What is not in force of what is declared of it: it was refused, or is not run with."""
        if (lack := self.lacks.get(key)) is not None:
            return lack
        declared = self._plants.settings_of(key)
        if status is None or status.settings in ("", declared) or not declared:
            return None
        restart = f"kubectl rollout restart deployment/{workload_name(key)}"
        return NotReached(
            NOT_IN_FORCE,
            "Its process runs with what was declared before, and is started anew. If it goes on:"
            f" `{restart} -n {self._plant.namespace}`.",
        )

    def _answers(self, key: ResourceKey) -> bool:
        served = self._fleet.served.get(key)
        return served is not None and (
            served.trouble is None or served.trouble.reason not in (NOT_ANSWERING, NOT_MET.reason)
        )

    def _attempt(self, regent: Regent) -> _Attempt:
        """One that is declared anew, or of which something came or went, is tried at once."""
        return regent.key, regent.metadata.generation, self._plants.standing(regent.key)

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


def _lack(error: PostgRegentError) -> NotReached:
    """Of a Regent that runs: it goes on, and not with what is declared now."""
    lack = NotReached.of(error)
    if isinstance(error, ApiError | NameTaken):
        why = str(error).rstrip(".")
        said = f"What runs it cannot be made as it is declared now, and goes on as it was: {why}."
        return NotReached(lack.reason, f"{said} It is tried again.")
    return lack

"""Who may ask for leases, and what becomes of it: made, waited for, renewed, ended.

A lease is asked for of the API server and given by the Regents, as every User is. Until it is in
force nobody hears its password; one that is not in force in time is deleted again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from controller.core.secrets import Secret
from controller.credentials.kept import is_made_for, password_in
from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import USER, JsonObject, generation_of, is_deleting, uid_of
from controller.kube.lease import NotLeader
from controller.kube.owners import owning_users
from controller.leases.issued import Issued, Renewed, is_in_force, issued, said_of
from controller.leases.lease import (
    Template,
    asker_of,
    change_of,
    created_at,
    end_of,
    ended_at,
    is_lease_of,
    new_lease,
    new_suffix,
    own_end,
    secret_of,
    template_of,
    too_long,
)
from controller.leases.room import Room
from controller.observe.caches import Caches
from shared.errors import PostgRegentError
from shared.keys import ResourceKey
from shared.logging import get_logger
from shared.resources.reading import read_manifest
from shared.utc import utc

log = get_logger(__name__)
WAIT_SECONDS = 30.0
POLL_SECONDS = 0.05
PAUSES_SECONDS = (2, 5, 10, 20, 40, 80, 160)
"""After which it is tried again to delete a lease that nobody got."""
TRIES = 5
"""Of a patch that somebody else's overtook: the status is written right after."""


class Denied(PostgRegentError):
    """Nobody but whom the User lists gets its leases, and nobody hears whether it is there."""


class NotNow(PostgRegentError):
    """The User gives no lease as it is declared."""


class LeaseNotInForce(PostgRegentError):
    """The lease was not in force in time."""


class Leases:
    """Those of one controller, by whoever may ask for them."""

    def __init__(
        self,
        api: KubeApi,
        caches: Caches,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        """`api` writes while this one leads; the caches say what is there."""
        self._api = api
        self._caches = caches
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._room = Room()
        self._later: set[asyncio.Task[None]] = set()
        self.issued = 0

    async def ask(self, asker: str, user: ResourceKey, ttl_seconds: int | None) -> Issued:
        """A new lease, in force. `asker` is who Kubernetes says that it is.

        Raises Denied, NotNow, TooMany, LeaseNotInForce, ApiError, NotLeader.
        """
        template = self._template(asker, user)
        if why := self._why_not_now(template):
            raise NotNow(why)
        suffix = new_suffix()
        name = f"{user.name}-{suffix}"
        until = self._until(template, self._clock(), ttl_seconds)
        there = self._there(template)
        with self._room.taken(template.user.key, name, there):
            made = await self._create(template, new_lease(template, suffix, asker, until), name)
            key = ResourceKey("User", user.namespace, name)
            try:
                ready, secret = await self._in_force(key, uid_of(made), 1)
            except BaseException:
                await asyncio.shield(self._take_back(key, uid_of(made)))
                raise
        self.issued += 1
        log.info("lease issued", lease=str(key), asker=asker)
        return issued(template, ready, secret)

    async def renew(self, asker: str, lease: ResourceKey, ttl_seconds: int | None) -> Renewed:
        """Let it go on, never beyond what its User says. Raises as `ask` does."""
        for _ in range(TRIES):
            found, template = self._own(asker, lease)
            if why := self._why_not_now(template):
                raise NotNow(why)
            until = self._until(template, created_at(found), ttl_seconds)
            spec = {"validUntil": utc(until)}
            try:
                changed = await self._api.patch(
                    USER, lease.namespace, lease.name, change_of(found, spec)
                )
            except ApiError as error:
                if not error.is_conflict:
                    raise
                await asyncio.sleep(POLL_SECONDS * 4)
            else:
                await self._in_force(lease, uid_of(changed), generation_of(changed))
                return Renewed(lease.name, until, end_of(template, created_at(found), None))
        raise LeaseNotInForce("The lease is being changed by somebody else.", way_out="Ask again.")

    async def revoke(self, asker: str, lease: ResourceKey) -> None:
        """End it now; it is deleted a moment later. Raises Denied, ApiError, NotLeader."""
        found, _ = self._own(asker, lease)
        change = {"metadata": {"uid": uid_of(found)}, "spec": ended_at(self._clock())}
        await self._api.patch(USER, lease.namespace, lease.name, change)
        log.info("lease revoked", lease=str(lease), asker=asker)

    def _template(self, asker: str, key: ResourceKey) -> Template:
        """The User, where its leases are the asker's. Raises Denied, in the same words always."""
        if why := self._caches.why_not_synced(key.namespace):
            raise LeaseNotInForce(f"It is not known yet which Users there are: {why}.")
        found = self._caches.find(key)
        if found is not None and not is_deleting(found):
            said = {name: part for name, part in found.items() if name != "status"}
            template = template_of(read_manifest("User", said))
            if template is not None and asker in template.accounts:
                return template
        raise Denied(
            f"{asker} gets no leases of User {key.namespace}/{key.name}.",
            way_out="The User must be there, say credentials.mode: Dynamic, and list this service"
            " account of its namespace in credentials.serviceAccounts.",
        )

    def _own(self, asker: str, key: ResourceKey) -> tuple[JsonObject, Template]:
        """A lease that goes on, by who asked for it. Raises Denied, in the same words always."""
        if why := self._caches.why_not_synced(key.namespace):
            raise LeaseNotInForce(f"It is not known yet which leases there are: {why}.")
        found = self._caches.find(key)
        if found is not None and asker_of(found) == asker and self._goes_on(found):
            for owner in owning_users(found["metadata"]):
                user = ResourceKey("User", key.namespace, str(owner.get("name")))
                with suppress(Denied):
                    template = self._template(asker, user)
                    if is_lease_of(found, template.uid):
                        return found, template
        raise Denied(
            f"{asker} has no lease {key.namespace}/{key.name}.",
            way_out="It may have ended. Only who asked for a lease may renew or revoke it, while"
            " its User lists that service account.",
        )

    def _goes_on(self, lease: JsonObject) -> bool:
        ends = own_end(lease)
        is_disabled = lease["spec"].get("enabled") is False
        is_over = is_disabled or (ends is not None and ends <= self._clock())
        return not is_over and not is_deleting(lease)

    def _why_not_now(self, template: Template) -> str:
        if template.is_over(self._clock()):
            return "The User is disabled, or has expired: nobody gets leases of it."
        return too_long(template)

    def _until(self, template: Template, made: datetime, ttl_seconds: int | None) -> datetime:
        seconds = ttl_seconds or template.made.default_ttl_seconds
        wished = self._clock() + timedelta(seconds=seconds)
        return end_of(template, made, wished)

    def _there(self, template: Template) -> set[str]:
        """Its leases by name, as far as the cache has heard."""
        uid = template.uid
        objects = (found for kind, found in self._caches.objects() if kind == "User")
        return {str(found["metadata"]["name"]) for found in objects if is_lease_of(found, uid)}

    async def _create(self, template: Template, body: JsonObject, name: str) -> JsonObject:
        """Raises ApiError. One that may have been made all the same is taken back."""
        namespace = template.user.metadata.namespace
        try:
            return await self._api.create(USER, namespace, body)
        except ApiError as error:
            if error.is_unanswered:
                await self._take_back(ResourceKey("User", namespace, name), None)
            raise

    async def _take_back(self, key: ResourceKey, uid: str | None) -> None:
        """One that nobody got, and later where it cannot be now: it also ends by itself."""
        if not await self._is_taken_back(key, uid):
            later = asyncio.create_task(self._take_back_later(key, uid))
            self._later.add(later)
            later.add_done_callback(self._later.discard)

    async def _take_back_later(self, key: ResourceKey, uid: str | None) -> None:
        for seconds in PAUSES_SECONDS:
            await asyncio.sleep(seconds)
            if await self._is_taken_back(key, uid):
                return

    async def _is_taken_back(self, key: ResourceKey, uid: str | None) -> bool:
        try:
            await self._api.delete(USER, key.namespace, key.name, uid=uid)
        except NotLeader:
            return False
        except ApiError as error:
            return error.is_not_found
        return True

    async def _in_force(
        self, key: ResourceKey, uid: str, generation: int
    ) -> tuple[JsonObject, Secret]:
        """When it is Ready in that generation or a later one. Raises LeaseNotInForce in time."""
        found: JsonObject | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(self._wait_seconds):
                while True:
                    found = self._caches.find(key) or found
                    if found and is_in_force(found, uid, generation):
                        secret = self._secret(found)
                        if secret is not None:
                            return found, secret
                    await asyncio.sleep(POLL_SECONDS)
        raise LeaseNotInForce(
            f"The lease was not in force within {self._wait_seconds:g} s: {said_of(found)}",
            way_out="Ask again; what stands in its way is in the status of the Regent.",
        )

    def _secret(self, lease: JsonObject) -> Secret | None:
        name = secret_of(lease)
        if name is None:
            return None
        secret = self._caches.read_secrets([name]).values.get(name)
        is_its_own = secret is not None and is_made_for(secret, uid_of(lease))
        return secret if secret is not None and is_its_own and password_in(secret) else None

"""A Dynamic User, service accounts, and their way to its leases; for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from controller.gateway.authorization import LEASES_AUDIENCE, Gatekeeper
from controller.gateway.http import create_views_app
from controller.gateway.lease_routes import add_lease_routes
from controller.gateway.views import Views
from controller.leases.asking import Leases
from tests.eventually import eventually
from tests.kubernetes.controlled import Controlled, flights_manifests
from tests.postgres.database import Database

USER = "orders"
ACCOUNT = "orders-api"


def template(**more: Any) -> dict[str, Any]:
    """What leases are made of."""
    credentials = {
        "secretName": "orders-login", "mode": "Dynamic", "serviceAccounts": [ACCOUNT],
        **more.pop("credentials", {}),
    }  # fmt: skip
    return {
        "apiVersion": "putnam120.postgregent/v1alpha1",
        "kind": "User",
        "metadata": {"name": USER},
        "spec": {"roles": ["mydb-viewer", "flights-admin"], "credentials": credentials, **more},
    }


def manifests(database: Database, **more: Any) -> list[dict[str, Any]]:
    """The reference's, and a User with leases."""
    return [*flights_manifests(database), template(**more)]


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody with a token."""

    client: httpx.AsyncClient
    namespace: str
    token: str = ""

    async def lease(self, *, namespace: str = "", user: str = USER, **more: Any) -> httpx.Response:
        """Asks for one."""
        body = {"namespace": namespace or self.namespace, "user": user, **more}
        return await self._ask("POST", "/v1/leases", body)

    async def renew(self, name: str, **more: Any) -> httpx.Response:
        """Lets it go on."""
        return await self._ask("PUT", f"/v1/leases/{self.namespace}/{name}", more)

    async def revoke(self, name: str) -> httpx.Response:
        """Gives it back."""
        return await self._ask("DELETE", f"/v1/leases/{self.namespace}/{name}", None)

    async def _ask(self, method: str, path: str, body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.client.request(method, path, json=body, headers=headers, timeout=240)


def leases_of(one: Controlled, *, wait_seconds: float = 120.0) -> Leases:
    """Those of its controller; a busy machine is waited for longer than a pod would be."""
    assert one.controller is not None
    return Leases(one.controller.writing, one.controller.caches, wait_seconds=wait_seconds)


@asynccontextmanager
async def asking(
    one: Controlled, account: str = ACCOUNT, *, leases: Leases | None = None,
    audience: str = LEASES_AUDIENCE,
) -> AsyncIterator[Asking]:  # fmt: skip
    """As this service account, which is made where it is not there."""
    controller = one.controller
    assert controller is not None
    app = create_views_app(Views(lambda: controller.fleet), Gatekeeper(one.api))
    keeper = Gatekeeper(one.api, (LEASES_AUDIENCE,))
    add_lease_routes(app, leases or leases_of(one), keeper, lambda: None)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://leases") as client:
        yield Asking(client, one.namespace, token_of(one, account, audience))


def token_of(one: Controlled, account: str, audience: str = LEASES_AUDIENCE) -> str:
    """A token of it, as a projected volume has it."""
    place = ("-n", one.namespace)
    known = one.cluster.kubectl("get", "serviceaccounts", "-o", "name", *place)
    if f"serviceaccount/{account}" not in known.split():
        one.cluster.kubectl("create", "serviceaccount", account, *place)
    more = (f"--audience={audience}",) if audience else ()
    return one.cluster.kubectl("create", "token", account, *more, *place).strip()


async def session_of(database: Database, lease: dict[str, Any]) -> asyncpg.Connection:
    """Logs in with what was answered."""
    return await database.connect(lease["username"], lease["password"])


async def is_cut_off(session: asyncpg.Connection) -> bool:
    """Whether the server has ended it."""
    try:
        await session.execute("SELECT 1")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
        return True
    return False


async def nothing_left(one: Controlled, database: Database, lease: dict[str, Any]) -> None:
    """When the lease, its role and its Secret are gone."""
    admin = await database.connect()

    async def is_gone() -> bool:
        one.check()
        role = await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", lease["username"])
        return role is None

    await one.gone("User", lease["name"])
    await eventually(is_gone)

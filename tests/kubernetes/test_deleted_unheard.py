"""A User is deleted where no Regent can hear of it as its own: access goes on, and that is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from controller.kube.api import KubeApi
from tests.kubernetes.controlled import (
    Controlled,
    controlled,
    flights_manifests,
    hasty_endings,
    ready_reason,
)
from tests.kubernetes_harness.access import Cluster
from tests.postgres.database import Database

pytestmark = [pytest.mark.versions(18), pytest.mark.rule("27")]


def manifests(database: Database, *users: str) -> tuple[dict[str, Any], ...]:
    """Regent and Secrets of the reference, and Users without more than LOGIN."""
    found = [one for one in flights_manifests(database) if one["kind"] in ("Regent", "Secret")]
    api = next(one["apiVersion"] for one in found if one["kind"] == "Regent")
    return (
        *found,
        *(
            {
                "apiVersion": api,
                "kind": "User",
                "metadata": {"name": user},
                "spec": {"database": "mydb"},
            }
            for user in users
        ),
    )


@pytest.fixture
async def one(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    async with controlled(crds, api, namespace, tmp_path) as running:
        yield running


async def ready(one: Controlled, *users: str) -> None:
    for user in users:
        await one.ready("User", user)


async def logins(database: Database, *roles: str) -> list[str]:
    """Those of them who may log in."""
    look = await database.connect()
    query = "SELECT rolname::text FROM pg_roles WHERE rolcanlogin AND rolname = ANY($1) ORDER BY 1"
    return [row["rolname"] for row in await look.fetch(query, roles)]


async def told(one: Controlled, reason: str, user: str) -> None:
    """When an Event of this reason says how to end its role."""
    words = f'ALTER ROLE "{user}" NOLOGIN'
    async with asyncio.timeout(120):
        while not any(
            event["regarding"]["name"] == user and words in event["note"]
            for event in await one.events(reason, about="User")
        ):
            one.check()
            await asyncio.sleep(0.1)


def leaves(*roles: str) -> Callable[[dict[str, Any] | None], bool]:
    """Whether the status of a Regent that is Running names these leftovers and no other."""

    def holds(found: dict[str, Any] | None) -> bool:
        left = ((found or {}).get("status") or {}).get("leftovers") or ()
        return sorted(each["role"] for each in left) == sorted(roles)

    return holds


@pytest.mark.rule("28")
@pytest.mark.found("E284", "E340")
async def test_who_is_deleted_between_two_regents_is_told_of_and_named_by_the_next_one(
    one: Controlled, database: Database
) -> None:
    """Also while the next one is declared under the same name, and has not been met yet."""
    declared = manifests(database, "ann", "dan", "stays")
    one.apply(*declared)
    await ready(one, "ann", "dan", "stays")
    await one.delete("Regent", "my-regent")
    await one.gone("Regent", "my-regent")
    await one.delete("User", "dan")
    await one.gone("User", "dan")
    await told(one, "NoRegent", "dan")

    await one.pods.pause()
    one.apply(*(each for each in declared if each["kind"] != "User"))
    await one.until("Regent", "my-regent", lambda found: ready_reason(found) != "")
    await one.delete("User", "ann")
    with hasty_endings():
        await one.gone("User", "ann")
    await told(one, "NoRegent", "ann")

    one.pods.is_paused = False
    await ready(one, "stays")
    await one.until("Regent", "my-regent", leaves("ann", "dan"))
    assert await logins(database, "ann", "dan", "stays") == ["ann", "dan", "stays"]
    await database.execute("ALTER ROLE ann NOLOGIN; ALTER ROLE dan NOLOGIN")
    await one.until("Regent", "my-regent", leaves())


async def with_no_regent(one: Controlled, do: Coroutine[Any, Any, None]) -> None:
    """While all processes are ended."""
    await one.pods.pause()
    for pod in one.pods.running.values():
        await asyncio.to_thread(pod.stop)
    await do
    one.pods.is_paused = False


async def on_server(database: Database, *statements: str) -> None:
    connection = await database.server.connect("postgres")
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


@pytest.mark.rule("28a")
@pytest.mark.found("E283")
async def test_who_is_deleted_after_the_home_database_was_put_back_is_not_said_to_have_ended(
    one: Controlled, database: Database
) -> None:
    """A User that was made since has no mark; the twin that was there before just ends."""
    one.apply(*manifests(database, "before", "stays"))
    await ready(one, "before", "stays")
    copy = "CREATE DATABASE older TEMPLATE postgregent"
    await with_no_regent(one, on_server(database, copy))
    one.apply(*manifests(database, "since"))
    await ready(one, "since")
    put_back = (
        "DROP DATABASE postgregent",
        "REVOKE ALL ON DATABASE older FROM PUBLIC",
        "ALTER DATABASE older OWNER TO postgregent_owner",
        "ALTER DATABASE older RENAME TO postgregent",
    )
    await with_no_regent(one, on_server(database, *put_back))
    await one.stalled("User", "since", "ExistsUnmanaged")

    for user in ("since", "before"):
        await one.delete("User", user)
        await one.gone("User", user)
    await told(one, "ExistsUnmanaged", "since")
    await one.until("Regent", "my-regent", leaves("since"))
    assert await logins(database, "before", "since", "stays") == ["since", "stays"]
    await database.execute("ALTER ROLE since NOLOGIN")
    await one.until("Regent", "my-regent", leaves())
    await one.ready("Regent", "my-regent")

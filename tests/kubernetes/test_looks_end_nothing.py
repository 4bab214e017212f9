"""A look is no deed: who is deleted while a Regent writes nothing has ended nothing (ADR 30)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from controller.kube.api import KubeApi
from controller.kube.kinds import REGENT
from shared.resources import TAKEOVER_ANNOTATION
from tests.kubernetes.controlled import (
    Controlled,
    controlled,
    flights_manifests,
    ready_reason,
)
from tests.kubernetes_harness.access import Cluster
from tests.postgres.database import Database

pytestmark = [pytest.mark.versions(18), pytest.mark.rule("27")]
LEAVER = "summer-intern-2"
PASSWORD = "demo-only-intern-2-password"
MAY_LOG_IN = f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{LEAVER}'"


@pytest.fixture
async def running(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    """The reference in force, its Regents by a controller of the test's own."""
    async with controlled(crds, api, namespace, tmp_path) as one:
        one.apply(*flights_manifests(database))
        await one.ready("User", LEAVER)
        await one.ready("User", "flights-admin")
        await one.ready("Regent", "my-regent")
        yield one


async def regent_says(one: Controlled, reason: str) -> dict[str, Any]:
    found = await one.until("Regent", "my-regent", lambda found: ready_reason(found) == reason)
    assert found is not None
    return found


async def told_of_the_leaver(one: Controlled, reason: str) -> None:
    """Its Event, when it was let go; that it became Stalled before is another one."""
    async with asyncio.timeout(120):
        while not any(
            "nothing of its access was taken away" in event["note"]
            and event["regarding"]["name"] == LEAVER
            for event in await one.events(reason, about="User")
        ):
            await asyncio.sleep(0.1)


def left(found: dict[str, Any] | None) -> list[str]:
    """The roles of the Regent's leftovers."""
    status = (found or {}).get("status") or {}
    return [one["role"] for one in status.get("leftovers", ())]


async def suspend(one: Controlled, *, suspended: bool) -> None:
    await one.api.patch(REGENT, one.namespace, "my-regent", {"spec": {"suspend": suspended}})


async def ended(one: Controlled, database: Database) -> None:
    """The role cannot log in any more."""
    look = await database.connect()
    async with asyncio.timeout(120):
        while await look.fetchval(MAY_LOG_IN):
            one.check()
            await asyncio.sleep(0.05)
    with pytest.raises(asyncpg.PostgresError):
        await database.connect(LEAVER, PASSWORD)


@pytest.mark.found("E47")
@pytest.mark.rule("25")
async def test_who_is_deleted_under_a_suspended_regent_is_told_and_ends_when_it_acts(
    running: Controlled, database: Database
) -> None:
    await suspend(running, suspended=True)
    await regent_says(running, "Observing")
    await running.delete("User", LEAVER)
    await running.gone("User", LEAVER)
    await told_of_the_leaver(running, "Observing")
    await running.until("Regent", "my-regent", lambda found: left(found) == [LEAVER])
    assert await (await database.connect()).fetchval(MAY_LOG_IN) is True
    await suspend(running, suspended=False)
    await ended(running, database)
    await running.until("Regent", "my-regent", lambda found: left(found) == [])


@pytest.mark.found("E47")
@pytest.mark.rule("28")
async def test_a_regent_that_goes_before_it_acts_again_names_who_keeps_access(
    running: Controlled, database: Database
) -> None:
    await suspend(running, suspended=True)
    await regent_says(running, "Observing")
    await running.delete("User", LEAVER)
    await running.gone("User", LEAVER)
    await running.delete("Regent", "my-regent")
    await running.gone("Regent", "my-regent")
    (told, *_) = await running.events("RolesLeft", about="Regent")
    assert f"Access has not ended of User/{running.namespace}/{LEAVER}." in told["note"]
    assert await (await database.connect()).fetchval(MAY_LOG_IN) is True


def token(found: dict[str, Any] | None) -> str:
    status = (found or {}).get("status") or {}
    return str((status.get("takeover") or {}).get("token") or "")


@pytest.mark.found("E46", "E51")
@pytest.mark.rule("28a")
async def test_who_is_deleted_while_a_takeover_waits_ends_when_it_is_accepted(
    running: Controlled, database: Database
) -> None:
    """The home database is lost, and with it the mark by which the role would be known."""
    connection = await database.server.connect("postgres")
    await connection.execute("DROP DATABASE postgregent WITH (FORCE)")
    await connection.close()
    await running.until("Regent", "my-regent", lambda found: token(found) != "")
    await running.delete("User", LEAVER)
    await running.gone("User", LEAVER)
    await told_of_the_leaver(running, "TakeoverNeeded")
    found = await running.until("Regent", "my-regent", lambda found: left(found) == [LEAVER])
    assert await (await database.connect()).fetchval(MAY_LOG_IN) is True
    assert LEAVER in (found or {})["status"]["takeover"]["message"]
    async with asyncio.timeout(120):  # the token is another one once the deletion was heard of
        while said := token(await running.get("Regent", "my-regent")):
            accepted = {"metadata": {"annotations": {TAKEOVER_ANNOTATION: said}}}
            await running.api.patch(REGENT, running.namespace, "my-regent", accepted)
            await asyncio.sleep(0.2)
    await ended(running, database)
    await running.ready("Regent", "my-regent")
    await running.until("Regent", "my-regent", lambda found: left(found) == [])
    told = await running.events("TakeoverNeeded")
    assert {one["regarding"]["name"] for one in told} == {"my-regent", LEAVER}, "once, not of each"

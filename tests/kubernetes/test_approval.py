"""`approval: Manual` in a cluster: status, Event, annotation, finalizer (rule 20a)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from controller.kube.api import KubeApi
from controller.kube.kinds import REGENT
from shared.resources import APPROVE_ANNOTATION
from tests.kubernetes.controlled import Controlled, controlled, flights_manifests, ready_reason
from tests.kubernetes_harness.access import Cluster
from tests.postgres.database import Database

LEAVER = "summer-intern-2"
MAY_LOG_IN = f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{LEAVER}'"


async def asked(one: Controlled, but: str = "") -> dict[str, Any]:
    """What the Regent's status says that waits, with another digest than `but`."""

    def is_asked(found: dict[str, Any] | None) -> bool:
        digest = ((found or {}).get("status") or {}).get("approval", {}).get("digest")
        return bool(digest) and digest != but and ready_reason(found) == "AwaitingApproval"

    found = await one.until("Regent", "my-regent", is_asked)
    assert found is not None
    approval: dict[str, Any] = found["status"]["approval"]
    return approval


async def approve(one: Controlled, digest: str) -> None:
    patch = {"metadata": {"annotations": {APPROVE_ANNOTATION: digest}}}
    await one.api.patch(REGENT, one.namespace, "my-regent", patch)


@pytest.mark.versions(18)
@pytest.mark.rule("20a", "27")
@pytest.mark.found("E295", "E299")
async def test_who_is_deleted_goes_on_until_an_annotation_approves_it_and_that_is_said(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> None:
    """The first state is approved in the same way. An Event tells of each digest once."""
    async with controlled(crds, api, namespace, tmp_path) as one:
        manifests = flights_manifests(database, approval="Manual")
        one.apply(*(each for each in manifests if each["kind"] != "Regent"))
        one.apply(
            *(each for each in manifests if each["kind"] == "Regent")
        )  # the first push has all
        first = await asked(one)
        (told,) = await one.events("AwaitingApproval", about="Regent")
        assert f"{APPROVE_ANNOTATION}: {first['digest']}" in told["note"]
        await one.stalled("User", LEAVER, "AwaitingApproval")
        look = await database.connect()
        assert await look.fetchval(MAY_LOG_IN) is None
        await approve(one, first["digest"])
        await one.ready("User", LEAVER)
        await one.ready("Regent", "my-regent")
        assert await look.fetchval(MAY_LOG_IN) is True

        await one.delete("User", LEAVER)
        await one.gone("User", LEAVER)
        leaving = await asked(one, but=first["digest"])
        assert leaving["deleted"] == [f"User/{namespace}/{LEAVER}"]
        (event,) = await one.events("AwaitingApproval", about="User")
        assert "Its access has not ended" in event["note"]
        assert event["regarding"]["name"] == LEAVER
        assert await look.fetchval(MAY_LOG_IN) is True
        await approve(one, leaving["digest"])
        async with asyncio.timeout(120):
            while await look.fetchval(MAY_LOG_IN):
                one.check()
                await asyncio.sleep(0.05)
        await one.ready("Regent", "my-regent")

"""Both CAs are replaced while everything runs: nobody is refused, and the old ones are out."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import SECRET
from controller.pki.authorities import (
    CONTROLLER_CA,
    REGENTS_CA,
    REPLACE_CA,
    load,
    store,
)
from controller.pki.certificates import Authority, Pair
from controller.pki.identity import Identity
from controller.pki.rotation import Standing
from controller.workloads.manifests import Plant, server_names
from shared.keys import ResourceKey
from tests.kubernetes.authorities import load_authorities
from tests.kubernetes.controlled import IMAGE, Controlled, controlled, flights_manifests
from tests.kubernetes_harness.access import Cluster
from tests.postgres.database import Database

pytestmark = pytest.mark.versions(18)
NOW = datetime.now(UTC)
PATIENCE_SECONDS = 120.0
PRIVILEGES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
CAS = (CONTROLLER_CA, REGENTS_CA)
WAITING = Standing(running=frozenset({"a Regent that was not heard of"}))


@pytest.fixture
async def one(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    async with controlled(crds, api, namespace, tmp_path) as running:
        running.apply(*flights_manifests(database))
        await running.ready("User", "summer-intern-2")
        await running.ready("Regent", "my-regent")
        yield running


@contextlib.asynccontextmanager
async def troubles(one: Controlled) -> AsyncIterator[set[str]]:
    """Whatever the controller finds wrong with its Regent in the meantime, as reasons."""
    seen: set[str] = set()

    async def look() -> None:
        while True:
            fleet = one.controller.fleet if one.controller else None
            for served in fleet.served.values() if fleet else ():
                if served.trouble is not None:
                    seen.add(served.trouble.reason)
            await asyncio.sleep(0.01)

    looking = asyncio.create_task(look())
    try:
        yield seen
    finally:
        looking.cancel()


async def replace_both(one: Controlled) -> None:
    """As a person asks for it."""
    for name in CAS:
        one.cluster.kubectl("annotate", "secret", name, f"{REPLACE_CA}=now", "-n", one.namespace)


async def until_ca(
    one: Controlled, name: str, holds: Callable[[dict[str, bytes]], bool]
) -> dict[str, bytes]:
    """The data of a CA's Secret as soon as it is so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            one.check()
            found = await one.api.get(SECRET, one.namespace, name)
            data = {key: base64.b64decode(value) for key, value in found["data"].items()}
            if holds(data):
                return data
            await asyncio.sleep(0.05)


async def drift_is_told(one: Controlled, database: Database) -> None:
    """The whole way: the Regent corrects, the controller hears of it, and says so.

    Another privilege each time: the same one within a second is told as the same news again.
    """
    before = {event["metadata"]["name"] for event in await told(one)}
    privilege = PRIVILEGES[len(before) % len(PRIVILEGES)]
    await database.execute(f'GRANT {privilege} ON schema1.airports TO "mydb-viewer"')
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not {event["metadata"]["name"] for event in await told(one)} - before:
            one.check()
            await asyncio.sleep(0.05)


async def told(one: Controlled) -> list[dict[str, Any]]:
    found = one.cluster.get("events.events.k8s.io", "-n", one.namespace)["items"]
    return [
        event
        for event in found
        if event["reason"] == "DriftCorrected" and event["regarding"]["kind"] == "Regent"
    ]


def regent(one: Controlled) -> ResourceKey:
    return ResourceKey("Regent", one.namespace, "my-regent")


async def is_let_in(one: Controlled, folder: Path, pair: Pair, regents: Authority) -> bool:
    """Whether the Regent answers who shows this, and whether it shows what `regents` signed."""
    (folder / "client.pem").write_bytes(pair.certificate + pair.key)
    context = ssl.create_default_context(cadata=regents.bundle.decode())
    context.load_cert_chain(folder / "client.pem")
    name = server_names(regent(one), Plant(one.own_namespace, IMAGE))[0]
    async with httpx.AsyncClient(verify=context, timeout=60) as client:
        try:
            answer = await client.get(
                one.pods.address(regent(one)) + "/v1/status", extensions={"sni_hostname": name}
            )
        except httpx.TransportError:
            return False
    return answer.status_code == 200


async def is_replaced(one: Controlled, before: dict[str, bytes], name: str) -> dict[str, bytes]:
    return await until_ca(
        one,
        name,
        lambda data: data["ca.crt"] != before[name] and set(data) == {"ca.crt", "ca.key"},
    )


async def signing(one: Controlled) -> dict[str, bytes]:
    found = await load_authorities(one.api, one.namespace, NOW)
    return {
        CONTROLLER_CA: found.controller.signing.certificate,
        REGENTS_CA: found.regents.signing.certificate,
    }


async def test_both_cas_are_replaced_and_nobody_is_refused_meanwhile(
    one: Controlled, database: Database, tmp_path: Path
) -> None:
    old = await load_authorities(one.api, one.namespace, NOW)
    stolen = old.controller.issue("client", (), "controller", NOW)
    assert await is_let_in(one, tmp_path, stolen, old.regents)
    before = await signing(one)
    ready = await one.ready("Regent", "my-regent")
    async with troubles(one) as seen:
        await replace_both(one)
        for name in CAS:
            await until_ca(one, name, lambda data: "next.crt" in data or "old.crt" in data)
        await drift_is_told(one, database)
        for name in CAS:
            await is_replaced(one, before, name)
        await drift_is_told(one, database)
        new = await load_authorities(one.api, one.namespace, NOW)
        ours = new.controller.issue("client", (), "controller", NOW)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await is_let_in(one, tmp_path, stolen, new.regents):
                await asyncio.sleep(0.2)
        assert await is_let_in(one, tmp_path, ours, new.regents)
        assert not await is_let_in(one, tmp_path, ours, old.regents)
        await drift_is_told(one, database)
    assert seen == set()
    last = await one.ready("Regent", "my-regent")
    assert last["status"]["conditions"][0] == ready["status"]["conditions"][0]
    for name in CAS:
        found = await one.api.get(SECRET, one.namespace, name)
        assert REPLACE_CA not in (found["metadata"].get("annotations") or {})


async def test_a_regent_that_lags_is_waited_for_by_the_next_leader_too(
    one: Controlled, database: Database
) -> None:
    """Its files do not change for a while, and the controller that began the change has gone."""
    before = await signing(one)
    await one.pods.pause()
    await replace_both(one)
    regents = await until_ca(one, REGENTS_CA, lambda data: "old.crt" in data)
    assert regents["ca.crt"] != before[REGENTS_CA]
    await one.stop()
    await one.start()
    assert one.controller is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not any(s.status and not s.trouble for s in one.controller.fleet.served.values()):
            one.check()
            await asyncio.sleep(0.05)
    async with troubles(one) as seen:
        await drift_is_told(one, database)
        waiting = await signing(one)
        assert waiting[CONTROLLER_CA] == before[CONTROLLER_CA]
        assert "old.crt" in await until_ca(one, REGENTS_CA, lambda _: True)
        one.pods.is_paused = False
        for name in CAS:
            await is_replaced(one, before, name)
        await drift_is_told(one, database)
    assert seen == set()


async def test_two_who_take_a_step_at_once_end_with_the_same_ca(
    api: KubeApi, control_plane: Cluster, namespace: str
) -> None:
    """A leader that was paused, and the one that took over: what the Secret says is what counts."""
    first, second = Identity(api, namespace), Identity(api, namespace)
    for one in (first, second):
        await one.refresh(lambda: WAITING, {})
    assert first.authorities == second.authorities
    control_plane.kubectl("annotate", "secret", CONTROLLER_CA, f"{REPLACE_CA}=now", "-n", namespace)
    found = await api.get(SECRET, namespace, CONTROLLER_CA)
    versions = {CONTROLLER_CA: found["metadata"]["resourceVersion"]}
    asked = await load(api, namespace, CONTROLLER_CA, NOW)
    assert asked.is_asked
    answers = await asyncio.gather(
        *(one.refresh(lambda: WAITING, versions) for one in (first, second)),
        return_exceptions=True,
    )
    assert all(answer is None or isinstance(answer, ApiError) for answer in answers)
    with pytest.raises(ApiError) as refused:
        await store(api, namespace, asked, asked.authority)
    assert refused.value.is_conflict
    written = await load(api, namespace, CONTROLLER_CA, NOW)
    assert written.authority.next is not None
    assert not written.is_asked
    for one in (first, second):
        await one.refresh(lambda: WAITING, {CONTROLLER_CA: written.version})
        assert one.authorities.controller == written.authority

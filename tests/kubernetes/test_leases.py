"""Leases on a real API server and a real PostgreSQL: asked for, given, ended, and gone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from controller.kube.api import KubeApi
from controller.kube.kinds import EVENT
from controller.kube.owners import owned_by
from controller.leases import room
from controller.leases.lease import ASKED_BY
from shared.utc import utc
from tests.eventually import eventually
from tests.kubernetes.controlled import Controlled, controlled
from tests.kubernetes.leasing import (
    ACCOUNT,
    USER,
    asking,
    is_cut_off,
    leases_of,
    manifests,
    nothing_left,
    session_of,
    template,
)
from tests.kubernetes_harness.access import Cluster
from tests.postgres.canary import Canary
from tests.postgres.database import Database

pytestmark = pytest.mark.versions(18)
READS = "SELECT count(*) FROM schema1.flights"


@pytest.fixture
async def one(
    crds: Cluster, api: KubeApi, namespace: str, database: Database, tmp_path: Path
) -> AsyncIterator[Controlled]:
    """A controller, and what is declared."""
    async with controlled(crds, api, namespace, tmp_path) as running:
        running.apply(*manifests(database))
        await running.ready("User", USER)
        yield running


async def names(one: Controlled) -> set[str]:
    """Of the leases that there are."""
    found = one.cluster.get("pguser", "-n", one.namespace)["items"]
    return {user["metadata"]["name"] for user in found if "ownerReferences" in user["metadata"]}


async def test_a_lease_logs_in_until_it_is_revoked_and_nothing_of_it_is_left(
    one: Controlled, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    said = str(await one.get("User", USER))
    assert "leases log in, it does not" in said
    async with asking(one) as asker:
        answer = await asker.lease(ttl="2h")
        assert answer.status_code == 201, answer.text
        assert answer.headers["cache-control"] == "no-store"
        lease = answer.json()
        session = await session_of(database, lease)
        assert await session.fetchval(READS) >= 0
        renewed = await asker.renew(lease["name"], ttl="3h")
        assert renewed.status_code == 200, renewed.text
        assert lease["expiresAt"] < renewed.json()["expiresAt"] < lease["renewableUntil"]
        with pytest.raises(asyncpg.PostgresError):
            await database.connect(USER, lease["password"])
        assert (await asker.revoke(lease["name"])).status_code == 202

        async def is_over() -> bool:
            return await is_cut_off(session)

        await eventually(is_over)
        await nothing_left(one, database, lease)
        assert (await asker.renew(lease["name"])).status_code == 403
    events, _ = await one.api.list(EVENT, one.namespace)
    of_leases = [event for event in events if event["regarding"].get("name") == lease["name"]]
    assert [event for event in of_leases if event["type"] == "Normal"] == []
    objects = one.cluster.kubectl(
        "get", "pguser,pgrole,pgregent,event,configmap,deployment", "-o", "json",
        "-n", one.namespace,
    )  # fmt: skip
    log = "".join(capfd.readouterr())
    Canary(lease["password"]).assert_nowhere(
        {"objects": objects, "log": log, "regents": one.pods.logs()}
    )


async def test_a_lease_ends_with_its_user_at_the_latest(
    one: Controlled, database: Database
) -> None:
    """By its own time: the server's LOGIN and sessions, then the role and the object."""
    async with asking(one) as asker:
        lease = (await asker.lease()).json()
        session = await session_of(database, lease)
        patch_user(one, {"validUntil": in_seconds(5)})

        async def is_over() -> bool:
            return await is_cut_off(session)

        await eventually(is_over)
        await nothing_left(one, database, lease)
        refused = await asker.lease()
        assert (refused.status_code, refused.json()["reason"]) == (409, "NotNow")


async def test_what_its_user_loses_a_lease_loses_too_and_goes_on_with_the_rest(
    one: Controlled, database: Database
) -> None:
    admin = await database.connect()
    writes = "SELECT has_table_privilege($1, 'schema1.flights', 'UPDATE')"
    async with asking(one) as asker:
        lease = (await asker.lease()).json()
        assert await admin.fetchval(writes, lease["username"])
        patch_user(one, {"roles": ["mydb-viewer"]})

        async def is_taken() -> bool:
            one.check()
            return not await admin.fetchval(writes, lease["username"])

        await eventually(is_taken)
        await one.ready("User", lease["name"])
        session = await session_of(database, lease)
        assert await session.fetchval(READS) >= 0
        changed = {"attributes": {"createdb": True}, "roles": ["mydb-viewer", "flights-admin"]}
        patch(one, lease["name"], changed)

        def is_as_its_user(found: dict[str, Any] | None) -> bool:
            spec = (found or {}).get("spec", {})
            return spec.get("roles") == ["mydb-viewer"] and "attributes" not in spec

        await one.until("User", lease["name"], is_as_its_user)


@pytest.mark.parametrize(
    "change",
    [{"enabled": False}, {"credentials": {"serviceAccounts": ["another"]}}],
    ids=["disabled", "another account"],
)
async def test_what_its_user_does_not_give_any_more_ends(
    one: Controlled, database: Database, change: dict[str, Any]
) -> None:
    async with asking(one) as asker:
        lease = (await asker.lease()).json()
        session = await session_of(database, lease)
        patch_user(one, change)

        async def is_over() -> bool:
            return await is_cut_off(session)

        await eventually(is_over)
        await nothing_left(one, database, lease)


async def test_who_is_not_listed_hears_nothing_of_what_there_is(
    one: Controlled, other_namespace: str
) -> None:
    """Another account, another namespace, an unknown User and one without leases: one answer."""
    leases = leases_of(one)
    async with asking(one, leases=leases) as asker, asking(one, "other", leases=leases) as other:
        lease = (await asker.lease()).json()
        refused = [
            await other.lease(),
            await asker.lease(user="nobody"),
            await asker.lease(user="summer-intern-2"),
            await asker.lease(namespace=other_namespace),
            await asker.lease(user=lease["name"]),
        ]
        assert [answer.status_code for answer in refused] == [403] * 5
        said = {answer.json()["detail"].partition(". ")[2] for answer in refused}
        assert len(said) == 1
        for answer in (await other.renew(lease["name"]), await other.revoke(lease["name"])):
            assert answer.status_code == 403
        assert (await asker.renew(lease["name"])).status_code == 200
    assert await names(one) == {lease["name"]}


@pytest.mark.parametrize("audience", ["", "vault"], ids=["the API server's", "another's"])
async def test_a_token_for_another_audience_is_none(one: Controlled, audience: str) -> None:
    async with asking(one, audience=audience) as asker:
        assert (await asker.lease()).status_code == 401
        assert (await asker.revoke("orders-x7k2m9qa")).status_code == 401


async def test_one_that_is_not_in_force_in_time_is_refused_in_its_words_and_gone(
    one: Controlled, database: Database
) -> None:
    """The Regent lets nobody else be called anything."""
    allow = {"names": ["mydb-viewer", "flights-admin", "summer-intern-2", USER]}
    kind = ("patch", "pgregent", "my-regent", "-n", one.namespace, "--type=merge", "-p")
    one.cluster.kubectl(*kind, json.dumps({"spec": {"allow": allow}}))
    await one.ready("Regent", "my-regent")
    async with asking(one, leases=leases_of(one, wait_seconds=10.0)) as asker:
        answer = await asker.lease()
    assert (answer.status_code, answer.json()["reason"]) == (503, "LeaseNotInForce"), answer.text
    assert "NotAllowed" in answer.json()["detail"]

    async def left() -> list[str]:
        one.check()
        secrets = one.cluster.get("secrets", "-n", one.namespace)["items"]
        found = [secret["metadata"]["name"] for secret in secrets]
        return [*await names(one), *(name for name in found if name.startswith("orders-"))]

    async def is_nothing_left() -> bool:
        return not await left()

    with suppress(TimeoutError):
        await eventually(is_nothing_left)
    assert await left() == []
    admin = await database.connect()
    assert await admin.fetchval("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'orders-%'") == 0


async def test_so_many_leases_of_a_user_and_no_more(
    one: Controlled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_LEASES", 1)
    async with asking(one) as asker:
        first, second = await asyncio.gather(asker.lease(), asker.lease())
        assert sorted((first.status_code, second.status_code)) == [201, 429]
        refused = first if first.status_code == 429 else second
        assert "has 1 leases, which is the most" in refused.json()["detail"]
        assert refused.headers["retry-after"]


async def test_a_leader_that_ends_in_between_leaves_no_lease_beyond_its_end(
    one: Controlled, database: Database
) -> None:
    """The Regent is away, so nothing comes into force before the leader is another one."""
    await one.pods.pause()
    for pod in one.pods.running.values():
        await asyncio.to_thread(pod.stop, kill=True)
    async with asking(one, leases=leases_of(one, wait_seconds=15.0)) as asker:
        waiting = asyncio.create_task(asker.lease())
        async with asyncio.timeout(60):
            while not await names(one):
                await asyncio.sleep(0.05)
        await one.stop()
        assert (await waiting).status_code == 503
    (left,) = await names(one)
    patch_user(one, {"validUntil": in_seconds(1)})
    one.pods.is_paused = False
    await one.start()
    await one.gone("User", left)
    admin = await database.connect()
    role = "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1"

    async def is_shut_out() -> bool:
        one.check()
        return not await admin.fetchval(role, left)

    await eventually(is_shut_out)


async def test_a_user_that_is_deleted_takes_its_leases_along(
    one: Controlled, database: Database
) -> None:
    async with asking(one) as asker:
        lease = (await asker.lease()).json()
        await one.delete("User", USER)
        await nothing_left(one, database, lease)
        assert (await asker.lease()).status_code == 403


@pytest.mark.rule("19a")
async def test_a_user_that_somebody_hung_onto_another_gets_nothing_by_it_and_ends(
    one: Controlled, database: Database
) -> None:
    """Whoever may write it could have declared it anyway; nobody else feels it."""
    found = await one.ready("User", USER)
    async with asking(one) as asker:
        lease = (await asker.lease()).json()
        owner = owned_by(USER, found["metadata"]["uid"])
        metadata: dict[str, Any] = {"name": "by-hand", "ownerReferences": [owner]}
        by_hand = {
            "apiVersion": "putnam120.postgregent/v1alpha1",
            "kind": "User",
            "metadata": metadata,
            "spec": {"roles": ["mydb-viewer", "flights-admin"], "attributes": {"createdb": True}},
        }
        one.apply(by_hand)
        await one.gone("User", "by-hand")
        asked_by = {ASKED_BY: f"system:serviceaccount:{one.namespace}:{ACCOUNT}"}
        metadata["annotations"] = asked_by
        one.apply(by_hand)

        def is_as_its_user(found: dict[str, Any] | None) -> bool:
            spec = (found or {}).get("spec", {})
            return "validUntil" in spec and "attributes" not in spec

        await one.until("User", "by-hand", is_as_its_user)
        session = await session_of(database, lease)
        assert await session.fetchval(READS) >= 0
        assert (await asker.revoke("by-hand")).status_code == 202
        await one.gone("User", "by-hand")


@pytest.mark.rule("27")
async def test_what_somebody_makes_under_a_lease_stays_with_its_user(
    one: Controlled, database: Database
) -> None:
    permission = {
        "apiVersion": "putnam120.postgregent/v1alpha1",
        "kind": "Permission",
        "metadata": {"name": "make"},
        "spec": {"database": database.name, "schemas": ["schema1"], "actions": ["CREATE", "USAGE"]},
    }
    one.apply(permission, template(permissions=["make"]))
    await one.ready("User", USER)
    async with asking(one) as asker:
        lease = (await asker.lease()).json()
        session = await session_of(database, lease)
        await session.execute("CREATE TABLE schema1.kept (a int)")
        await session.execute("INSERT INTO schema1.kept VALUES (7)")
        assert (await asker.revoke(lease["name"])).status_code == 202
        await nothing_left(one, database, lease)
    admin = await database.connect()
    assert await admin.fetchval("SELECT a FROM schema1.kept") == 7
    owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'kept'"
    assert await admin.fetchval(owner) == USER


def patch(one: Controlled, user: str, spec: dict[str, Any]) -> None:
    """As its author does."""
    named = ("patch", "pguser", user, "-n", one.namespace, "--type=merge", "-p")
    one.cluster.kubectl(*named, json.dumps({"spec": spec}))


def patch_user(one: Controlled, spec: dict[str, Any]) -> None:
    """The one that leases are made of."""
    patch(one, USER, spec)


def in_seconds(seconds: int) -> str:
    """A time to come."""
    return utc(datetime.now(UTC) + timedelta(seconds=seconds))


@pytest.mark.rule("20")
async def test_while_the_brake_is_pulled_ended_leases_stay_out_and_new_ones_are_given(
    one: Controlled, database: Database
) -> None:
    """It counts roles that go, whosever they are: more than two an hour, here."""
    admin = await database.connect()
    logins = "SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname LIKE 'orders-%'"
    async with asking(one) as asker:
        given = [(await asker.lease()).json() for _ in range(6)]
        for lease in given:
            assert (await asker.revoke(lease["name"])).status_code == 202
        for lease in given:
            await one.gone("User", lease["name"])
        await one.stalled("Regent", "my-regent", "BrakePulled")
        assert await admin.fetchval(logins) == 0
        lease = (await asker.lease()).json()
        session = await session_of(database, lease)
        assert await session.fetchval(READS) >= 0

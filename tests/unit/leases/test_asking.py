"""Who gets a lease, and what becomes of one that cannot be given."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from controller.credentials.kept import MAKER
from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import JsonObject, Kind
from controller.kube.lease import NotLeader
from controller.kube.owners import owned_by
from controller.leases import asking
from controller.leases.asking import Denied, LeaseNotInForce, Leases, NotNow
from controller.names import MANAGED_BY
from controller.observe.caches import Caches
from controller.observe.doubts import SecretsRead
from controller.observe.reader import read_secrets
from shared.errors import PostgRegentError
from shared.keys import ResourceKey
from tests.unit.leases.made import ASKER, CREATED, KEY, LEASE, NOW, lease, user

PASSWORD = "demo-only-made"


@dataclass
class FakeCluster:
    """An API server and caches that hear of everything at once. `gives` is what Regents do."""

    users: dict[str, JsonObject] = field(default_factory=dict)
    secrets: dict[tuple[str, str], JsonObject] = field(default_factory=dict)
    gives: bool = True
    said: tuple[str, str] = ("Applied", "As declared.")
    refuses: PostgRegentError | None = None
    doubts: str = ""
    deleted: list[str] = field(default_factory=list)
    bodies: list[JsonObject] = field(default_factory=list)

    async def create(self, _kind: Kind, namespace: str, body: JsonObject) -> JsonObject:
        name = body["metadata"]["name"]
        made = {**body, "metadata": {
            **body["metadata"], "namespace": namespace, "uid": f"uid-{name}", "generation": 1,
            "resourceVersion": "1", "creationTimestamp": CREATED,
        }}  # fmt: skip
        self.bodies.append(body)
        if self.refuses:
            if getattr(self.refuses, "is_unanswered", False):
                self.users[name] = made
            raise self.refuses
        self.users[name] = made
        self._in_force(made)
        return made

    async def patch(self, _kind: Kind, _namespace: str, name: str, body: JsonObject) -> JsonObject:
        if self.refuses:
            raise self.refuses
        found = self.users[name]
        found["spec"] |= body["spec"]
        found["metadata"]["generation"] += 1
        self._in_force(found)
        return found

    async def delete(self, _kind: Kind, _namespace: str, name: str, **_only: Any) -> None:
        if self.refuses and not getattr(self.refuses, "is_unanswered", False):
            raise self.refuses
        self.deleted.append(name)
        self.users.pop(name, None)

    def _in_force(self, made: JsonObject) -> None:
        ready = "True" if self.gives else "False"
        reason, message = self.said
        made["status"] = {
            "observedGeneration": made["metadata"]["generation"],
            "conditions": [
                {"type": "Ready", "status": ready, "reason": reason, "message": message}
            ],
        }
        name, namespace = made["spec"]["credentials"]["secretName"], made["metadata"]["namespace"]
        self.secrets[namespace, name] = secret_for(made)

    def why_not_synced(self, _namespace: str) -> str:
        return self.doubts

    def find(self, key: ResourceKey) -> JsonObject | None:
        return self.users.get(key.name) if key.namespace == "default" else None

    def objects(self) -> Iterator[tuple[str, JsonObject]]:
        yield from (("User", found) for found in self.users.values())

    def read_secrets(self, names: Any) -> SecretsRead:
        return SecretsRead(read_secrets(names, self.secrets))


def secret_for(made: JsonObject) -> JsonObject:
    """What the stage of passwords makes for it."""
    about = made["metadata"]
    said = {"username": made["spec"]["userName"], "password": PASSWORD, "host": "h", "port": "1"}
    data = {key: base64.b64encode(value.encode()).decode() for key, value in said.items()}
    owner = owned_by(about["name"], about["uid"])
    metadata = {"labels": {MANAGED_BY: MAKER}, "ownerReferences": [owner]}
    return {"metadata": metadata, "data": data}


def cluster(of: JsonObject | None = None, **more: Any) -> FakeCluster:
    """With a User that has leases."""
    found = of or user()
    return FakeCluster({found["metadata"]["name"]: found}, **more)


def leases(one: FakeCluster, now: datetime = NOW, wait_seconds: float = 0.2) -> Leases:
    return Leases(cast(KubeApi, one), cast(Caches, one), lambda: now, wait_seconds)


async def test_a_lease_that_is_in_force_is_answered_with_its_password() -> None:
    one = cluster()
    asked = leases(one)
    issued = await asked.ask(ASKER, KEY, 600)
    assert issued.password.get_secret_value() == PASSWORD
    assert (issued.username, issued.host, issued.port) == (issued.name, "h", 1)
    assert issued.expires_at == NOW + timedelta(minutes=10)
    assert issued.renewable_until == NOW + timedelta(hours=24)
    assert asked.issued == 1
    assert PASSWORD not in repr(issued)


@pytest.mark.rule("19a")
@pytest.mark.parametrize(
    ("who", "key"),
    [
        ("system:serviceaccount:default:other", KEY),
        ("system:serviceaccount:elsewhere:api", KEY),
        ("api", KEY),
        ("system:serviceaccount:default:api:x", KEY),
        (ASKER, ResourceKey("User", "default", "nobody")),
        (ASKER, ResourceKey("User", "default", "static")),
        (ASKER, ResourceKey("User", "elsewhere", "orders")),
    ],
    ids=["another account", "another namespace", "a person", "more than its name", "nobody",
         "not Dynamic", "a User elsewhere"],
)  # fmt: skip
async def test_nobody_but_whom_the_user_lists_gets_one_or_hears_what_there_is(
    who: str, key: ResourceKey
) -> None:
    static = user(credentials={"mode": "Static", "serviceAccounts": None})
    static["metadata"] |= {"name": "static", "uid": "uid-static"}
    one = cluster()
    one.users["static"] = static
    with pytest.raises(Denied) as refused:
        await leases(one).ask(who, key, None)
    assert refused.value.message == f"{who} gets no leases of User {key.namespace}/{key.name}."
    assert one.bodies == []


@pytest.mark.rule("19a")
async def test_one_that_is_not_in_force_in_time_is_deleted_and_says_why() -> None:
    one = cluster(gives=False, said=("BrakePulled", "It waits for a release."))
    asked = leases(one)
    with pytest.raises(LeaseNotInForce, match="BrakePulled: It waits for a release"):
        await asked.ask(ASKER, KEY, None)
    assert one.deleted == [name["metadata"]["name"] for name in one.bodies]
    assert asked.issued == 0


@pytest.mark.rule("19a")
async def test_a_secret_that_is_not_its_own_is_no_password_of_it() -> None:
    """Somebody put one there before, with the label and another owner."""
    one = cluster()
    planted = secret_for({**lease(), "metadata": {**lease()["metadata"], "uid": "another"}})

    def plant(made: JsonObject) -> None:
        FakeCluster._in_force(one, made)
        name = made["spec"]["credentials"]["secretName"]
        one.secrets["default", name] = planted

    one._in_force = plant  # type: ignore[method-assign]
    with pytest.raises(LeaseNotInForce):
        await leases(one).ask(ASKER, KEY, None)


async def test_one_that_may_have_been_made_without_an_answer_is_taken_back() -> None:
    one = cluster(refuses=ApiError(0, "Timeout", "no answer"))
    with pytest.raises(ApiError):
        await leases(one).ask(ASKER, KEY, None)
    (name,) = one.deleted
    assert name.startswith("orders-")
    assert set(one.users) == {"orders"}


async def test_one_that_cannot_be_taken_back_now_is_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the API server hangs for a while, and the leader is none for as long."""
    monkeypatch.setattr(asking, "PAUSES_SECONDS", (0, 0, 0))
    one = cluster(gives=False)
    refusals: list[PostgRegentError] = [NotLeader(), ApiError(500, "Oops", "it hangs")]
    delete = one.delete

    async def refusing(*asked: Any, **only: Any) -> None:
        if refusals:
            raise refusals.pop()
        await delete(*asked, **only)

    one.delete = refusing  # type: ignore[method-assign]
    with pytest.raises(LeaseNotInForce):
        await leases(one).ask(ASKER, KEY, None)
    async with asyncio.timeout(60):
        while set(one.users) != {"orders"}:
            await asyncio.sleep(0)


async def test_whoever_does_not_wait_for_the_answer_leaves_no_lease() -> None:
    one = cluster(gives=False)
    waiting = asyncio.create_task(leases(one, wait_seconds=60).ask(ASKER, KEY, None))
    while not one.bodies:
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert set(one.users) == {"orders"}


async def test_a_leader_that_was_overtaken_makes_none() -> None:
    one = cluster(refuses=NotLeader())
    with pytest.raises(NotLeader):
        await leases(one).ask(ASKER, KEY, None)


@pytest.mark.rule("17")
async def test_what_is_not_known_whole_is_no_refusal() -> None:
    with pytest.raises(LeaseNotInForce, match="not known yet"):
        await leases(cluster(doubts="users: not listed yet")).ask(ASKER, KEY, None)


@pytest.mark.parametrize(
    "of",
    [user(enabled=False), user(validUntil="2026-11-28T06:00:00Z"), user(userName="r" * 60)],
    ids=["disabled", "expired", "a name that is too long"],
)
async def test_a_user_that_gives_none_now_says_so_to_whom_it_lists(of: JsonObject) -> None:
    one = cluster(of)
    with pytest.raises(NotNow):
        await leases(one).ask(ASKER, KEY, None)
    assert one.bodies == []


async def test_a_lease_is_renewed_until_its_longest_and_not_beyond() -> None:
    one = cluster()
    one.users[LEASE.name] = lease()
    one._in_force(one.users[LEASE.name])
    renewed = await leases(one, NOW + timedelta(minutes=30)).renew(ASKER, LEASE, 7200)
    assert renewed.expires_at == NOW + timedelta(hours=2, minutes=30)
    renewed = await leases(one, NOW + timedelta(hours=1)).renew(ASKER, LEASE, 7 * 86_400)
    assert renewed.expires_at == renewed.renewable_until == NOW + timedelta(hours=24)


@pytest.mark.rule("19a")
@pytest.mark.parametrize(
    ("who", "found", "of"),
    [
        ("system:serviceaccount:default:other", lease(), user()),
        (ASKER, lease(), user(credentials={"serviceAccounts": ["other"]})),
        (ASKER, lease(hours=-1), user()),
        (ASKER, lease(spec={"enabled": False}), user()),
        (ASKER, lease(deletionTimestamp=CREATED, finalizers=["a"]), user()),
        (ASKER, lease(ownerReferences=[owned_by("orders", "another")]), user()),
        (ASKER, lease(annotations={}), user()),
    ],
    ids=["another account", "not listed any more", "ended", "disabled", "going",
         "of a User before", "asked for by nobody"],
)  # fmt: skip
async def test_only_who_asked_and_is_listed_renews_or_revokes_a_lease_that_goes_on(
    who: str, found: JsonObject, of: JsonObject
) -> None:
    one = cluster(of)
    one.users[LEASE.name] = found
    before = dict(found["spec"])
    with pytest.raises(Denied):
        await leases(one).renew(who, LEASE, None)
    with pytest.raises(Denied):
        await leases(one).revoke(who, LEASE)
    assert found["spec"] == before


@pytest.mark.rule("19a")
async def test_one_that_is_revoked_ends_in_so_many_words() -> None:
    one = cluster()
    one.users[LEASE.name] = lease()
    await leases(one).revoke(ASKER, LEASE)
    spec = one.users[LEASE.name]["spec"]
    assert (spec["enabled"], spec["validUntil"]) == (False, CREATED)

"""What is written of leases, and what a refusal of one does to the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import JsonObject, Kind
from controller.kube.lease import NotLeader
from controller.leases.tending import Tending
from controller.observe.world import World
from shared.errors import PostgRegentError
from tests.unit.leases.made import LEASE, NOW, declared, lease, user


@dataclass
class FakeApi:
    """Writes down what is asked, and refuses what concerns `refuses`."""

    refuses: dict[str, PostgRegentError] = field(default_factory=dict)
    deleted: list[tuple[str, str | None]] = field(default_factory=list)
    patched: list[tuple[str, JsonObject]] = field(default_factory=list)

    async def delete(
        self, _kind: Kind, _namespace: str, name: str, *, uid: str | None = None
    ) -> None:
        self._asked(name)
        self.deleted.append((name, uid))

    async def patch(self, _kind: Kind, _namespace: str, name: str, body: JsonObject) -> JsonObject:
        self._asked(name)
        self.patched.append((name, body))
        return body

    def _asked(self, name: str) -> None:
        if name in self.refuses:
            raise self.refuses[name]


def tending(api: FakeApi, now: datetime = NOW) -> Tending:
    return Tending(cast(KubeApi, api), lambda: now)


def another() -> JsonObject:
    found = lease()
    found["metadata"] |= {"name": "orders-bbbbbbbb", "uid": "uid-other"}
    return found


async def test_one_that_has_ended_is_deleted_by_its_uid() -> None:
    api = FakeApi()
    one = tending(api, NOW + timedelta(hours=2))
    await one.look(World(declared(user(), lease())))
    assert api.deleted == [(LEASE.name, "uid-lease")]
    assert one.count == 1


async def test_what_is_refused_of_one_makes_no_other_wait_and_is_tried_again_later() -> None:
    refusal = ApiError(403, "Forbidden", "not yours")
    api = FakeApi(refuses={LEASE.name: refusal})
    one = tending(api)
    world = World(declared(user(enabled=False), lease(), another()))
    await one.look(world)
    assert [name for name, _ in api.patched] == ["orders-bbbbbbbb"]
    assert one.retries.seconds_left() is not None
    await one.look(world)
    assert [name for name, _ in api.patched] == ["orders-bbbbbbbb"]


async def test_a_leader_that_was_overtaken_ends_quietly() -> None:
    api = FakeApi(refuses={LEASE.name: NotLeader()})
    one = tending(api)
    await one.look(World(declared(user(enabled=False), lease())))
    assert one.retries.seconds_left() is None


async def test_it_looks_again_when_the_next_one_is_over() -> None:
    one = tending(FakeApi())
    assert one.seconds_left() is None
    await one.look(World(declared(user(), lease(hours=0.5), lease(hours=1))))
    left = one.seconds_left()
    assert left is not None
    assert left > 0

"""An API server that was put back: one informer sees it, and all of them list again."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any, cast

import pytest

from controller.kube.api import KubeApi
from controller.kube.informer import WentBack
from controller.kube.kinds import JsonObject, Kind
from controller.observe.caches import Caches
from controller.observe.restores import Restores
from tests.eventually import eventually
from tests.unit.cluster.objects import raw, secret

Seen = Iterable[tuple[float, float]]
Objects = list[JsonObject]
Batch = list[bytes]


def noted(seen: Seen, clock: Iterable[int] = itertools.count(1)) -> tuple[int, int]:
    """The wall clock at the last restore, and how often all was listed again."""
    ticks, calls = iter(clock), itertools.count()
    restores = Restores(lambda: (next(calls), None)[1], lambda: next(ticks))
    for heard_at, seen_at in seen:
        restores.note(WentBack(heard_at, seen_at))
    return restores.last, next(calls)


@pytest.mark.found("E151")
@pytest.mark.found("E191")
@pytest.mark.parametrize(
    ("seen", "restores"),
    [
        ([], 0),
        ([(10, 50)], 1),
        ([(10, 50), (20, 90)], 1),
        ([(10, 50), (60, 90)], 2),
        ([(10, 50), (60, 90), (20, 95), (94, 99)], 3),
    ],
    ids=["never", "once", "the same, seen later", "another one", "each of them seen twice"],
)
def test_a_restore_that_informers_see_one_after_the_other_is_one(seen: Seen, restores: int) -> None:
    assert noted(seen, itertools.count(1)) == (restores, restores)


@pytest.mark.found("E192")
def test_a_wall_clock_that_is_put_back_hides_no_restore() -> None:
    assert noted([(10, 50), (60, 90)], [4_000, 2_000]) == (2_000, 2)


class Store:
    """An API server whose watches say nothing but what `say` has them say."""

    def __init__(self) -> None:
        self.items: dict[str, Objects] = {}
        self.lists: dict[str, int] = {}
        self.watched: dict[str, asyncio.Queue[JsonObject]] = {}

    async def list(self, kind: Kind, *_: object, **__: object) -> tuple[Objects, str]:
        self.lists[kind.name] = self.lists.get(kind.name, 0) + 1
        return [json.loads(json.dumps(one)) for one in self.items.get(kind.name, [])], "50"

    async def watch_lines(self, kind: Kind, *_: object, **__: object) -> AsyncIterator[Batch]:
        queue = self.watched.setdefault(kind.name, asyncio.Queue())
        while True:
            yield [json.dumps({"type": "MODIFIED", "object": await queue.get()}).encode()]

    def say(self, item: JsonObject) -> None:
        self.watched[item["kind"]].put_nowait(item)


def version(item: dict[str, Any], number: int) -> JsonObject:
    item["metadata"] |= {"uid": "u", "resourceVersion": str(number)}
    return item


def followed(store: Store) -> Caches:
    return Caches(
        cast(KubeApi, store),
        own_namespace="postgregent",
        namespaces=(),
        wake=lambda: None,
        deleted=lambda: None,
        status_changed=lambda _: None,
    )


@pytest.mark.found("E191")
@pytest.mark.rule("28a")
async def test_who_follows_a_server_that_counted_past_its_version_lists_again() -> None:
    """The watch of the Secrets goes on, and never says that one of them is an older one now."""
    store = Store()
    store.items = {
        "Secret": [version(secret("passwords", a="rotated"), 40)],
        "Role": [version(raw("Role", "viewer", {"database": "mydb"}), 41)],
    }
    caches = followed(store)

    async def follow() -> None:
        async with asyncio.TaskGroup() as group:
            caches.start(group)
            caches.follow_secrets(frozenset({"default"}))
            await asyncio.Event().wait()

    async def has_both() -> bool:
        return {"Secret", "Role"} <= store.watched.keys()

    async def is_listed_again() -> bool:
        return store.lists == before

    following = asyncio.create_task(follow())
    try:
        await eventually(has_both)
        before = {kind: 2 * times for kind, times in store.lists.items()}
        store.items["Secret"] = [version(secret("passwords", a="old"), 30)]
        assert caches.restored_at == 0
        store.say(version(raw("Role", "viewer", {"database": "mydb"}), 31))
        await eventually(is_listed_again)
        assert caches.restored_at > 0
        [(secrets, _)] = caches._secrets.values()
        assert [one["metadata"]["resourceVersion"] for one in secrets.cache.values()] == ["30"]
    finally:
        following.cancel()
        await asyncio.wait([following])


@pytest.mark.found("E542")
@pytest.mark.rule("17")
async def test_after_a_restore_nothing_counts_as_known_until_it_is_listed_anew() -> None:
    """Some is of before it and some of after it: passwords were made for Users that are gone."""
    caches = followed(Store())

    async def is_known() -> bool:
        return not caches.why_part_unread() and not caches.read_secrets([]).awaited

    async def follow() -> None:
        async with asyncio.TaskGroup() as group:
            caches.start(group)
            caches.follow_secrets(frozenset({"default"}))
            await asyncio.Event().wait()

    following = asyncio.create_task(follow())
    try:
        await asyncio.sleep(0)
        await eventually(is_known)
        caches._restores.note(WentBack(10, 50))
        assert "put back" in caches.why_part_unread()
        assert caches.read_secrets([]).awaited == {"default"}
        await eventually(is_known)
    finally:
        following.cancel()
        await asyncio.wait([following])

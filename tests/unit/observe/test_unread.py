"""Which watched namespaces cannot be read, though they are there; and that somebody is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import NAMESPACE, OUR_KINDS, JsonObject, Kind
from controller.kube.unread import UnreadTrouble
from controller.observe.caches import Caches
from tests.eventually import eventually

Batch = list[bytes]
Listed = tuple[list[JsonObject], str]
pytestmark = pytest.mark.found("E540")
WORDS = 'users.putnam120.postgregent is forbidden: User "sa" cannot list resource "users"'


def a_namespace(name: str, **more: Any) -> JsonObject:
    metadata = {"name": name, "namespace": "", "resourceVersion": "1", "uid": name, **more}
    return {"metadata": metadata}


class Store:
    """An API server whose lists of our kinds fail as a test says; its watches are silent."""

    def __init__(self, *there: JsonObject) -> None:
        self.there = there
        self.refuses: dict[str | None, ApiError] = {}
        self.ends = asyncio.Event()
        """The watches of what is refused from now on."""

    async def list(self, kind: Kind, namespace: str | None, **more: Any) -> Listed:
        self._check(kind, namespace)
        if kind == NAMESPACE:
            named = str(more["field_selector"]).removeprefix("metadata.name=")
            return [one for one in self.there if one["metadata"]["name"] == named], "1"
        return [], "1"

    async def watch_lines(
        self, kind: Kind, namespace: str | None, **_: object
    ) -> AsyncIterator[Batch]:
        await (self.ends if kind in OUR_KINDS else asyncio.Event()).wait()
        self._check(kind, namespace)
        await asyncio.sleep(0.01)
        nothing: Batch = []
        yield nothing

    def _check(self, kind: Kind, namespace: str | None) -> None:
        if kind in OUR_KINDS and namespace in self.refuses:
            raise self.refuses[namespace]


def forbidden(status: int = 403) -> ApiError:
    return ApiError(status, "Forbidden", f"/apis/x/namespaces/teamb/users: {status} {WORDS}")


@contextlib.asynccontextmanager
async def following(store: Store, *namespaces: str) -> AsyncIterator[Caches]:
    caches = Caches(
        cast(KubeApi, store), own_namespace="postgregent", namespaces=namespaces,
        wake=lambda: None, deleted=lambda: None, status_changed=lambda _: None,
    )  # fmt: skip

    async def follow() -> None:
        async with asyncio.TaskGroup() as group:
            caches.start(group)
            await asyncio.Event().wait()

    running = asyncio.create_task(follow())
    try:
        yield caches
    finally:
        running.cancel()
        await asyncio.wait([running])


async def until_unread(caches: Caches, **expected: str) -> None:
    """By place, a part of what is said of it."""

    async def is_so() -> bool:
        found = caches.unread()
        return found.keys() == expected.keys() and all(
            word in found[place] for place, word in expected.items()
        )

    await eventually(is_so)


@pytest.mark.rule("17")
@pytest.mark.parametrize("status", [401, 403, 500], ids=["401", "403", "broken"])
async def test_a_namespace_that_was_never_listed_is_unread_in_the_servers_words(
    status: int,
) -> None:
    store = Store(a_namespace("teamb"), a_namespace("teamc"))
    store.refuses["teamb"] = forbidden(status)
    async with following(store, "teamb", "teamc") as caches:
        await until_unread(caches, teamb=WORDS)
        store.refuses.clear()
        await until_unread(caches)


@pytest.mark.rule("17")
async def test_so_is_the_whole_cluster() -> None:
    store = Store()
    store.refuses[None] = forbidden()
    async with following(store) as caches:
        await until_unread(caches, **{"": WORDS})
        assert WORDS in caches.why_part_unread()


@pytest.mark.rule("17")
async def test_a_right_that_is_lost_as_it_runs_is_told_when_the_next_watch_is_refused() -> None:
    store = Store(a_namespace("teamb"))
    async with following(store, "teamb") as caches:
        await until_unread(caches)
        store.refuses["teamb"] = forbidden()
        store.ends.set()
        await until_unread(caches, teamb=WORDS)


@pytest.mark.parametrize(
    "there",
    [(), (a_namespace("teamb", deletionTimestamp="2026-11-28T06:59:00Z"),)],
    ids=["not there", "ending"],
)
async def test_a_listed_namespace_that_is_not_there_waits(there: tuple[JsonObject, ...]) -> None:
    """The chart binds nothing there (ADR 28)."""
    store = Store(*there)
    store.refuses["teamb"] = forbidden()
    async with following(store, "teamb") as caches:
        await until_unread(caches)
        assert WORDS in caches.why_not_synced("teamb"), "what is known of it is doubted"


class Beside:
    """An API server that keeps the Events it is sent."""

    def __init__(self) -> None:
        self.events: list[JsonObject] = []

    async def get(self, _kind: Kind, _namespace: str | None, name: str) -> JsonObject:
        return {"metadata": {"name": name, "namespace": "postgregent", "uid": "uid"}}

    async def create(self, _kind: Kind, _namespace: str, body: JsonObject) -> JsonObject:
        self.events.append(body)
        return body


async def test_what_stays_unread_is_told_beside_the_deployment_and_a_moment_of_it_is_not() -> None:
    beside, said = Beside(), iter(["a moment", "", f"users: {WORDS}", f"users: {WORDS}"])
    last = [""]

    def why() -> str:
        last[0] = next(said, last[0])
        return last[0]

    trouble = UnreadTrouble(
        cast(KubeApi, beside), "postgregent", "postgregent", why, instance="a",
        patience_seconds=0.001,
    )  # fmt: skip
    running = asyncio.create_task(trouble.run())

    async def is_told() -> bool:
        return bool(beside.events)

    try:
        await eventually(is_told)
    finally:
        running.cancel()
        await asyncio.wait([running])
    (event,) = beside.events
    assert (event["reason"], event["type"]) == ("KindsNotRead", "Warning")
    assert event["regarding"]["kind"] == "Deployment"
    assert WORDS in event["note"]

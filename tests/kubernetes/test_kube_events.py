"""Events as a real API server takes them and kubectl shows them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.events import EventRecorder, News, Reference
from controller.kube.kinds import CONFIG_MAP, EVENT, NAMESPACE, JsonObject
from tests.eventually import eventually
from tests.kubernetes.tcp_proxy import TcpProxy
from tests.kubernetes_harness.access import Cluster


def about(found: JsonObject) -> Reference:
    return Reference.to({**found, "apiVersion": "v1", "kind": "ConfigMap"})


async def subject(api: KubeApi, namespace: str, name: str = "subject") -> News:
    """News about an object that is there."""
    made = await api.create(CONFIG_MAP, namespace, {"metadata": {"name": name}})
    return News(about(made), "Warning", "SomethingHappened", "Look", "something happened")


@contextlib.asynccontextmanager
async def recording(api: KubeApi) -> AsyncIterator[EventRecorder]:
    recorder = EventRecorder(api, instance="a-pod-of-ours")
    running = asyncio.create_task(recorder.run())
    yield recorder
    running.cancel()
    await asyncio.wait([running])


async def events(api: KubeApi, namespace: str) -> list[JsonObject]:
    found, _ = await api.list(EVENT, namespace)
    return [item for item in found if item["reason"] == "SomethingHappened"]


async def until_events(api: KubeApi, namespace: str, count: int) -> list[JsonObject]:
    async def there() -> bool:
        return len(await events(api, namespace)) >= count

    await eventually(there)
    return await events(api, namespace)


async def test_an_event_is_shown_with_its_object(
    api: KubeApi, control_plane: Cluster, namespace: str
) -> None:
    news = await subject(api, namespace)
    async with recording(api) as recorder:
        recorder.record(news)
        [event] = await until_events(api, namespace, 1)
    assert event["regarding"]["uid"] == news.regarding.uid
    described = control_plane.kubectl("describe", "-n", namespace, "configmap", "subject")
    assert "SomethingHappened" in described
    assert "something happened" in described


async def test_the_same_news_are_one_event_that_counts(api: KubeApi, namespace: str) -> None:
    news = await subject(api, namespace)
    async with recording(api) as recorder:
        for _ in range(20):
            recorder.record(news)

        async def counted() -> bool:
            found = await events(api, namespace)
            return [event.get("series", {}).get("count") for event in found] == [16]

        await eventually(counted)
        recorder.record(replace(news, note="something else happened"))
        await until_events(api, namespace, 2)


async def test_what_is_too_long_is_still_told(api: KubeApi, namespace: str) -> None:
    """Note, name and instance at their limits, in characters of several bytes."""
    news = replace(await subject(api, namespace, "n" * 253), note="ä" * 3000)
    recorder = EventRecorder(api, instance="i" * 300)
    recorder.record(news)
    await recorder.flush(60)
    assert recorder.dropped == 0
    [event] = await events(api, namespace)
    assert len(event["note"].encode()) <= 1024


async def test_news_of_an_ending_namespace_are_told_beside_another_object(
    api: KubeApi, control_plane: Cluster, namespace: str
) -> None:
    """A finalizer holds the namespace: it takes nothing new any more."""
    ending = f"{namespace}-ending"
    await api.create(NAMESPACE, None, {"metadata": {"name": ending}})
    held = {"metadata": {"name": "held", "finalizers": ["tests.example/hold"]}}
    news = await subject(api, ending)
    await api.create(CONFIG_MAP, ending, held)
    other = (await subject(api, namespace, "other")).regarding
    await api.delete(NAMESPACE, None, ending)
    try:
        await _refuses(api, ending)
        async with recording(api) as recorder:
            recorder.record(replace(news, otherwise=other))
            [event] = await until_events(api, namespace, 1)
            assert event["regarding"]["name"] == "other"
            assert event["related"]["namespace"] == ending
            recorder.record(replace(news, note="nobody else to tell"))

            async def dropped() -> bool:
                return recorder.dropped == 1

            await eventually(dropped)
    finally:
        await api.patch(CONFIG_MAP, ending, "held", {"metadata": {"finalizers": None}})


async def _refuses(api: KubeApi, namespace: str) -> None:
    """Until the namespace takes nothing new."""

    async def refused() -> bool:
        try:
            await api.create(CONFIG_MAP, namespace, {"metadata": {"generateName": "x-"}})
        except ApiError as problem:
            return problem.is_namespace_ending
        return False

    await eventually(refused)


async def test_what_cannot_be_sent_is_dropped_and_hinders_nothing(
    api: KubeApi, shaky_api: KubeApi, proxy: TcpProxy, namespace: str
) -> None:
    news = await subject(api, namespace)
    async with recording(shaky_api) as recorder:
        await proxy.refuse()
        for number in range(2000):
            recorder.record(replace(news, note=f"lost {number}"))

        async def all_dropped() -> bool:
            return recorder.dropped == 2000

        await eventually(all_dropped)
        await proxy.start()
        recorder.record(replace(news, note="after all"))
        [event] = await until_events(api, namespace, 1)
    assert event["note"] == "after all"


async def test_an_event_that_the_server_forgot_is_told_anew(api: KubeApi, namespace: str) -> None:
    """They are kept for an hour."""
    news = await subject(api, namespace)
    async with recording(api) as recorder:
        recorder.record(news)
        [event] = await until_events(api, namespace, 1)
        await api.delete(EVENT, namespace, event["metadata"]["name"])
        recorder.record(news)
        [again] = await until_events(api, namespace, 1)
    assert again["metadata"]["name"] != event["metadata"]["name"]
    assert recorder.dropped == 0

"""The informer on a real API server whose connections, rights, kinds and processes fail."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from controller.kube.api import KubeApi
from controller.kube.crds import deletions_count_while_defined
from controller.kube.errors import ApiError
from controller.kube.informer import Timing
from controller.kube.kinds import (
    CONFIG_MAP,
    CUSTOM_RESOURCE_DEFINITION,
    NAMESPACE,
    SECRET,
    JsonObject,
    Kind,
)
from shared.backoff import Backoff
from tests.eventually import eventually
from tests.kubernetes.following import QUICK, following
from tests.kubernetes.tcp_proxy import TcpProxy, proxy_to
from tests.kubernetes_harness.access import Cluster
from tests.kubernetes_harness.control_plane import ControlPlane

ROUNDS = 120


def config_map(name: str, **data: str) -> JsonObject:
    return {"metadata": {"name": name}, "data": data}


async def change_something(api: KubeApi, namespace: str, chance: random.Random, turn: int) -> None:
    """Make, change or delete one of a few objects, whichever of it is possible."""
    name = f"c{chance.randrange(8)}"
    with suppress(ApiError):
        match chance.randrange(4):
            case 0:
                await api.delete(CONFIG_MAP, namespace, name)
            case 1:
                await api.create(CONFIG_MAP, namespace, config_map(name))
            case _:
                await api.patch(CONFIG_MAP, namespace, name, {"data": {"turn": str(turn)}})


async def test_a_change_is_told_with_before_and_after(api: KubeApi, namespace: str) -> None:
    async with following(api, SECRET, namespace) as followed:
        assert followed.informer.is_synced
        assert followed.synced == [True]
        await api.create(SECRET, namespace, {"metadata": {"name": "s"}, "stringData": {"k": "1"}})
        await api.patch(SECRET, namespace, "s", {"stringData": {"k": "2"}})
        await api.delete(SECRET, namespace, "s")
        await followed.until(lambda: len(followed.told) == 3)
        came, changed, went = followed.told
        assert came.after is not None
        assert changed.after is not None
        assert (came.after["data"], changed.after["data"]) == ({"k": "MQ=="}, {"k": "Mg=="})
        assert came.before is None
        assert went.after is None


async def test_an_object_that_loses_its_label_is_gone(api: KubeApi, namespace: str) -> None:
    async with following(api, CONFIG_MAP, namespace, label_selector="watch=this") as followed:
        labelled = config_map("a")
        labelled["metadata"]["labels"] = {"watch": "this"}
        await api.create(CONFIG_MAP, namespace, labelled)
        await followed.until(lambda: len(followed.objects) == 1)
        await api.patch(CONFIG_MAP, namespace, "a", {"metadata": {"labels": {"watch": "that"}}})
        await followed.until(lambda: not followed.objects)


async def test_a_watch_that_the_server_ends_goes_on(api: KubeApi, namespace: str) -> None:
    timing = Timing(watch_seconds=(1, 1), backoff=QUICK.backoff)
    async with following(api, CONFIG_MAP, namespace, timing=timing) as followed:
        for turn in range(30):
            await api.apply(CONFIG_MAP, namespace, "a", config_map("a", turn=str(turn)))
            await asyncio.sleep(0.1)
        await followed.until_same(api)
        assert followed.synced == [True]


@pytest.mark.rule("17")
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_no_change_is_lost_when_connections_are_cut_anywhere(
    api: KubeApi, shaky_api: KubeApi, proxy: TcpProxy, namespace: str, seed: int
) -> None:
    """Also in the handshake, in a list and in the middle of a line of the watch."""
    chance = random.Random(seed)  # noqa: S311 - the same each time
    proxy.budget = lambda: chance.choice([None, chance.randrange(1, 40_000)])
    async with following(shaky_api, CONFIG_MAP, namespace, wait=False) as followed:
        for turn in range(ROUNDS):
            await change_something(api, namespace, chance, turn)
            if chance.random() < 0.1:
                proxy.cut()
        await followed.until(lambda: followed.informer.is_synced)
        await followed.until_same(api)
        assert proxy.cuts > 5
        assert followed.synced == [True]


async def test_a_dead_connection_is_noticed_by_its_silence(
    api: KubeApi, shaky_api: KubeApi, proxy: TcpProxy, namespace: str
) -> None:
    """It stays open and nothing comes through: what happens meanwhile is found by a new list."""
    timing = Timing(watch_seconds=(300, 300), inactivity_seconds=1.0, backoff=QUICK.backoff)
    async with following(shaky_api, CONFIG_MAP, namespace, timing=timing) as followed:
        await api.create(CONFIG_MAP, namespace, config_map("before"))
        await followed.until_same(api)
        proxy.hold()
        await api.delete(CONFIG_MAP, namespace, "before")
        await api.create(CONFIG_MAP, namespace, config_map("meanwhile"))
        connections = proxy.connections
        await followed.until(lambda: proxy.connections > connections)
        assert ("before" in {name for _, name in followed.objects}) is followed.informer.is_synced
        proxy.release()
        await followed.until_same(api)
        assert followed.synced == [True]


async def test_a_version_that_is_no_longer_kept_means_a_new_list(
    own_control_plane: ControlPlane, tmp_path: Path
) -> None:
    """A restarted API server keeps no history: 410. What was missed is told, deletions too."""
    plane = own_control_plane
    async with (
        KubeApi.connect(str(plane.kubeconfig)) as api,
        proxy_to(plane.access.server) as proxy,
        KubeApi.connect(str(proxy.kubeconfig(plane.kubeconfig, tmp_path))) as shaky,
    ):
        for name in ("goes", "changes", "stays"):
            await api.create(CONFIG_MAP, "default", config_map(name))
        async with following(shaky, CONFIG_MAP, "default") as followed:
            [version] = {followed.informer._version}
            await proxy.refuse()
            await api.delete(CONFIG_MAP, "default", "goes")
            await api.patch(CONFIG_MAP, "default", "changes", {"data": {"x": "1"}})
            await api.create(CONFIG_MAP, "default", config_map("comes"))
            plane.api_server.kill()
            plane.api_server.start()
            await asyncio.to_thread(plane.wait_ready)
            assert await error_of_watch(api, version or "") == 410
            told = len(followed.told)
            await proxy.start()
            await followed.until_same(api)
            news = {(seen.key[1], seen.after is None) for seen in followed.told[told:]}
            assert news >= {("goes", True), ("changes", False), ("comes", False)}
            assert ("stays", False) not in news
            assert followed.synced == [True]


async def error_of_watch(api: KubeApi, version: str) -> int:
    """The code that a watch from this version ends with, by its status or by its first line."""
    lines = api.watch_lines(
        CONFIG_MAP,
        "default",
        resource_version=version,
        timeout_seconds=5,
        inactivity_seconds=10,
    )
    try:
        async for batch in lines:
            return 410 if b'"code":410' in batch[0] else 0
    except ApiError as problem:
        return problem.status
    return 0


@pytest.mark.rule("17")
async def test_a_frozen_api_server_takes_nothing_away(own_control_plane: ControlPlane) -> None:
    """SIGSTOP: connections stay open. The cache is what it was, and follows on after SIGCONT."""
    timing = Timing(watch_seconds=(300, 300), inactivity_seconds=1.0, backoff=QUICK.backoff)
    plane = own_control_plane
    async with (
        KubeApi.connect(str(plane.kubeconfig), request_seconds=1.0) as hasty,
        KubeApi.connect(str(plane.kubeconfig)) as api,
    ):
        await api.create(CONFIG_MAP, "default", config_map("a"))
        async with following(hasty, CONFIG_MAP, "default", timing=timing) as followed:
            before = followed.versions()
            plane.api_server.freeze()
            for _ in range(2):
                with pytest.raises(ApiError, match="no answer"):
                    await hasty.get(CONFIG_MAP, "default", "a")
            assert followed.versions() == before
            plane.api_server.thaw()
            await eventually_patched(api, "a")
            await followed.until_same(api)
            assert followed.synced == [True]


@pytest.mark.rule("17")
async def test_a_failing_store_takes_nothing_away(own_control_plane: ControlPlane) -> None:
    """etcd is gone: the API server answers 500s and 503s, or nothing."""
    plane = own_control_plane
    async with KubeApi.connect(str(plane.kubeconfig), request_seconds=1.0) as api:
        await api.create(CONFIG_MAP, "default", config_map("a"))
        timing = Timing(watch_seconds=(1, 1), inactivity_seconds=1.0, backoff=QUICK.backoff)
        async with following(api, CONFIG_MAP, "default", timing=timing) as followed:
            before = followed.versions()
            plane.etcd.kill()
            for _ in range(3):
                with suppress(ApiError):
                    await api.create(CONFIG_MAP, "default", config_map("b"))
                await asyncio.sleep(0.5)
            assert followed.versions() == before
            plane.etcd.start()
            await eventually_patched(api, "a")
            await followed.until_same(api)
            assert followed.synced == [True]


async def eventually_patched(api: KubeApi, name: str) -> None:
    """The server works again."""

    async def patched() -> bool:
        try:
            await api.patch(CONFIG_MAP, "default", name, {"data": {"x": secrets.token_hex(4)}})
        except ApiError:
            return False
        return True

    await eventually(patched)


@pytest.mark.rule("17")
async def test_lost_rights_are_no_deletions(
    api: KubeApi, control_plane: Cluster, namespace: str
) -> None:
    """403 on the next watch: not synced, with everything still in the cache."""
    user = f"reader-of-{namespace}"
    control_plane.kubectl(
        "create", "role", user, "-n", namespace, "--verb=list,watch", "--resource=configmaps"
    )
    binding = ("rolebinding", user, "-n", namespace)
    control_plane.kubectl("create", *binding, f"--role={user}", f"--user={user}")
    await api.create(CONFIG_MAP, namespace, config_map("a"))
    timing = Timing(watch_seconds=(1, 1), backoff=QUICK.backoff)
    async with (
        KubeApi.connect(str(control_plane.kubeconfig_for(user))) as reader,
        following(reader, CONFIG_MAP, namespace, timing=timing) as followed,
    ):
        before = followed.versions()
        control_plane.kubectl("delete", *binding)
        await followed.until(lambda: not followed.informer.is_synced)
        assert followed.versions() == before
        assert "forbidden" in followed.informer.why_not_synced
        await api.delete(CONFIG_MAP, namespace, "a")
        control_plane.kubectl("create", *binding, f"--role={user}", f"--user={user}")
        await followed.until(lambda: followed.informer.is_synced)
        await followed.until_same(api)
        assert followed.synced == [True, False, True]


@asynccontextmanager
async def things(api: KubeApi, namespace: str) -> AsyncIterator[Kind]:
    """A kind of the test's own, which it may delete, with three objects of it."""
    kind = Kind(f"{namespace}.example", "v1", "things", "Thing")
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    definition = {
        "apiVersion": CUSTOM_RESOURCE_DEFINITION.api_version,
        "kind": CUSTOM_RESOURCE_DEFINITION.name,
        "metadata": {"name": kind.qualified},
        "spec": {
            "group": kind.group,
            "names": {"kind": kind.name, "plural": kind.plural, "singular": "thing"},
            "scope": "Namespaced",
            "versions": [version],
        },
    }

    async def served() -> bool:
        try:
            await api.list(kind, namespace)
        except ApiError:
            return False
        return True

    await api.create(CUSTOM_RESOURCE_DEFINITION, None, definition)
    await eventually(served)
    for name in ("one", "two", "three"):
        await api.apply(kind, namespace, name, {"spec": {}})
    yield kind
    with suppress(ApiError):
        await api.delete(CUSTOM_RESOURCE_DEFINITION, None, kind.qualified)


@pytest.mark.rule("17")
async def test_a_definition_that_goes_away_deletes_nothing(api: KubeApi, namespace: str) -> None:
    """The server first reports every object as deleted, then answers 404: neither is news."""
    async with things(api, namespace) as kind:
        guard = deletions_count_while_defined(api, kind)
        async with (
            following(api, kind, namespace) as naive,
            following(api, kind, namespace, deletions_count=guard) as followed,
        ):
            before = followed.versions()
            assert len(before) == 3
            await api.delete(CUSTOM_RESOURCE_DEFINITION, None, kind.qualified)
            await naive.until(lambda: not naive.objects)
            await followed.until(lambda: not followed.informer.is_synced)
            assert followed.versions() == before
            assert followed.synced == [True, False]


@pytest.mark.rule("17")
async def test_a_finalizer_is_told_of_while_its_definition_ends(
    api: KubeApi, namespace: str
) -> None:
    """Else nobody would take it off, and the definition would never go."""
    async with things(api, namespace) as kind:
        held = {"metadata": {"finalizers": ["tests.example/hold"]}}
        await api.patch(kind, namespace, "one", held)
        guard = deletions_count_while_defined(api, kind)
        async with following(api, kind, namespace, deletions_count=guard) as followed:
            await api.delete(CUSTOM_RESOURCE_DEFINITION, None, kind.qualified)
            await followed.until(
                lambda: (
                    "deletionTimestamp" in followed.objects[namespace, "one"]["metadata"]
                    and not followed.informer.is_synced
                )
            )
            assert len(followed.versions()) == 3
            await api.patch(kind, namespace, "one", {"metadata": {"finalizers": None}})


@pytest.mark.rule("17")
async def test_a_deletion_counts_while_the_definition_is_there(
    api: KubeApi, namespace: str
) -> None:
    async with things(api, namespace) as kind:
        guard = deletions_count_while_defined(api, kind)
        async with following(api, kind, namespace, deletions_count=guard) as followed:
            await api.delete(kind, namespace, "one")
            await followed.until(lambda: len(followed.objects) == 2)
            assert followed.synced == [True]


async def test_a_kind_that_is_not_there_yet_is_waited_for(api: KubeApi, namespace: str) -> None:
    kind = Kind(f"{namespace}.example", "v1", "things", "Thing")
    timing = Timing(backoff=lambda: Backoff(first=0.02, longest=0.1))
    async with following(api, kind, namespace, timing=timing, wait=False) as followed:
        await followed.until(lambda: "404" in followed.informer.why_not_synced)
        assert not followed.informer.is_synced
        async with things(api, namespace):
            await followed.until(lambda: len(followed.objects) == 3)
            assert followed.synced == [True]


async def test_a_status_is_fenced_by_a_version_and_not_by_a_uid(
    api: KubeApi, namespace: str
) -> None:
    """The server compares the uid of a Deployment, and ignores that of a custom resource."""
    async with things(api, namespace) as kind:
        found = (await api.get(kind, namespace, "one"))["metadata"]
        mine = {"metadata": {"uid": found["uid"]}, "status": {"phase": "x"}}
        await api.patch_status(kind, namespace, "one", mine)
        await api.patch_status(kind, namespace, "two", mine)
        old = {
            "metadata": {"resourceVersion": found["resourceVersion"]},
            "status": {"phase": "y"},
        }
        with pytest.raises(ApiError) as refused:
            await api.patch_status(kind, namespace, "one", old)
        assert refused.value.is_conflict
        with pytest.raises(ApiError) as refused:
            await api.patch_status(kind, namespace, "four", {"status": {"phase": "x"}})
        assert refused.value.is_not_found


async def test_what_lives_in_no_namespace_is_followed(api: KubeApi, namespace: str) -> None:
    async with following(api, NAMESPACE) as followed:
        assert ("", namespace) in followed.objects
        await api.patch(NAMESPACE, None, namespace, {"metadata": {"labels": {"seen": "yes"}}})
        await followed.until(
            lambda: followed.objects["", namespace]["metadata"]["labels"].get("seen") == "yes"
        )

"""Requests to a real API server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from controller.kube import api as api_module
from controller.kube.api import KubeApi
from controller.kube.connection import NoCluster
from controller.kube.errors import ApiError
from controller.kube.kinds import CONFIG_MAP, DEPLOYMENT, NAMESPACE, SECRET, JsonObject, Kind
from controller.kube.lease import NotLeader
from tests.kubernetes.tcp_proxy import TcpProxy
from tests.kubernetes_harness.access import Cluster


def config_map(name: str, **data: str) -> JsonObject:
    return {"metadata": {"name": name}, "data": data}


def deployment(replicas: int | None) -> JsonObject:
    labels = {"app": "web"}
    spec: JsonObject = {
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "web", "image": "web"}]},
        },
    }
    return {"spec": spec if replicas is None else {**spec, "replicas": replicas}}


async def test_an_object_is_made_read_patched_put_and_deleted(api: KubeApi, namespace: str) -> None:
    made = await api.create(CONFIG_MAP, namespace, config_map("a", x="1"))
    await api.patch(CONFIG_MAP, namespace, "a", {"data": {"y": "2"}})
    await api.patch(
        CONFIG_MAP, namespace, "a", [{"op": "replace", "path": "/data/x", "value": "3"}]
    )
    found = await api.get(CONFIG_MAP, namespace, "a")
    assert found["data"] == {"x": "3", "y": "2"}
    assert found["metadata"]["uid"] == made["metadata"]["uid"]
    put = await api.replace(CONFIG_MAP, namespace, "a", {**found, "data": {"z": "4"}})
    assert put["data"] == {"z": "4"}
    await api.delete(CONFIG_MAP, namespace, "a")
    with pytest.raises(ApiError) as gone:
        await api.get(CONFIG_MAP, namespace, "a")
    assert gone.value.is_not_found


async def test_what_is_there_is_not_made_again(api: KubeApi, namespace: str) -> None:
    await api.create(CONFIG_MAP, namespace, config_map("a"))
    with pytest.raises(ApiError) as refused:
        await api.create(CONFIG_MAP, namespace, config_map("a"))
    assert refused.value.is_conflict
    assert refused.value.reason == "AlreadyExists"


async def test_a_version_that_someone_changed_is_not_overwritten(
    api: KubeApi, namespace: str
) -> None:
    made = await api.create(CONFIG_MAP, namespace, config_map("a"))
    await api.patch(CONFIG_MAP, namespace, "a", {"data": {"theirs": "1"}})
    with pytest.raises(ApiError) as refused:
        await api.replace(CONFIG_MAP, namespace, "a", {**made, "data": {"ours": "1"}})
    assert refused.value.is_conflict
    assert refused.value.reason == "Conflict"


async def test_only_that_very_object_is_deleted(api: KubeApi, namespace: str) -> None:
    """Its successor of the same name is somebody else's."""
    made = await api.create(CONFIG_MAP, namespace, config_map("a"))
    await api.delete(CONFIG_MAP, namespace, "a", uid=made["metadata"]["uid"])
    await api.create(CONFIG_MAP, namespace, config_map("a"))
    with pytest.raises(ApiError) as refused:
        await api.delete(CONFIG_MAP, namespace, "a", uid=made["metadata"]["uid"])
    assert refused.value.is_conflict
    await api.get(CONFIG_MAP, namespace, "a")


async def test_what_is_applied_is_made_taken_over_and_given_up(
    api: KubeApi, namespace: str
) -> None:
    """A field that someone changed is ours again; one that we leave out goes."""
    await api.apply(DEPLOYMENT, namespace, "web", deployment(replicas=3))
    await api.patch(
        DEPLOYMENT, namespace, "web", {"spec": {"replicas": 0}}, field_manager="someone"
    )
    with pytest.raises(ApiError) as refused:
        await api.apply(DEPLOYMENT, namespace, "web", deployment(replicas=3), force=False)
    assert refused.value.is_conflict
    forced = await api.apply(DEPLOYMENT, namespace, "web", deployment(replicas=3))
    assert forced["spec"]["replicas"] == 3
    left_out = await api.apply(DEPLOYMENT, namespace, "web", deployment(replicas=None))
    assert left_out["spec"]["replicas"] == 1


async def test_applying_the_same_again_writes_nothing(api: KubeApi, namespace: str) -> None:
    body = config_map("a", x="1")
    first = await api.apply(CONFIG_MAP, namespace, "a", body)
    second = await api.apply(CONFIG_MAP, namespace, "a", body)
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


async def test_a_status_is_written_and_makes_no_object(api: KubeApi, namespace: str) -> None:
    status = {"status": {"replicas": 7, "conditions": []}}
    with pytest.raises(ApiError) as refused:
        await api.patch_status(DEPLOYMENT, namespace, "web", status)
    assert refused.value.is_not_found
    made = await api.apply(DEPLOYMENT, namespace, "web", deployment(replicas=0))
    assert (await api.patch_status(DEPLOYMENT, namespace, "web", status))["status"]["replicas"] == 7
    old = {**status, "metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}}
    with pytest.raises(ApiError) as refused:
        await api.patch_status(DEPLOYMENT, namespace, "web", old)
    assert refused.value.is_conflict


async def test_a_list_by_pages_has_each_object_once(
    api: KubeApi, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_module, "PAGE", 3)
    names = [f"page-{number:02}" for number in range(11)]
    for name in names:
        await api.create(CONFIG_MAP, namespace, config_map(name))
    found, version = await api.list(
        CONFIG_MAP, namespace, field_selector="metadata.name!=kube-root-ca.crt"
    )
    assert [item["metadata"]["name"] for item in found] == names
    assert int(version) >= max(int(item["metadata"]["resourceVersion"]) for item in found)


async def test_a_list_of_nothing_is_empty_and_of_no_kind_is_an_error(
    api: KubeApi, namespace: str
) -> None:
    found, version = await api.list(SECRET, namespace, label_selector="there=is-none")
    assert found == []
    assert version
    with pytest.raises(ApiError) as unknown:
        await api.list(Kind("nobody.example", "v1", "things", "Thing"), namespace)
    assert unknown.value.says_nothing_of_objects


async def test_who_has_no_rights_is_told_so(control_plane: Cluster, namespace: str) -> None:
    kubeconfig = control_plane.kubeconfig_for("nobody-in-particular")
    async with KubeApi.connect(str(kubeconfig)) as nobody:
        with pytest.raises(ApiError) as refused:
            await nobody.list(SECRET, namespace)
    assert refused.value.is_forbidden
    said = 'User "nobody-in-particular" cannot list resource "secrets"'
    assert said in str(refused.value)  # who may not, and nothing of what is in it


async def test_a_request_without_an_answer_ends(shaky_api: KubeApi, proxy: TcpProxy) -> None:
    proxy.hold()
    with pytest.raises(ApiError) as silent:
        await shaky_api.get(NAMESPACE, None, "default")
    assert silent.value.reason == "Timeout"
    proxy.release()
    await proxy.refuse()
    with pytest.raises(ApiError) as refused:
        await shaky_api.get(NAMESPACE, None, "default")
    assert refused.value.reason == "Unreachable"
    await proxy.start()
    await shaky_api.get(NAMESPACE, None, "default")


async def test_who_may_not_write_sends_nothing(api: KubeApi, namespace: str) -> None:
    def not_leader() -> float:
        raise NotLeader

    guarded = api.writing_while(not_leader)
    await guarded.get(NAMESPACE, None, namespace)
    with pytest.raises(NotLeader):
        await guarded.apply(CONFIG_MAP, namespace, "a", config_map("a"))
    with pytest.raises(NotLeader):
        await guarded.delete(CONFIG_MAP, namespace, "a")
    found, _ = await api.list(CONFIG_MAP, namespace, field_selector="metadata.name=a")
    assert found == []


@pytest.mark.rule("17")
async def test_a_write_ends_with_the_time_in_which_one_may_write_and_does_not_arrive_later(
    shaky_api: KubeApi, api: KubeApi, proxy: TcpProxy, namespace: str
) -> None:
    """It was sent already: giving up resets the connection. One with more time still waits."""
    await asyncio.gather(*(shaky_api.get(NAMESPACE, None, "default") for _ in range(2)))
    proxy.hold()
    plain = asyncio.create_task(shaky_api.create(CONFIG_MAP, namespace, config_map("a")))
    short = shaky_api.writing_while(lambda: 0.3)
    with pytest.raises(ApiError, match="no answer"):
        await short.create(CONFIG_MAP, namespace, config_map("b"))
    assert not plain.done()
    await asyncio.sleep(0.2)  # the reset needs a moment to come to the proxy
    proxy.release()
    await plain
    assert proxy.resets == 1
    found, _ = await api.list(CONFIG_MAP, namespace, field_selector="metadata.name=b")
    assert found == []


async def test_an_error_shows_neither_token_nor_key(tmp_path: Path, control_plane: Cluster) -> None:
    """Nor does the repr of what holds them."""
    async with KubeApi.connect(str(control_plane.kubeconfig)) as api:
        shown = repr(api)
    assert "api_key" not in shown
    assert "Configuration" not in shown


async def test_a_kubeconfig_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoCluster, match="nowhere"):
        async with KubeApi.connect(str(tmp_path / "nowhere")):
            pass

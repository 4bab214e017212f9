"""`postgregent status --kubernetes`: what statuses in a cluster say, with the caller's rights."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from controller.kube.api import KubeApi
from controller.kube.kinds import REGENT, ROLE
from controller.status.patch import RegentNews, status_of, status_of_regent
from shared.http import DetectorBody, StatusBody
from shared.keys import ResourceKey
from shared.outcomes import Outcome
from tests.command import Ended, postgregent
from tests.kubernetes_harness.access import Cluster
from tests.unit.cluster.objects import REGENT_SPEC

API_VERSION = REGENT.api_version


async def status(cluster: Cluster, *arguments: str, kubeconfig: Path | None = None) -> Ended:
    access = str(kubeconfig or cluster.kubeconfig)
    return await postgregent("status", "--kubernetes", "--kubeconfig", access, *arguments)


def manifest(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


async def says(api: KubeApi, namespace: str, at: datetime, outcome: Outcome) -> None:
    """What a controller writes of the Regent and its Role; nothing runs here that would."""
    key = ResourceKey("Regent", namespace, "my-regent")
    body = StatusBody(
        sequence=1,
        looked=True,
        detector=DetectorBody(mode="Triggers", healthy=True),
        accepted_revision=1,
        applied_revision=1,
        last_pass_time=at,
    )
    found = await api.get(REGENT, namespace, "my-regent")
    written = status_of_regent(found, key, RegentNews(status=body, drift=0), None, at)
    await api.patch_status(REGENT, namespace, "my-regent", {"status": written})
    role = {**await api.get(ROLE, namespace, "viewer"), "kind": "Role"}
    of_role = status_of(role, None, {key: outcome}, at)
    await api.patch_status(ROLE, namespace, "viewer", {"status": of_role})


async def test_a_cluster_says_what_is_ready_to_whom_it_lets_read(
    crds: Cluster, api: KubeApi, namespace: str
) -> None:
    """What nobody has looked at, and what nobody writes any more, is not known."""
    place = ("-n", namespace)
    ended = await status(crds, *place)
    assert (ended.status, "There is no Regent in" in ended.out) == (3, True), ended.err
    crds.apply(
        manifest("Regent", "my-regent", REGENT_SPEC),
        manifest("Role", "viewer", {"database": "mydb"}),
        namespace=namespace,
    )
    ended = await status(crds, *place, "-o", "json")
    assert (ended.status, ended.data()["state"]) == (1, "Unknown")
    now = datetime.now(UTC)
    name = f"Role/{namespace}/viewer"
    ready = Outcome(
        resource=name, generation=1, state="Ready", reason="Applied", message="As declared."
    )
    await says(api, namespace, now, ready)
    ended = await status(crds, *place)
    assert ended.status == 0, ended.out + ended.err
    assert f"✓ Regent/{namespace}/my-regent Ready" in ended.out
    assert "✓ Ready: 1 Role" in ended.out
    stalled = ready.model_copy(update={"state": "Stalled", "reason": "BrakePulled"})
    await says(api, namespace, now, stalled)
    ended = await status(crds, *place)
    assert (ended.status, f"✗ {name} Ready BrakePulled: As declared." in ended.out) == (3, True)
    await says(api, namespace, now - timedelta(hours=1), ready)
    ended = await status(crds, *place)
    assert (ended.status, "the Regent or the controller does not run" in ended.out) == (1, True)
    ended = await status(crds, *place, kubeconfig=crds.kubeconfig_for("stranger"))
    assert (ended.status, "The cluster does not let you" in ended.err) == (1, True), ended.err

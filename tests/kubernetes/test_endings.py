"""What is let go is let go once, also while the caches do not know of it yet."""

from __future__ import annotations

import pytest

from controller.kube.api import KubeApi
from controller.kube.events import EventRecorder
from controller.kube.kinds import EVENT, REGENT
from controller.lifecycle.endings import Endings
from controller.lifecycle.finalizer_patches import FinalizerPatches
from controller.lifecycle.finalizers import FINALIZER
from controller.lifecycle.last_words import LastWords
from controller.lifecycle.teardown import Teardown
from controller.lifecycle.untold import Untold
from controller.observe.caches import Caches
from controller.observe.reader import Reader
from controller.regents.fleet import Fleet
from controller.workloads.apply import Plants
from controller.workloads.manifests import Plant
from shared.resources import API_VERSION
from tests.kubernetes.controlled import IMAGE
from tests.kubernetes_harness.access import Cluster
from tests.unit.cluster.objects import REGENT_SPEC

KINDS = frozenset({"Permission", "Role", "User", "Regent"})


def endings_of(api: KubeApi, namespace: str, recorder: EventRecorder) -> Endings:
    """With nothing running, and nothing known but what a test says."""
    plant, fleet = Plant(namespace, IMAGE), Fleet(lambda *_: None)
    caches = Caches(
        api,
        own_namespace=namespace,
        namespaces=(namespace,),
        wake=lambda: None,
        deleted=lambda: None,
        status_changed=lambda _: None,
    )
    patches, plants = FinalizerPatches(api), Plants(api, caches, plant)
    untold = Untold(api, namespace, fleet)
    return Endings(
        patches,
        fleet,
        untold,
        Teardown(patches, fleet, plants, untold),
        LastWords(api, recorder, plant, "postgregent-controller"),
    )


@pytest.mark.rule("28")
async def test_a_regent_that_was_let_go_is_not_told_of_again(
    crds: Cluster, api: KubeApi, namespace: str
) -> None:
    """Its end is heard of after the next look, which sees it with its finalizer still."""
    del crds
    body = {
        "apiVersion": API_VERSION,
        "kind": "Regent",
        "metadata": {"name": "my-regent", "finalizers": [FINALIZER]},
        "spec": REGENT_SPEC,
    }
    await api.create(REGENT, namespace, body)
    await api.patch_status(REGENT, namespace, "my-regent", {"status": {"acceptedRevision": 1}})
    await api.delete(REGENT, namespace, "my-regent")
    held = await api.get(REGENT, namespace, "my-regent")
    declared = Reader().read([("Regent", held)])
    recorder = EventRecorder(api, instance="test")
    endings = endings_of(api, namespace, recorder)

    assert await endings.go_on(declared, KINDS, frozenset())
    found, _ = await api.list(REGENT, namespace)
    assert found == []
    assert not await endings.go_on(declared, KINDS, frozenset())

    await recorder.flush(30)
    events, _ = await api.list(EVENT, namespace)
    assert [(event["reason"], event.get("series")) for event in events] == [("LeftInstalled", None)]

"""What runs a Regent is exactly ours, and is known to be ours by more than a label."""

from __future__ import annotations

import base64
import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from controller.kube.api import KubeApi
from controller.kube.kinds import (
    DEPLOYMENT,
    NETWORK_POLICY,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    WORKLOAD_KINDS,
    JsonObject,
)
from controller.names import workload_name
from controller.observe.caches import Caches
from controller.pki.authorities import CONTROLLER_CA, REGENTS_CA, Authorities
from controller.pki.certificates import Authority
from controller.workloads.admins import Admin
from controller.workloads.apply import NameTaken, Plants
from controller.workloads.manifests import RESTARTED_AT, Plant
from shared.resources import Regent
from tests.kubernetes.controlled import IMAGE
from tests.unit.cluster.objects import regent
from tests.unit.workloads.test_clouds import IDENTITIES, by_token

pytestmark = pytest.mark.found("C30")
NOW = datetime.now(UTC)
AUTHORITIES = Authorities(Authority.create(CONTROLLER_CA, NOW), Authority.create(REGENTS_CA, NOW))
ONE = regent()
NAME = workload_name(ONE.key)
SPY: JsonObject = {
    "name": "spy",
    "image": "spy",
    "command": ["cat", "/stolen/admin-password"],
    "volumeMounts": [{"name": "settings", "mountPath": "/stolen"}],
}


def plants(api: KubeApi, namespace: str) -> Plants:
    """Of a leader that has just begun: it remembers nothing, and has heard of nothing."""
    caches = Caches(
        api,
        own_namespace=namespace,
        namespaces=(namespace,),
        wake=lambda: None,
        deleted=lambda: None,
        status_changed=lambda _: None,
    )
    return Plants(api, caches, Plant(namespace, IMAGE))


async def made(api: KubeApi, namespace: str, one: Regent = ONE) -> None:
    admin = Admin(b"not shown to anybody")
    assert await plants(api, namespace).ensure(one, admin, AUTHORITIES, NOW)


async def pod_of(api: KubeApi, namespace: str) -> dict[str, Any]:
    template: dict[str, Any] = (await api.get(DEPLOYMENT, namespace, NAME))["spec"]["template"]
    return template


async def test_what_others_add_to_the_workload_with_the_password_goes(
    api: KubeApi, namespace: str
) -> None:
    """By server-side apply it would stay: a container that reads the password, among others."""
    await made(api, namespace)
    before = await pod_of(api, namespace)
    added = {
        "metadata": {"annotations": {RESTARTED_AT: "now", "inject": "true"}},
        "spec": {
            "hostNetwork": True,
            "shareProcessNamespace": True,
            "initContainers": [SPY | {"name": "first"}],
            "containers": [
                SPY,
                {
                    **before["spec"]["containers"][0],
                    "env": [{"name": "PYTHONPATH", "value": "/stolen"}],
                    "lifecycle": {"postStart": {"exec": {"command": ["cat"]}}},
                },
            ],
            "volumes": [*before["spec"]["volumes"], {"name": "more", "emptyDir": {}}],
        },
    }
    patch = {"spec": {"template": added}}
    await api.patch(DEPLOYMENT, namespace, NAME, patch, field_manager="somebody")
    assert (await pod_of(api, namespace))["spec"] != before["spec"]

    await made(api, namespace)

    expected = copy.deepcopy(before)
    expected["metadata"]["annotations"][RESTARTED_AT] = "now"
    assert await pod_of(api, namespace) == expected, "a restart that somebody asked for stays"
    settled = await api.get(DEPLOYMENT, namespace, NAME)
    await made(api, namespace)
    again = await api.get(DEPLOYMENT, namespace, NAME)
    assert again["metadata"]["generation"] == settled["metadata"]["generation"], "no rollout"


async def test_a_label_that_somebody_removes_is_put_back(api: KubeApi, namespace: str) -> None:
    await made(api, namespace)
    for kind in WORKLOAD_KINDS:
        await api.patch(kind, namespace, NAME, {"metadata": {"labels": None}})
    await made(api, namespace)
    for kind in WORKLOAD_KINDS:
        labels = (await api.get(kind, namespace, NAME))["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "postgregent"


async def test_what_somebody_made_first_stays_theirs(api: KubeApi, namespace: str) -> None:
    """Also with a certificate of ours beside it, which everybody who connects is shown."""
    spec = {"selector": {"their": "pod"}, "ports": [{"port": 8443}]}
    theirs = {"metadata": {"name": NAME}, "spec": spec}
    await api.create(SERVICE, namespace, theirs)
    pair = AUTHORITIES.regents.issue("server", (f"{NAME}.{namespace}.svc",), NAME, NOW)
    other = AUTHORITIES.controller.issue("server", (f"{NAME}.{namespace}.svc",), NAME, NOW)
    shown = {
        "tls.crt": base64.b64encode(pair.certificate).decode(),
        "tls.key": base64.b64encode(other.key).decode(),
    }
    await api.create(SECRET, namespace, {"metadata": {"name": NAME}, "data": shown})
    with pytest.raises(NameTaken, match=r"Secret .* is not PostgRegent"):
        await made(api, namespace)
    await api.delete(SECRET, namespace, NAME)
    with pytest.raises(NameTaken, match=r"Service .* is not PostgRegent"):
        await made(api, namespace)
    assert (await api.get(SERVICE, namespace, NAME))["spec"]["selector"] == {"their": "pod"}


@pytest.mark.found("E350")
@pytest.mark.parametrize("provider", IDENTITIES)
async def test_who_logs_in_by_a_token_keeps_no_password_and_stands_for_an_identity(
    api: KubeApi, namespace: str, provider: str
) -> None:
    await made(api, namespace)

    async def made_by_token(one: Regent) -> dict[str, str]:
        assert await plants(api, namespace).ensure(one, Admin(), AUTHORITIES, NOW)
        account = await api.get(SERVICE_ACCOUNT, namespace, NAME)
        return dict(account["metadata"].get("annotations") or {})

    asked = await made_by_token(by_token(provider, identity=IDENTITIES[provider]))
    assert list(asked.values()) == [IDENTITIES[provider]]
    assert "admin-password" not in (await api.get(SECRET, namespace, NAME))["data"]
    variables = (await pod_of(api, namespace))["spec"]["containers"][0].get("env", [])
    assert len(variables) == (provider != "GCP")
    egress = (await api.get(NETWORK_POLICY, namespace, NAME))["spec"]["egress"]
    assert len(egress) > 2
    assert await made_by_token(by_token(provider)) == {}

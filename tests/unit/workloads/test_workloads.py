"""What runs a Regent."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from controller.kube.kinds import WORKLOAD_KINDS
from controller.names import workload_name
from controller.pki.certificates import Pair
from controller.workloads.apply import is_of_another
from controller.workloads.manifests import Material, Plant, manifests, server_names, settings_of
from regent.settings import RegentSettings
from shared.keys import ResourceKey
from shared.resources import Regent
from tests.unit.cluster.objects import regent

pytestmark = pytest.mark.rule("28")
PLANT = Plant("postgregent", "example.org/regent@sha256:abc")
MATERIAL = Material(b"a-password", Pair(b"cert", b"a-key"), b"client-ca")


def made(one: Regent) -> dict[str, dict[str, Any]]:
    return {found.kind.name: found.body for found in manifests(one, PLANT, MATERIAL)}


def test_there_is_one_of_each_kind_bound_by_labels_and_owned_by_nobody() -> None:
    bodies = manifests(regent(), PLANT, MATERIAL)
    assert tuple(found.kind for found in bodies) == WORKLOAD_KINDS
    for found in bodies:
        metadata = found.body["metadata"]
        assert metadata["namespace"] == "postgregent"
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "postgregent"
        assert metadata["labels"]["putnam120.postgregent/regent-name"] == "my-regent"
        assert "ownerReferences" not in metadata


def test_names_are_labels_of_dns_and_no_two_regents_share_one() -> None:
    keys = [
        ResourceKey("Regent", namespace, name)
        for namespace, name in [
            ("a", "b"),
            ("a-b", "b"),
            ("a", "x" * 200),
            ("a", "1.b"),
            ("b", "b"),
        ]
    ]
    names = [workload_name(key) for key in keys]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 63 and "." not in name and name[0].isalpha() for name in names)
    assert server_names(keys[0], PLANT)[0] == f"{names[0]}.postgregent.svc"


def test_the_pod_is_restricted_and_has_no_token() -> None:
    pod = made(regent())["Deployment"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "env" not in container
    assert made(regent())["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}


def test_of_the_deployment_only_what_is_no_code_is_taken() -> None:
    wishes = {
        "resources": {"limits": {"cpu": 1, "memory": "1Gi"}},
        "nodeSelector": {"disk": "fast"},
        "labels": {"team": "a", "app.kubernetes.io/component": "controller"},
        "priorityClassName": "high",
        "imagePullSecrets": [{"name": "pull"}],
    }
    template = made(regent(deployment=wishes))["Deployment"]["spec"]["template"]
    pod = template["spec"]
    assert pod["nodeSelector"] == {"disk": "fast"}
    assert pod["priorityClassName"] == "high"
    assert pod["imagePullSecrets"] == [{"name": "pull"}]
    assert pod["containers"][0]["resources"] == {"limits": {"cpu": "1", "memory": "1Gi"}}
    assert template["metadata"]["labels"]["team"] == "a"
    assert template["metadata"]["labels"]["app.kubernetes.io/component"] == "regent"


def test_settings_are_as_the_regent_reads_them_and_hold_no_secret() -> None:
    one = regent(port=6543, additionalDatabases=["other"], tls={"mode": "verify-full"})
    written = settings_of(one, "a CA")
    settings = RegentSettings.model_validate_json(written)
    assert settings.server.port == 6543
    assert settings.server.ca_pem == "a CA"
    assert settings.databases == ("mydb", "other")
    assert settings.api.tls is not None
    secret = made(one)["Secret"]
    assert secret["type"] == "putnam120.postgregent/regent"
    values = {key: base64.b64decode(value) for key, value in secret["data"].items()}
    files = {value for key, value in json.loads(values["regent.json"])["api"]["tls"].items()}
    assert files | {"admin-password", "regent.json"} == set(values)
    assert b"a-password" not in values["regent.json"]
    assert "a-password" not in repr(MATERIAL)
    assert "a-key" not in repr(MATERIAL)


@pytest.mark.found("E291")
def test_a_certificate_is_mounted_in_the_place_of_a_password_and_its_key_is_no_setting() -> None:
    pair = Pair(b"the admin's certificate", b"the admin's key")
    declared = regent(setRole="dba").model_dump(mode="json", by_alias=True, exclude_none=True)
    del declared["spec"]["adminPasswordSecretRef"]
    declared["spec"]["clientCertificateSecretRef"] = {"name": "admin"}
    one = Regent.model_validate(declared)
    material = Material(None, MATERIAL.tls, MATERIAL.client_ca, certificate=pair)
    assert "the admin's key" not in repr(material)
    bodies = {found.kind.name: found.body for found in manifests(one, PLANT, material)}
    values = {key: base64.b64decode(v) for key, v in bodies["Secret"]["data"].items()}
    settings = RegentSettings.model_validate_json(values["regent.json"]).beside(Path("/mounted"))
    assert settings.server.client_key_file == Path("/mounted/admin.key")
    assert settings.server.client_certificate_file == Path("/mounted/admin.crt")
    assert settings.server.admin_password_file is None
    assert settings.server.set_role == "dba"
    assert "admin-password" not in values
    assert (values["admin.crt"], values["admin.key"]) == (pair.certificate, pair.key)
    assert is_of_another(values, regent())
    assert not is_of_another(values, one)


def test_only_other_settings_start_another_pod() -> None:
    def digest(one: Regent, material: Material) -> str:
        body = next(f.body for f in manifests(one, PLANT, material) if f.kind.name == "Deployment")
        annotations = body["spec"]["template"]["metadata"]["annotations"]
        return str(annotations["putnam120.postgregent/settings-digest"])

    other_password = Material(b"another", MATERIAL.tls, MATERIAL.client_ca)
    assert digest(regent(), MATERIAL) == digest(regent(), other_password)
    assert digest(regent(), MATERIAL) == digest(regent(enforcement="Observe"), MATERIAL)
    assert digest(regent(), MATERIAL) != digest(regent(port=6543), MATERIAL)


def test_the_network_lets_in_the_controller_alone_and_out_to_the_server() -> None:
    spec = made(regent(port=6543))["NetworkPolicy"]["spec"]
    api, health = spec["ingress"]
    assert api["ports"] == [{"protocol": "TCP", "port": 8443}]
    chosen = api["from"][0]["podSelector"]["matchLabels"]
    assert chosen["app.kubernetes.io/component"] == "controller"
    assert health == {"ports": [{"protocol": "TCP", "port": 8080}]}
    assert spec["egress"][1]["ports"] == [{"protocol": "TCP", "port": 6543}]
    assert made(regent())["Service"]["spec"]["publishNotReadyAddresses"] is True

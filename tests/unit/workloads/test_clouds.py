"""What a Regent that logs in by a cloud's token is given in a cluster, and what not."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from controller.pki.certificates import Pair
from controller.workloads.admins import Admin, admin_of
from controller.workloads.apply import is_of_another
from controller.workloads.manifests import Material, Plant, manifests
from regent.settings import RegentSettings
from shared.resources import Regent
from tests.unit.cluster.objects import regent

pytestmark = pytest.mark.found("E350")
PLANT = Plant("postgregent", "example.org/regent@sha256:abc")
MATERIAL = Material(None, Pair(b"cert", b"a-key"), b"client-ca")
IDENTITIES = {
    "AWS": "arn:aws:iam::123456789012:role/a/postgregent",
    "GCP": "postgregent@my-project.iam.gserviceaccount.com",
    "Azure": "11111111-2222-3333-4444-555555555555",
}
METADATA = "169.254.169.254/32"


def by_token(provider: str, **more: str) -> Regent:
    declared = regent().model_dump(mode="json", by_alias=True, exclude_none=True)
    del declared["spec"]["adminPasswordSecretRef"]
    declared["spec"]["authentication"] = {"provider": provider, **more}
    declared["spec"]["deployment"] = {"labels": {"azure.workload.identity/use": "no"}}
    return Regent.model_validate(declared)


def made(one: Regent) -> dict[str, dict[str, Any]]:
    return {found.kind.name: found.body for found in manifests(one, PLANT, MATERIAL)}


@pytest.mark.parametrize(
    ("provider", "annotation"),
    [
        ("AWS", "eks.amazonaws.com/role-arn"),
        ("GCP", "iam.gke.io/gcp-service-account"),
        ("Azure", "azure.workload.identity/client-id"),
    ],
)
def test_its_account_asks_for_the_identity_and_its_settings_for_a_token(
    provider: str, annotation: str
) -> None:
    one = by_token(provider, identity=IDENTITIES[provider])
    assert admin_of(one, {}) == Admin()
    bodies = made(one)
    account = bodies["ServiceAccount"]
    assert account["metadata"]["annotations"] == {annotation: IDENTITIES[provider]}
    assert account["automountServiceAccountToken"] is False
    assert "annotations" not in made(by_token(provider))["ServiceAccount"]["metadata"]
    values = {key: base64.b64decode(v) for key, v in bodies["Secret"]["data"].items()}
    assert set(values) == {"regent.json", "tls.crt", "tls.key", "client-ca.crt"}
    server = RegentSettings.model_validate_json(values["regent.json"]).server
    assert server.authentication == one.spec.authentication
    assert server.admin_password_file is None
    assert not is_of_another(values, one)
    assert is_of_another(values, regent())
    assert is_of_another(values, by_token(provider, identity="another"))


def test_the_identity_of_the_node_is_nobodys() -> None:
    """Whoever writes a Regent would have it. GKE has a metadata server before the node's own."""
    pods = {p: made(by_token(p))["Deployment"]["spec"]["template"] for p in IDENTITIES}
    env = {p: pod["spec"]["containers"][0].get("env") for p, pod in pods.items()}
    assert env == {
        "AWS": [{"name": "AWS_EC2_METADATA_DISABLED", "value": "true"}],
        "GCP": None,
        "Azure": [{"name": "AZURE_TOKEN_CREDENTIALS", "value": "WorkloadIdentityCredential"}],
    }
    assert pods["Azure"]["metadata"]["labels"]["azure.workload.identity/use"] == "true"
    for provider in IDENTITIES:
        egress = made(by_token(provider))["NetworkPolicy"]["spec"]["egress"]
        blocks = [to["ipBlock"]["cidr"] for rule in egress for to in rule.get("to", ())]
        assert (METADATA in blocks) == (provider == "GCP")
        anywhere = [port["port"] for rule in egress if "to" not in rule for port in rule["ports"]]
        assert (443 in anywhere) == (provider != "GCP")
        assert 80 not in anywhere

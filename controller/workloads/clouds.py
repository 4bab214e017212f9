"""What a Regent that logs in by a cloud's token is given in a cluster, to be somebody there. Pure.

The cloud says whose token a service account gets, by that account's name: an annotation only asks
for it. The identity of the node is not used: whoever writes a Regent would have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from controller.kube.kinds import JsonObject
from shared.resources.regent import Authentication


@dataclass(frozen=True, slots=True)
class Footing:
    """What is added to a Regent's objects."""

    of_account: Mapping[str, str] = field(default_factory=dict)
    """Annotations of its service account."""
    of_pod: Mapping[str, str] = field(default_factory=dict)
    """Labels of its pod."""
    variables: Mapping[str, str] = field(default_factory=dict)
    egress: Sequence[JsonObject] = ()
    """More rules of its NetworkPolicy, which knows addresses and no names."""


def footing_of(cloud: Authentication) -> Footing:
    """As EKS, GKE and AKS want it."""
    match cloud.provider:
        case "AWS":
            return Footing(
                _identity("eks.amazonaws.com/role-arn", cloud),
                variables={"AWS_EC2_METADATA_DISABLED": "true"},
                egress=(_HTTPS, _to("169.254.170.23/32", 80), _to("fd00:ec2::23/128", 80)),
            )
        case "GCP":
            return Footing(
                _identity("iam.gke.io/gcp-service-account", cloud),
                egress=(_to("169.254.169.252/32", 988), _to("169.254.169.254/32", 80)),
            )
        case "Azure":
            return Footing(
                _identity("azure.workload.identity/client-id", cloud),
                {"azure.workload.identity/use": "true"},
                {"AZURE_TOKEN_CREDENTIALS": "WorkloadIdentityCredential"},
                (_HTTPS,),
            )
        case _:
            assert_never(cloud.provider)


_HTTPS: JsonObject = {"ports": [{"protocol": "TCP", "port": 443}]}
"""Of STS or Entra, whose addresses change."""


def _to(block: str, port: int) -> JsonObject:
    return {"to": [{"ipBlock": {"cidr": block}}], "ports": [{"protocol": "TCP", "port": port}]}


def _identity(annotation: str, cloud: Authentication) -> dict[str, str]:
    return {annotation: cloud.identity} if cloud.identity is not None else {}

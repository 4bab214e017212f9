"""What runs one Regent in a cluster: Deployment, Service, account, Secret, NetworkPolicy. Pure.

All of it is in the controller's namespace and bound to the Regent by labels, without
ownerReferences: foreground deletion would take the pod away while a finalizer still needs it
(rule 28). Of `spec.deployment` only scheduling, resources, labels and pull secrets are taken:
anything else would be code run as somebody else.

Long because manifests are: one function each, nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.kube.kinds import (
    DEPLOYMENT,
    NETWORK_POLICY,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    JsonObject,
    Kind,
)
from controller.names import (
    LONGEST_LABEL,
    MANAGED_BY,
    MANAGER,
    REGENT_NAME,
    REGENT_NAMESPACE,
    workload_name,
)
from controller.pki.certificates import Pair
from controller.workloads.clouds import Footing, footing_of
from controller.workloads.pods import RESTRICTED_CONTAINER, RESTRICTED_POD, probe
from shared.keys import ResourceKey
from shared.resources import GROUP, Regent
from shared.resources.deployment import Deployment

API_PORT = 8443
HEALTH_PORT = 8080
FOLDER = "/etc/postgregent"
PASSWORD_FILE = "admin-password"  # noqa: S105 - the name of a file
CERTIFICATE_FILE, KEY_FILE = "admin.crt", "admin.key"
SECRET_TYPE = f"{GROUP}/regent"
SETTINGS_DIGEST = f"{GROUP}/settings-digest"
EXACT = frozenset({DEPLOYMENT})
"""What mounts the admin's password: nothing that others add to its spec may stay."""
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


@dataclass(frozen=True, slots=True)
class Plant:
    """Where and from what Regents are run."""

    namespace: str
    image: str
    pull_policy: str = "IfNotPresent"


@dataclass(frozen=True, slots=True)
class Material:
    """What a Regent is given besides its spec: secrets, all of it in one Secret."""

    password: bytes | None = field(repr=False)
    tls: Pair
    client_ca: bytes
    server_ca: str | None = None
    origin: str = ""
    """The cluster whose declarations it obeys."""
    settings: bytes | None = None
    """Those that it has, where they stay; else they are made of its spec."""
    certificate: Pair | None = None
    """What the admin logs in with where it has no password."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object as it shall be."""

    kind: Kind
    body: JsonObject = field(repr=False)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.body["metadata"]["name"])


def server_names(key: ResourceKey, plant: Plant) -> tuple[str, ...]:
    """The names in its certificate. They hold its own digest: no other Regent has them."""
    service = workload_name(key)
    return (f"{service}.{plant.namespace}.svc", f"{service}.{plant.namespace}")


def manifests(regent: Regent, plant: Plant, material: Material) -> tuple[Manifest, ...]:
    """Everything that runs it, in the order of `WORKLOAD_KINDS`."""
    making = _Making(regent, plant, material)
    return (
        making.secret(),
        making.service_account(),
        making.service(),
        making.network_policy(),
        making.deployment(),
    )


def settings_of(regent: Regent, server_ca: str | None, origin: str = "") -> bytes:
    """`regent.json`, as regent/settings.py reads it: no secret, files beside it.

    It holds its own digest, which the Regent's status says again: so the controller sees whether
    the process runs with what is declared.
    """
    spec = regent.spec
    server: dict[str, Any] = {
        "host": spec.database_host,
        "port": spec.effective_port,
        "adminUser": spec.admin_user,
        **way_in(regent),
    }
    if spec.set_role is not None:
        server["setRole"] = spec.set_role
    if spec.tls_mode is not None:
        server["tlsMode"] = spec.tls_mode
    if server_ca is not None:
        server["caPem"] = server_ca
    settings = {
        "namespace": regent.metadata.namespace,
        "name": regent.metadata.name,
        "server": server,
        "databases": list(spec.databases),
        "homeDatabase": spec.effective_home_database,
        "origin": origin,
        "api": {
            "host": "*",
            "port": API_PORT,
            "healthPort": HEALTH_PORT,
            "tls": {"certFile": "tls.crt", "keyFile": "tls.key", "caFile": "client-ca.crt"},
        },
    }
    return json.dumps({**settings, "digest": _digest(settings)}, sort_keys=True).encode()


def way_in(regent: Regent) -> JsonObject:
    """How the admin logs in: no other way is tried when one is declared."""
    if (cloud := regent.spec.authentication) is not None:
        return {"authentication": cloud.model_dump(by_alias=True, exclude_none=True)}
    if regent.spec.client_certificate_secret_ref is None:
        return {"adminPasswordFile": PASSWORD_FILE}
    return {"clientCertificateFile": CERTIFICATE_FILE, "clientKeyFile": KEY_FILE}


def digest_of(settings: bytes) -> str:
    """By which the status of a process that runs with them says so; empty: an older version's."""
    return str(json.loads(settings).get("digest", ""))


def _digest(settings: JsonObject) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def bound_labels(key: ResourceKey) -> dict[str, str]:
    """What binds an object to its Regent, and says who made it."""
    return {
        "app.kubernetes.io/name": "postgregent-regent",
        "app.kubernetes.io/instance": workload_name(key),
        "app.kubernetes.io/component": "regent",
        MANAGED_BY: MANAGER,
        REGENT_NAMESPACE: key.namespace,
        REGENT_NAME: key.name if len(key.name) <= LONGEST_LABEL else workload_name(key),
    }


class _Making:
    def __init__(self, regent: Regent, plant: Plant, material: Material) -> None:
        self._regent = regent
        self._plant = plant
        self._material = material
        self._key = regent.key
        self._name = workload_name(regent.key)
        self._settings = material.settings or settings_of(
            regent, material.server_ca, material.origin
        )
        self._wishes = regent.spec.deployment or Deployment.model_validate({})
        cloud = regent.spec.authentication
        self._footing = footing_of(cloud) if cloud is not None else Footing()

    def service_account(self) -> Manifest:
        """It may do nothing in this cluster, and no token of it for this cluster is mounted."""
        made = self._manifest(SERVICE_ACCOUNT, {"automountServiceAccountToken": False})
        if self._footing.of_account:
            made.body["metadata"]["annotations"] = dict(self._footing.of_account)
        return made

    def secret(self) -> Manifest:
        """Settings, password and certificates, of a type that nobody else fills in."""
        material = self._material
        values = {
            "regent.json": self._settings,
            "tls.crt": material.tls.certificate,
            "tls.key": material.tls.key,
            "client-ca.crt": material.client_ca,
        }
        if material.password is not None:
            values[PASSWORD_FILE] = material.password
        if material.certificate is not None:
            values[CERTIFICATE_FILE] = material.certificate.certificate
            values[KEY_FILE] = material.certificate.key
        data = {name: base64.b64encode(value).decode() for name, value in values.items()}
        return self._manifest(SECRET, {"type": SECRET_TYPE, "data": data})

    def service(self) -> Manifest:
        """It leads to a pod that is not ready too: else the first push could never arrive."""
        ports = (("api", API_PORT), ("metrics", HEALTH_PORT))
        spec = {
            "selector": self._selector(),
            "publishNotReadyAddresses": True,
            "ports": [
                {"name": name, "port": port, "targetPort": port, "protocol": "TCP"}
                for name, port in ports
            ],
        }
        return self._manifest(SERVICE, {"spec": spec})

    def network_policy(self) -> Manifest:
        """In: the controller, and whoever reads health.

        Out: names, the server's port, and where a cloud gives tokens.
        """
        controller = {
            "podSelector": {
                "matchLabels": {
                    "app.kubernetes.io/name": "postgregent",
                    "app.kubernetes.io/component": "controller",
                }
            }
        }
        dns = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
        spec = {
            "podSelector": {"matchLabels": self._selector()},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {"from": [controller], "ports": [_port(API_PORT)]},
                {"ports": [_port(HEALTH_PORT)]},
            ],
            "egress": [
                {"ports": dns},
                {"ports": [_port(self._regent.spec.effective_port)]},
                *self._footing.egress,
            ],
        }
        return self._manifest(NETWORK_POLICY, {"spec": spec})

    def deployment(self) -> Manifest:
        """One pod, never two: a second one could not get the lock and would never be ready."""
        wishes = self._wishes
        metadata = {
            "labels": {**wishes.labels, **self._footing.of_pod, **bound_labels(self._key)},
            "annotations": {
                **wishes.annotations,
                SETTINGS_DIGEST: hashlib.sha256(self._settings).hexdigest()[:16],
            },
        }
        spec = {
            "replicas": 1,
            "revisionHistoryLimit": 2,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": self._selector()},
            "template": {"metadata": metadata, "spec": self._pod()},
        }
        return self._manifest(DEPLOYMENT, {"spec": spec})

    def _pod(self) -> JsonObject:
        pod: JsonObject = {
            "serviceAccountName": self._name,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 30,
            "securityContext": RESTRICTED_POD,
            "containers": [self._container()],
            "volumes": [
                {"name": "settings", "secret": {"secretName": self._name, "defaultMode": 0o444}},
                {"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}},
            ],
        }
        wishes = self._wishes.model_dump(mode="json", by_alias=True)
        for name in ("nodeSelector", "tolerations", "affinity", "priorityClassName",
                     "imagePullSecrets"):  # fmt: skip
            if wishes.get(name):
                pod[name] = wishes[name]
        return pod

    def _container(self) -> JsonObject:
        asked = self._wishes.resources
        resources = asked.model_dump(mode="json", by_alias=True) if asked else {}
        variables = [{"name": n, "value": v} for n, v in self._footing.variables.items()]
        return {
            **({"env": variables} if variables else {}),
            "name": "regent",
            "image": self._plant.image,
            "imagePullPolicy": self._plant.pull_policy,
            "command": ["python", "-m", "regent", "--config", f"{FOLDER}/regent.json"],
            "ports": [
                {"name": "api", "containerPort": API_PORT, "protocol": "TCP"},
                {"name": "metrics", "containerPort": HEALTH_PORT, "protocol": "TCP"},
            ],
            "resources": _as_texts(resources) or DEFAULT_RESOURCES,
            "securityContext": RESTRICTED_CONTAINER,
            "startupProbe": probe("/livez", HEALTH_PORT, period=2, failures=60),
            "livenessProbe": probe("/livez", HEALTH_PORT, period=10, failures=3),
            "readinessProbe": probe("/readyz", HEALTH_PORT, period=5, failures=1),
            "volumeMounts": [
                {"name": "settings", "mountPath": FOLDER, "readOnly": True},
                {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - of its own
            ],
        }

    def _selector(self) -> dict[str, str]:
        return {"app.kubernetes.io/instance": self._name, "app.kubernetes.io/component": "regent"}

    def _manifest(self, kind: Kind, content: Mapping[str, Any]) -> Manifest:
        metadata = {
            "name": self._name,
            "namespace": self._plant.namespace,
            "labels": bound_labels(self._key),
        }
        return Manifest(
            kind,
            {
                "apiVersion": kind.api_version,
                "kind": kind.name,
                "metadata": metadata,
                **content,
            },
        )


DEFAULT_RESOURCES = {"requests": {"cpu": "10m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}
"""A Regent takes about 65 MiB before it is connected."""


def _port(number: int) -> JsonObject:
    return {"protocol": "TCP", "port": number}


def _as_texts(resources: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Quantities may be written as numbers; the API server gives texts back."""
    return {
        group: {name: str(value) for name, value in quantities.items()}
        for group, quantities in resources.items()
    }

"""The credentials that a Regent gets for its server, from the Secret that its spec names. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from controller.core.secrets import Secret, SecretName
from controller.observe.connection_secrets import admin_password
from controller.pki.certificates import Pair
from shared.errors import PostgRegentError
from shared.patterns import matcher
from shared.problems import did_you_mean
from shared.resources import Regent, SecretKeyRef

Secrets = Mapping[SecretName, Secret]
FORBIDDEN = ": 403"
"""In the words of an ApiError."""


class AdminSecretMissing(PostgRegentError):
    """The Secret with the admin's password cannot be used."""


class AdminSecretUnreadable(PostgRegentError):
    """Nobody knows whether the Secret is there: the controller cannot read Secrets there."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who the controller is: by the chart, its service account and ClusterRoles begin alike."""

    namespace: str
    name: str

    def unreadable(self, namespace: str, why: str) -> AdminSecretUnreadable:
        """`why` is what the API server says when asked for the Secrets of this namespace."""
        what = f"The Secrets of namespace {namespace} cannot be read: {why.rstrip('.')}."
        if FORBIDDEN not in why:
            return AdminSecretUnreadable(what, way_out="It is tried again.")
        return AdminSecretUnreadable(what, way_out=self.way_to_secrets(namespace))

    def way_to_secrets(self, namespace: str) -> str:
        """The right that is missing, as a command.

        The binding's name is none of the chart's own: Helm would refuse to take that one over.
        """
        role = f"{self.name}-secrets"
        return (
            f"Add {namespace} to secrets.namespaces of the chart, or bind the ClusterRole there:"
            f" kubectl create rolebinding {role}-by-hand -n {namespace} --clusterrole={role}"
            f" --serviceaccount={self.namespace}:{self.name}"
        )


class HostNotAllowed(PostgRegentError):
    """The installation does not let Regents connect to this host."""


@dataclass(frozen=True, slots=True)
class Admin:
    """What the Regent is given to connect with: password or certificate; neither for a token."""

    password: bytes | None = field(default=None, repr=False)
    server_ca: str | None = None
    certificate: Pair | None = None


def host_check(allowed: tuple[str, ...]) -> Callable[[Regent], None]:
    """Raises HostNotAllowed for a host outside the list; without a list every host is allowed."""
    if not allowed:
        return lambda _regent: None
    matches = matcher(allowed)

    def check(regent: Regent) -> None:
        host = regent.spec.database_host
        if not matches(host):
            raise HostNotAllowed(
                f"spec.databaseHost {host} is not among the hosts that this installation allows.",
                way_out=f"Allowed are {', '.join(allowed)} (--allowed-hosts).",
            )

    return check


def admin_of(regent: Regent, secrets: Secrets) -> Admin:
    """Password, certificate or neither, and CA. Raises PostgRegentError with the way out."""
    tls = regent.spec.tls
    ca = _value(regent, tls.ca_secret_ref, secrets) if tls and tls.ca_secret_ref else None
    server_ca = ca.decode("utf-8", "replace") if ca else None
    if regent.spec.authentication is not None:
        return Admin(server_ca=server_ca)
    if regent.spec.client_certificate_secret_ref is None:
        return Admin(_password(regent, secrets), server_ca)
    public, key = (_value(regent, one, secrets) for one in regent.spec.client_certificate_keys)
    return Admin(server_ca=server_ca, certificate=Pair(public, key))


def _password(regent: Regent, secrets: Secrets) -> bytes:
    spec = regent.spec
    if spec.admin_password_secret_ref is not None:
        return _value(regent, spec.admin_password_secret_ref, secrets)
    if spec.connection_secret_ref is None:
        raise AdminSecretMissing(
            "The Regent names no way to log in.", way_out="Add adminPasswordSecretRef."
        )
    secret = _secret(regent, spec.connection_secret_ref.name, secrets)
    values = {key: value.get_secret_value() for key, value in secret.values.items()}
    labels = secret.labels or {}
    return admin_password(str(secret.name), values, labels, spec.admin_user).password


def _value(regent: Regent, reference: SecretKeyRef, secrets: Secrets) -> bytes:
    secret = _secret(regent, reference.name, secrets)
    value = secret.values.get(reference.key)
    if value is None:
        near = did_you_mean(reference.key, secret.values, "add it, or correct the key")
        raise AdminSecretMissing(
            f"Secret {secret.name} has no key {reference.key}.", way_out=f"{near}."
        )
    if not value.get_secret_value().strip():
        raise AdminSecretMissing(
            f"Secret {secret.name} is empty under {reference.key}.", way_out="Put the value there."
        )
    return value.get_secret_value()


def _secret(regent: Regent, name: str, secrets: Secrets) -> Secret:
    place = SecretName(regent.metadata.namespace, name)
    secret = secrets.get(place)
    if secret is None:
        raise AdminSecretMissing(
            f"Secret {place} does not exist.",
            way_out="Create it, or correct the name in the Regent's spec.",
        )
    if lacking := secret.lacking(regent.spec.secrets_selector):
        labels = ", ".join(f"{key}={value}" for key, value in lacking.items())
        raise AdminSecretMissing(
            f"Secret {place} lacks the label {labels} of spec.secretsSelector.",
            way_out="Add it to the Secret.",
        )
    return secret

"""Which Regent a call means, and which server: its own, that of `--dsn`, an embedded one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from cli.dsn import Dsn
from controller.core.secrets import Secret, SecretName
from controller.local.directory import Tree, read_directory, with_secrets_of
from regent.settings import RegentSettings, ServerSettings, served, server_of
from shared.errors import PostgRegentError
from shared.keys import ResourceKey
from shared.resources import Regent, SecretKeyRef
from shared.secret_text import SecretEmpty, SecretUnreadable, read_secret_text

ORIGIN = "directory"
CONNECTION_SECRET_KEY = "password"  # noqa: S105 - the name of a key
Secrets = Mapping[SecretName, Secret]


class WhichRegentError(PostgRegentError):
    """The directory does not say which Regent is meant."""


class OtherDatabaseError(PostgRegentError):
    """--dsn names another database than the Regent serves."""


class NoAdminPasswordError(PostgRegentError):
    """The admin's password is not known."""


class Servers(Protocol):
    """Where the Regents of a directory find their servers."""

    async def prepare(self, regents: Iterable[Regent], given: Secrets) -> None:
        """Make what must be there before they start."""

    def server(self, regent: Regent, given: Secrets) -> ServerSettings:
        """The server of one Regent, with its password."""


class DeclaredServers:
    """Each Regent's own `databaseHost`, and the Secret that it logs in with."""

    async def prepare(self, regents: Iterable[Regent], given: Secrets) -> None:
        """They are there, or are somebody else's business."""

    def server(self, regent: Regent, given: Secrets) -> ServerSettings:
        """As the resource says it. Raises NoAdminPasswordError."""
        if regent.spec.client_certificate_secret_ref is not None:
            found = server_of(regent.spec, None, client_certificate(regent, given))
        elif regent.spec.authentication is not None:
            found = server_of(regent.spec, None)
        else:
            found = server_of(regent.spec, admin_password(regent, given))
        tls = regent.spec.tls
        if tls is None or tls.ca_secret_ref is None:
            return found
        ca = secret_value(regent, tls.ca_secret_ref, given, "spec.tls.caSecretRef")
        return found.model_copy(update={"ca_pem": ca.get_secret_value()})


class DsnServer:
    """The server of `--dsn`; the Regent's own address and Secret are not read (interface 8)."""

    def __init__(self, dsn: Dsn) -> None:
        self._dsn = dsn

    async def prepare(self, regents: Iterable[Regent], given: Secrets) -> None:
        """It is there."""

    def server(self, regent: Regent, given: Secrets) -> ServerSettings:  # noqa: ARG002 - Servers
        """That of the DSN, acting as the Regent's `setRole`.

        Raises OtherDatabaseError when it is not where the Regent is at home.
        """
        declared = regent.spec.database_name
        if declared != self._dsn.database:
            raise OtherDatabaseError(
                f"--dsn names the database {self._dsn.database}, and {regent.key} says"
                f" databaseName {declared}.",
                way_out=f"Write /{declared} at the end of --dsn, or choose another --regent.",
            )
        return self._dsn.server.model_copy(update={"set_role": regent.spec.set_role})


def read_tree(directory: Path, environment: Mapping[str, str] | None, *, allow_empty: bool) -> Tree:
    """The tree of a directory; with an environment, Secrets from there come before its own.

    Raises UnsyncedError, and SecretCollisionError for two Secrets in one variable.
    """
    tree = read_directory(directory, allow_empty=allow_empty)
    if environment is None:
        return tree
    return with_secrets_of(tree, environment)


def regents_of(tree: Tree) -> Mapping[ResourceKey, Regent]:
    """The Regents that can be used."""
    return {key: found for key, found in tree.valid.items() if isinstance(found, Regent)}


def choose_regent(regents: Mapping[ResourceKey, Regent], name: str | None) -> Regent:
    """The one that `--regent` names (NAME or NAMESPACE/NAME), else the only one there is."""
    meant = [
        regent
        for key, regent in sorted(regents.items())
        if name in (None, key.name, f"{key.namespace}/{key.name}")
    ]
    if len(meant) == 1:
        return meant[0]
    listed = ", ".join(f"{key.namespace}/{key.name}" for key in sorted(regents))
    if not regents:
        raise WhichRegentError(
            "There is no Regent in the directory.",
            way_out="Add one: it says which database is served, and as whom.",
        )
    if not meant:
        raise WhichRegentError(
            f"--regent {name} is not in the directory.", way_out=f"There are: {listed}."
        )
    raise WhichRegentError(
        f"There are {len(meant)} Regents in the directory.",
        way_out=f"Say which one is meant: --regent with one of {listed}.",
    )


def regent_settings(regent: Regent, server: ServerSettings) -> RegentSettings:
    """What a Regent process, or one pass in this process, must know; its API aside."""
    return RegentSettings(
        namespace=regent.metadata.namespace,
        name=regent.metadata.name,
        server=server,
        databases=served(regent.spec),
        home_database=regent.spec.effective_home_database,
        origin=ORIGIN,
    )


def admin_password(regent: Regent, given: Secrets) -> SecretStr:
    """The admin's password from the Secrets. Raises NoAdminPasswordError."""
    spec = regent.spec
    if spec.admin_password_secret_ref is not None:
        reference, field = spec.admin_password_secret_ref, "spec.adminPasswordSecretRef"
    elif spec.connection_secret_ref is not None:
        reference = SecretKeyRef(name=spec.connection_secret_ref.name, key=CONNECTION_SECRET_KEY)
        field = "spec.connectionSecretRef"
    else:
        raise NoAdminPasswordError(
            f"{regent.key} logs in without a password.",
            way_out="Use --dsn, or adminPasswordSecretRef.",
        )
    return secret_value(regent, reference, given, field)


def client_certificate(regent: Regent, given: Secrets) -> tuple[SecretStr, SecretStr]:
    """Certificate and key of a Secret of type kubernetes.io/tls. Raises NoAdminPasswordError."""
    public, key = regent.spec.client_certificate_keys
    field = "spec.clientCertificateSecretRef"
    return secret_value(regent, public, given, field), secret_value(regent, key, given, field)


def secret_value(regent: Regent, reference: SecretKeyRef, given: Secrets, field: str) -> SecretStr:
    """The value that a Regent names. Raises NoAdminPasswordError, which names the field."""
    name = SecretName(regent.metadata.namespace, reference.name)
    secret = given.get(name)
    said = f"{regent.key} {field}: the Secret {name}"
    if secret is None:
        raise NoAdminPasswordError(
            f"{said} is not there.",
            way_out="Add it to the directory as kind: Secret, or use --secrets-from-env or --dsn.",
        )
    if not secret.is_selected_by(regent.spec.secrets_selector):
        labels = ", ".join(f"{key}: {value}" for key, value in regent.spec.secrets_selector.items())
        raise NoAdminPasswordError(
            f"{said} does not have the labels of spec.secretsSelector.",
            way_out=f"Label it with {labels}.",
        )
    value = secret.values.get(reference.key)
    if value is None:
        raise NoAdminPasswordError(
            f"{said} has no key {reference.key}.", way_out="Add the key, or name another one."
        )
    try:
        return SecretStr(read_secret_text(value.get_secret_value()).value)
    except (SecretEmpty, SecretUnreadable) as error:
        raise NoAdminPasswordError(
            f"{said}, key {reference.key}: {error.message}", way_out=error.way_out
        ) from None

"""How one Regent process is told where its server is and how it is reached itself.

Read once at the start, as JSON from an inherited file descriptor (`--config-fd`, local mode) or
from a file (`--config`, a pod): never from arguments or the environment, which others can read.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic.alias_generators import to_camel

from regent.clouds.asking import Cloud
from regent.server.address import BadAddressError, ServerAddress
from regent.server.client_certificate import WAY_OUT, BadCertificateError, ClientCertificate
from regent.server.connect import Connector
from regent.server.credential_command import asking, unusable
from regent.server.tokens import Tokens
from regent.server.words import say_by_dsn
from shared.resources.regent import (
    DEFAULT_HOME_DATABASE,
    DEFAULT_PORT,
    Authentication,
    RegentSpec,
    TlsMode,
)


class _Settings(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class ServerSettings(_Settings):
    """Where the server is, and as whom. The password is given, or read from a file each time."""

    host: str
    port: int = DEFAULT_PORT
    admin_user: str
    admin_password: SecretStr | None = None
    admin_password_file: Path | None = None
    tls_mode: TlsMode | None = None
    ca_pem: str | None = None
    set_role: str | None = None
    client_certificate: str | None = None
    client_key: SecretStr | None = None
    client_certificate_file: Path | None = None
    client_key_file: Path | None = None
    credential_command: tuple[str, ...] = Field((), repr=False)
    """Named by the operator on this machine, and by nobody else: whoever names it runs it."""
    authentication: Authentication | None = None
    password_hint: str = ""
    """What to check when the password is not accepted; empty: what the resource names."""

    async def password(self) -> str:
        """The password now: a rotated file is seen at the next connection."""
        if self.admin_password is not None:
            return self.admin_password.get_secret_value()
        if self.admin_password_file is not None:
            return self.admin_password_file.read_text().removesuffix("\n")
        return ""

    @property
    def has_certificate(self) -> bool:
        """True where the admin logs in by a client certificate."""
        return self.client_key is not None or self.client_key_file is not None

    async def certificate(self) -> ClientCertificate:
        """The client certificate now. Raises BadCertificateError."""
        if self.client_certificate is not None and self.client_key is not None:
            return ClientCertificate(self.client_certificate, self.client_key.get_secret_value())
        try:
            return ClientCertificate(
                (self.client_certificate_file or Path()).read_text(),
                (self.client_key_file or Path()).read_text(),
            )
        except (OSError, UnicodeDecodeError) as error:
            raise BadCertificateError(
                f"The client certificate cannot be read ({type(error).__name__}).", way_out=WAY_OUT
            ) from None


class TlsFiles(_Settings):
    """Our certificate and key, and the CA whose clients may command us (docs/architecture.md)."""

    cert_file: Path
    key_file: Path
    ca_file: Path


class ApiSettings(_Settings):
    """How the controller reaches this Regent.

    Locally an inherited listening socket and a token; in a pod mutual TLS on `port`, and health and
    metrics in the clear on `health_port`. The host `*` is every address of the machine.
    """

    socket_fd: int | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    token: SecretStr | None = None
    tls: TlsFiles | None = None
    health_port: int | None = None


_FILES_OF_THE_SERVER = ("admin_password_file", "client_certificate_file", "client_key_file")


class RegentSettings(_Settings):
    """One Regent process."""

    namespace: str
    name: str
    server: ServerSettings
    databases: tuple[str, ...] = Field(min_length=1, description="databaseName first.")
    home_database: str = DEFAULT_HOME_DATABASE
    origin: str = Field("", description="Whose declarations it obeys; empty is anybody's.")
    digest: str = Field("", description="By which its status says what it runs with.")
    api: ApiSettings = ApiSettings()

    @property
    def regent(self) -> str:
        """`namespace/name`, as the marks record it."""
        return f"{self.namespace}/{self.name}"

    def beside(self, folder: Path) -> RegentSettings:
        """With the files that it names taken from this folder, where they have no full path."""
        server, tls = self.server, self.api.tls
        named = {name: getattr(server, name) for name in _FILES_OF_THE_SERVER}
        found = {name: folder / path for name, path in named.items() if path is not None}
        server = server.model_copy(update=found)
        if tls is not None:
            files = {name: folder / getattr(tls, name) for name in TlsFiles.model_fields}
            tls = tls.model_copy(update=files)
        api = self.api.model_copy(update={"tls": tls})
        return self.model_copy(update={"server": server, "api": api})


def server_of(
    spec: RegentSpec,
    password: SecretStr | None,
    certificate: tuple[SecretStr, SecretStr] | None = None,
) -> ServerSettings:
    """The server that a Regent resource names. `certificate` is tls.crt and tls.key."""
    public, key = certificate or (None, None)
    return ServerSettings(
        host=spec.database_host,
        port=spec.effective_port,
        admin_user=spec.admin_user,
        admin_password=password,
        tls_mode=spec.tls.mode if spec.tls else None,
        set_role=spec.set_role,
        authentication=spec.authentication,
        client_certificate=public.get_secret_value() if public else None,
        client_key=key,
    )


def connector_of(settings: ServerSettings) -> Connector:
    """Connects to this server, reading the password again each time.

    Who logs in by anything but a password has the server's certificate verified in full, where
    nothing else is said.
    """
    tls_mode = settings.tls_mode
    is_verified = settings.has_certificate or settings.authentication is not None
    if is_verified and tls_mode is None and settings.ca_pem is None:
        tls_mode = "verify-full"
    try:
        address = ServerAddress(
            settings.host,
            settings.port,
            settings.admin_user,
            tls_mode=tls_mode,
            ca_pem=settings.ca_pem,
            set_role=settings.set_role,
        )
        tokens: Tokens | None = None
        if settings.credential_command:
            tokens = Tokens(asking(settings.credential_command, address), unusable=unusable)
        elif settings.authentication is not None:
            _require_verified(address)
            cloud = Cloud(settings.authentication, address)
            tokens = Tokens(cloud.ask, unusable=cloud.unusable)
        return Connector(
            address,
            tokens.password if tokens else settings.password,
            refused=tokens.refused if tokens else None,
            password_hint=settings.password_hint,
            certificate=settings.certificate if settings.has_certificate else None,
        )
    except BadAddressError as error:
        if settings.password_hint:
            say_by_dsn(error)
        raise


def _require_verified(address: ServerAddress) -> None:
    """A cloud's server asks for the token in clear text. Raises BadAddressError."""
    if not address.verifies_tls:
        raise BadAddressError(
            "A cloud's token is given to a server that proves who it is, and to no other.",
            way_out="Leave tls.mode out, or set verify-full, or verify-ca with tls.caSecretRef.",
        )


def served(spec: RegentSpec) -> tuple[str, ...]:
    """The databases it serves, databaseName first."""
    return tuple(dict.fromkeys((spec.database_name, *spec.additional_databases)))


def revealed(settings: RegentSettings) -> bytes:
    """As JSON with its secrets in it: for the pipe to the child and nothing else."""
    data = settings.model_dump(mode="json", by_alias=True, exclude_none=True)
    server, api = settings.server, settings.api
    if server.admin_password is not None:
        data["server"]["adminPassword"] = server.admin_password.get_secret_value()
    if server.client_key is not None:
        data["server"]["clientKey"] = server.client_key.get_secret_value()
    if api.token is not None:
        data["api"]["token"] = api.token.get_secret_value()
    return json.dumps(data).encode()


def read_fd(descriptor: int) -> RegentSettings:
    """Read settings from an inherited descriptor to its end, and close it."""
    with os.fdopen(descriptor, "rb") as pipe:
        return RegentSettings.model_validate_json(pipe.read())

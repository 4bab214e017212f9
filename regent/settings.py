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

from regent.server.address import BadAddressError, ServerAddress
from regent.server.connect import Connector
from regent.server.words import say_by_dsn
from shared.resources.regent import DEFAULT_HOME_DATABASE, DEFAULT_PORT, RegentSpec, TlsMode


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
    password_hint: str = ""
    """What to check when the password is not accepted; empty: what the resource names."""

    async def password(self) -> str:
        """The password now: a rotated file is seen at the next connection."""
        if self.admin_password is not None:
            return self.admin_password.get_secret_value()
        if self.admin_password_file is not None:
            return self.admin_password_file.read_text().removesuffix("\n")
        return ""


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
        if server.admin_password_file is not None:
            password_file = folder / server.admin_password_file
            server = server.model_copy(update={"admin_password_file": password_file})
        if tls is not None:
            files = {name: folder / getattr(tls, name) for name in TlsFiles.model_fields}
            tls = tls.model_copy(update=files)
        api = self.api.model_copy(update={"tls": tls})
        return self.model_copy(update={"server": server, "api": api})


def server_of(spec: RegentSpec, password: SecretStr | None) -> ServerSettings:
    """The server that a Regent resource names."""
    return ServerSettings(
        host=spec.database_host,
        port=spec.effective_port,
        admin_user=spec.admin_user,
        admin_password=password,
        tls_mode=spec.tls.mode if spec.tls else None,
    )


def connector_of(settings: ServerSettings) -> Connector:
    """Connects to this server, reading the password again each time."""
    try:
        address = ServerAddress(
            settings.host,
            settings.port,
            settings.admin_user,
            tls_mode=settings.tls_mode,
            ca_pem=settings.ca_pem,
        )
    except BadAddressError as error:
        if settings.password_hint:
            say_by_dsn(error)
        raise
    return Connector(address, settings.password, password_hint=settings.password_hint)


def served(spec: RegentSpec) -> tuple[str, ...]:
    """The databases it serves, databaseName first."""
    return tuple(dict.fromkeys((spec.database_name, *spec.additional_databases)))


def revealed(settings: RegentSettings) -> bytes:
    """As JSON with its secrets in it: for the pipe to the child and nothing else."""
    data = settings.model_dump(mode="json", by_alias=True, exclude_none=True)
    server, api = settings.server, settings.api
    if server.admin_password is not None:
        data["server"]["adminPassword"] = server.admin_password.get_secret_value()
    if api.token is not None:
        data["api"]["token"] = api.token.get_secret_value()
    return json.dumps(data).encode()


def read_fd(descriptor: int) -> RegentSettings:
    """Read settings from an inherited descriptor to its end, and close it."""
    with os.fdopen(descriptor, "rb") as pipe:
        return RegentSettings.model_validate_json(pipe.read())

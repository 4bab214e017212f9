"""`--embedded`: every Regent of the directory on one embedded server, whatever its own address.

Each Regent's admin is a superuser there, with the password that its Secret declares, or with one
made up. With `--data` the server comes back: its bootstrap password is kept beside the data.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path

from pydantic import SecretStr

from cli.embedded import EmbeddedServer
from cli.targets import NoAdminPasswordError, Secrets, admin_password
from regent.settings import ServerSettings
from shared.errors import PostgRegentError
from shared.resources import Regent
from shared.secret_text import SecretEmpty, SecretUnreadable

BOOTSTRAP = "postgres"
PASSWORD_FILE = "bootstrap-password"  # noqa: S105 - the name of a file


class EmbeddedServers:
    """Started when the first Regent needs it; `stop()` ends it."""

    def __init__(self, data: Path | None = None) -> None:
        self._data = data
        self._server: EmbeddedServer | None = None
        self._passwords: dict[str, SecretStr] = {}
        self._databases: set[str] = set()

    @property
    def address(self) -> str:
        """`127.0.0.1:PORT`, or empty while it does not run."""
        return f"{self._server.host}:{self._server.port}" if self._server else ""

    async def prepare(self, regents: Iterable[Regent], given: Secrets) -> None:
        """Start it; see that the databases and the admins are there with their passwords."""
        for regent in regents:
            server = await self._started()
            for database in set(regent.spec.databases) - self._databases:
                await server.add_database(database)
                self._databases.add(database)
            await self._admin(server, regent, given)

    def server(self, regent: Regent, given: Secrets) -> ServerSettings:  # noqa: ARG002 - Servers
        """The embedded server, as the Regent's admin. After prepare()."""
        server = self._server
        if server is None:
            raise PostgRegentError("The embedded server does not run.")
        admin = regent.spec.admin_user
        return ServerSettings(
            host=server.host,
            port=server.port,
            admin_user=admin,
            admin_password=self._passwords[admin],
            tls_mode="disable",
        )

    async def stop(self) -> None:
        """End it; temporary data goes."""
        if self._server is not None:
            await self._server.stop()
            self._server = None

    async def _started(self) -> EmbeddedServer:
        if self._server is None:
            password = self._bootstrap_password()
            self._server = await EmbeddedServer.start(
                admin_user=BOOTSTRAP, admin_password=password, data=self._data
            )
            self._passwords[BOOTSTRAP] = SecretStr(password)
        return self._server

    def _bootstrap_password(self) -> str:
        if self._data is None:
            return secrets.token_urlsafe(24)
        path = self._data / PASSWORD_FILE
        if not path.exists():
            self._data.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24))
        return path.read_text().strip()

    async def _admin(self, server: EmbeddedServer, regent: Regent, given: Secrets) -> None:
        admin = regent.spec.admin_user
        password = _declared(regent, given) or self._passwords.get(admin) or _made_up()
        if admin == BOOTSTRAP or self._passwords.get(admin) == password:
            return
        await server.add_admin(admin, password.get_secret_value())
        self._passwords[admin] = password


def _declared(regent: Regent, given: Secrets) -> SecretStr | None:
    try:
        return admin_password(regent, given)
    except (NoAdminPasswordError, SecretEmpty, SecretUnreadable):
        return None


def _made_up() -> SecretStr:
    return SecretStr(secrets.token_urlsafe(24))

"""A real server for one test process, and the way back to a clean one between two tests."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import asyncpg
from pydantic import SecretStr

from cli.postgres.process import HOST, PostgresProcess
from tests.ports import give_back, own_port
from tests.postgres.clusters import ADMIN, SETTINGS, Cluster
from tests.postgres.scratch import new_folder

MAINTENANCE = "postgres"


@dataclass(slots=True)
class PostgresServer:
    """One server of one major version; its superuser is the Regent's admin."""

    cluster: Cluster
    process: PostgresProcess
    folder: Path
    pristine: str = field(default="", repr=False)
    log_offset: int = 0
    superuser: str = ADMIN
    host: str = HOST

    @classmethod
    def launch(cls, cluster: Cluster, settings: Mapping[str, str] | None = None) -> PostgresServer:
        """Copy the cluster's data folder and start on it."""
        folder = new_folder(cluster.version)
        folder.chmod(0o755)
        data = folder / "data"
        cluster.copy_to(data)
        process = PostgresProcess(
            cluster.binaries,
            data,
            folder / "postgresql.log",
            cluster.account,
            {**SETTINGS, **(settings or {})},
            folder,
            own_port(),
        )
        process.start()
        return cls(cluster, process, folder)

    @property
    def version(self) -> int:
        """The major version."""
        return self.cluster.version

    @property
    def port(self) -> int:
        """The port; it stays the same over a restart."""
        return self.process.port

    @property
    def password(self) -> SecretStr:
        """The superuser's."""
        return self.cluster.passwords[self.superuser]

    @property
    def data_dir(self) -> Path:
        """The data folder, readable while the server runs."""
        return self.process.data

    @property
    def log_path(self) -> Path:
        """Everything the server logged, every statement among it."""
        return self.process.log_path

    def log_of_this_test(self) -> str:
        """What was logged since the test began."""
        return self.process.log_since(self.log_offset)

    def password_of(self, user: str) -> str | None:
        """The password of a role that every cluster has; None for others."""
        known = self.cluster.passwords.get(user)
        return known.get_secret_value() if known else None

    def dsn(
        self, database: str = MAINTENANCE, user: str | None = None, password: str | None = None
    ) -> str:
        """A postgresql:// address with the password in it: not for printing."""
        user = user or self.superuser
        secret = password if password is not None else self.password_of(user)
        secret_part = f":{quote(secret, safe='')}" if secret is not None else ""
        place = f"{self.host}:{self.port}/{quote(database, safe='')}"
        return f"postgresql://{quote(user, safe='')}{secret_part}@{place}"

    async def connect(
        self, database: str = MAINTENANCE, user: str | None = None, password: str | None = None
    ) -> asyncpg.Connection:
        """A connection that the caller closes."""
        return await asyncpg.connect(self.dsn(database, user, password), timeout=30)

    def start(self) -> None:
        """Start again after stop() or kill(), on the same port."""
        self.process.start()

    def stop(self) -> None:
        """A fast shutdown."""
        self.process.stop()

    def restart(self) -> None:
        """Stop and start: every session is gone, everything committed is there."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """SIGKILL to the server; start() then recovers from the WAL."""
        self.process.kill()

    def restore(self) -> None:
        """Throw the data folder away and begin with a fresh copy."""
        self.process.stop_at_once()
        shutil.rmtree(self.data_dir)
        self.cluster.copy_to(self.data_dir)
        self.start()

    def discard(self) -> None:
        """End the server and remove everything of it."""
        self.process.stop_at_once()
        shutil.rmtree(self.folder, ignore_errors=True)
        give_back(self.port)

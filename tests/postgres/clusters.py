"""Data folders to begin with: one per version, made once and then copied for every test process.

Each holds the bootstrap superuser, the Regent's admin `my-admin`, the application's owner
`app_owner` and the flights database as a template. Passwords are random per data folder and lie
beside it, for our own account only.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from pydantic import SecretStr

from cli.embedded import FORGETFUL, SMALL
from cli.postgres.account import Account, server_account
from cli.postgres.binaries import Binaries, cache_folder, locked
from cli.postgres.cluster import make_cluster
from cli.postgres.process import HOST, PostgresProcess
from shared import scram
from tests.postgres.releases import programs

BOOTSTRAP = "postgres"
ADMIN = "my-admin"
OWNER = "app_owner"
# Since it was last used by anybody.
LEFT_FOR_SECONDS = 3600
TEMPLATE = "flights_template"
FLIGHTS = Path(__file__).with_name("flights.sql")
SETTINGS = {
    **SMALL,
    **FORGETFUL,
    "synchronous_commit": "on",  # what was committed survives a kill
    "log_statement": "all",
    "log_min_messages": "info",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "max_prepared_transactions": "0",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A finished data folder to copy from, and what starts a copy of it."""

    version: int
    binaries: Binaries
    account: Account | None
    data: Path
    passwords: dict[str, SecretStr]

    def copy_to(self, data: Path) -> None:
        """A fresh data folder at `data`, owned by the account that the server runs as."""
        shutil.copytree(self.data, data, symlinks=True)
        data.chmod(0o700)
        if self.account:
            self.account.own(data)


def cluster(version: int) -> Cluster:
    """The cluster of one version, made now if no test run has made it yet."""
    account = server_account()
    binaries = programs(version, account)
    recipe = FLIGHTS.read_bytes() + Path(__file__).read_bytes() + binaries.program("").encode()
    place = cache_folder() / f"cluster-{version}-{hashlib.sha256(recipe).hexdigest()[:12]}"
    with locked(cache_folder() / f"cluster-{version}.lock"):
        if not place.exists():
            for older in cache_folder().glob(f"cluster-{version}-*"):
                # Another checkout has its own, and may be copying from it right now.
                if time.time() - older.stat().st_mtime > LEFT_FOR_SECONDS:
                    shutil.rmtree(older)
            _make(version, binaries, account, place)
        os.utime(place)
    texts = json.loads((place / "passwords.json").read_text())
    passwords = {role: SecretStr(text) for role, text in texts.items()}
    return Cluster(version, binaries, account, place / "data", passwords)


def _make(version: int, binaries: Binaries, account: Account | None, place: Path) -> None:
    passwords = {role: secrets.token_urlsafe(18) for role in (BOOTSTRAP, ADMIN, OWNER)}
    with tempfile.TemporaryDirectory(prefix="postgregent-cluster-") as scratch:
        Path(scratch).chmod(0o755)
        data = Path(scratch, "data")
        data.mkdir(mode=0o700)
        make_cluster(
            binaries,
            data,
            account,
            superuser=BOOTSTRAP,
            password=passwords[BOOTSTRAP],
            durable=False,
        )
        process = PostgresProcess(binaries, data, Path(scratch, "log"), account, FORGETFUL)
        process.start()
        try:
            asyncio.run(_fill(process.port, passwords))
        finally:
            process.stop()
        with tempfile.TemporaryDirectory(dir=place.parent) as parts:
            shutil.copytree(data, Path(parts, "done", "data"), symlinks=True)
            secret = Path(parts, "done", "passwords.json")
            secret.touch(mode=0o600)
            secret.write_text(json.dumps(passwords))
            Path(parts, "done").rename(place)


async def _fill(port: int, passwords: dict[str, str]) -> None:
    async def connect(user: str, database: str) -> asyncpg.Connection:
        return await asyncpg.connect(
            host=HOST, port=port, user=user, password=passwords[user], database=database
        )

    first = await connect(BOOTSTRAP, "postgres")
    for role, attributes in ((ADMIN, "SUPERUSER"), (OWNER, "NOSUPERUSER")):
        secret = scram.build(passwords[role]).value
        await first.execute(f"CREATE ROLE \"{role}\" LOGIN {attributes} PASSWORD '{secret}'")
    await first.execute(f"CREATE DATABASE {TEMPLATE} OWNER {OWNER}")
    inside = await connect(BOOTSTRAP, TEMPLATE)
    await inside.execute(f"GRANT CREATE ON SCHEMA public TO {OWNER}")
    await inside.execute(f"SET SESSION AUTHORIZATION {OWNER}")
    await inside.execute(FLIGHTS.read_text())
    await inside.close()
    await first.execute(f"ALTER DATABASE {TEMPLATE} IS_TEMPLATE true ALLOW_CONNECTIONS false")
    await first.close()

"""The server that is measured on: one of the tests' releases, which logs no statements."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.workload import DATABASE, Size, fill
from regent.settings import RegentSettings, ServerSettings
from tests.postgres.clusters import ADMIN, OWNER, cluster
from tests.postgres.server import PostgresServer

VERSION = 15
SETTINGS = {"log_statement": "none", "shared_buffers": "128MB", "max_wal_size": "1GB"}
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def measured(version: int) -> Iterator[PostgresServer]:
    """A server of this major version, as long as it is needed."""
    server = PostgresServer.launch(cluster(version), SETTINGS)
    try:
        yield server
    finally:
        server.discard()


async def make_database(server: PostgresServer, size: Size, name: str = DATABASE) -> None:
    """A database of this size, which belongs to the application as far as that can be."""
    first = await server.connect()
    await first.execute(f"CREATE DATABASE {name}")
    await first.execute(f"GRANT CREATE ON DATABASE {name} TO {OWNER}")
    await first.close()
    inside = await server.connect(name)
    await inside.execute(f"SET SESSION AUTHORIZATION {OWNER}")
    await fill(inside, size)
    await inside.execute("RESET SESSION AUTHORIZATION")
    await inside.execute("VACUUM ANALYZE")
    await inside.close()


def settings_of(server: PostgresServer) -> RegentSettings:
    """A Regent that serves it."""
    return RegentSettings(
        namespace="default",
        name="my-regent",
        server=ServerSettings(
            host=server.host,
            port=server.port,
            admin_user=ADMIN,
            admin_password=server.password,
        ),
        databases=(DATABASE,),
    )


def server_seconds(server: PostgresServer) -> float:
    """The processor's time of a server until now: of its processes that live and that ended."""
    postmaster = int((server.data_dir / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text()
    total = _of_ended(postmaster)
    for pid in (str(postmaster), *children.split()):
        try:
            total += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
        except OSError:  # it has ended meanwhile
            continue
    return total


def _of_ended(pid: int) -> float:
    """Seconds of its children that it has waited for: proc(5), cutime and cstime."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / TICKS

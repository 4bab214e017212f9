"""How long `postgregent plan` and `apply` take, from their start to their end.

Whole processes, as a person or a pipeline starts them. `floor` is the SQL alone: the same roles,
memberships and privileges by a client that is connected already, in one transaction. The
processor's time of a command is the operating system's account of it, that of the server is taken
beside it: others' load blurs both less than the time on the wall.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from benchmarks.server import VERSION, make_database, measured, server_seconds
from benchmarks.spent import Spent, report
from benchmarks.workload import DATABASE, SIZES, Size, bare_sql, manifests
from tests.postgres.server import PostgresServer

FILLED = "filled"
MADE = "SELECT pg_catalog.quote_ident(rolname) FROM pg_catalog.pg_roles WHERE rolname ~ $1"
OURS = "^([ru][0-9]+|postgregent.*)$"


def command(server: PostgresServer, *words: str) -> Spent:
    """Run `postgregent` once. Raises where it cannot do what it is asked for."""
    arguments = [sys.executable, "-m", "cli", *words, "--dsn", server.dsn(DATABASE)]
    # As where it is installed, whose modules are compiled.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as said:
        before, began = server_seconds(server), perf_counter()
        process = subprocess.Popen(arguments, env=environment, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        wall = perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 2):
            said.seek(0)
            raise RuntimeError(said.read().decode()[-2000:])
        return Spent(wall, usage.ru_utime + usage.ru_stime, server_seconds(server) - before)


async def begin_anew(server: PostgresServer) -> None:
    """Nothing was ever applied; the tables are there."""
    first = await server.connect()
    for name in (DATABASE, "postgregent"):
        await first.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    made = [row[0] for row in await first.fetch(MADE, OURS)]
    if made:
        await first.execute(f"DROP ROLE {', '.join(made)}")
    await first.execute(f"CREATE DATABASE {DATABASE} TEMPLATE {FILLED}")
    await first.execute("CHECKPOINT")
    await first.close()


async def floor(server: PostgresServer, size: Size) -> Spent:
    """The bare SQL, once."""
    inside = await server.connect(DATABASE)
    before, began = server_seconds(server), perf_counter()
    await inside.execute(bare_sql(size))
    spent = Spent(perf_counter() - began, server=server_seconds(server) - before)
    await inside.close()
    return spent


@contextmanager
def declared_in_a_folder(server: PostgresServer, size: Size) -> Iterator[str]:
    """A directory of manifests."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "all.yaml").write_text(manifests(size, server.superuser))
        yield folder


def measure(size: Size, count: int, version: int) -> dict[str, list[Spent]]:
    """Each line of one size, `count` times."""
    lines: dict[str, list[Spent]] = {"floor": [], "first apply": [], "plan, nothing to do": []}
    with measured(version) as server, declared_in_a_folder(server, size) as folder:
        asyncio.run(make_database(server, size, FILLED))
        for _ in range(count):
            asyncio.run(begin_anew(server))
            lines["floor"].append(asyncio.run(floor(server, size)))
            asyncio.run(begin_anew(server))
            lines["first apply"].append(command(server, "apply", folder))
            for _ in range(2):
                lines["plan, nothing to do"].append(command(server, "plan", folder))
    return lines


def main(
    names: Sequence[str] = ("medium", "large"), count: int = 3, version: int = VERSION
) -> None:
    """Every size, one after the other."""
    for name in names:
        for what, spent in measure(SIZES[name], count, version).items():
            report(f"{name}: {what}", spent)

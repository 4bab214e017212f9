"""What a full pass with nothing to do costs: the processor's time, the Regent's and the server's.

In one process on an embedded PostgreSQL, without a daemon around it: what it costs to look at
everything and to find it as declared. `floor` is the bare grouped query of pg_class by which no
reading can be cheaper. The processor's time is blurred by others' load less than that on the wall;
still only two runs in turn can be compared.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import statistics
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time

import asyncpg
from pydantic import SecretStr

from benchmarks.drift import ADMIN, PASSWORD, SIZES, Size, declared, fill
from benchmarks.inspect_speed import FLOOR
from cli.embedded import EmbeddedServer
from regent.accept.merge import accept
from regent.foundation import founded
from regent.settings import RegentSettings, ServerSettings, connector_of
from shared.garbage import look_for_cycles_rarely
from shared.state import etag
from tests.declared import state

WARM_UP = 5


def server_seconds(postmaster: int) -> float:
    """The processor's time of all processes of a server that live now."""
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text()
    total = 0
    for pid in (str(postmaster), *children.split()):
        try:
            total += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
        except OSError:  # it has ended meanwhile
            continue
    return total / 1e9


async def repeat(
    name: str, count: int, postmaster: int, once: Callable[[], Awaitable[object]]
) -> None:
    """One line: medians in milliseconds of this process, of the server, and on the wall."""
    spent: list[tuple[float, float, float]] = []
    for _ in range(count + WARM_UP):
        before = process_time(), server_seconds(postmaster), perf_counter()
        await once()
        after = process_time(), server_seconds(postmaster), perf_counter()
        spent.append((after[0] - before[0], after[1] - before[1], after[2] - before[2]))
    own, server, wall = (
        statistics.median(one) * 1000 for one in zip(*spent[WARM_UP:], strict=True)
    )
    print(f"{name:<32} Regent {own:7.2f}  server {server:7.2f}  wall {wall:7.2f} ms", flush=True)


async def measure(size: Size, count: int, profile: str = "") -> None:
    """A pass with nothing to do, and its floor. `profile` is a file to write one to."""
    look_for_cycles_rarely()
    async with await EmbeddedServer.start(
        admin_user=ADMIN, admin_password=PASSWORD, databases=("bench",)
    ) as server:
        client = await asyncpg.connect(
            host=server.host, port=server.port, user=ADMIN, password=PASSWORD, database="bench"
        )
        await fill(client, size)
        postmaster = int(
            await client.fetchval(
                "SELECT pg_catalog.split_part(pg_catalog.pg_read_file('postmaster.pid'), E'\n', 1)"
            )
        )
        settings = RegentSettings(
            namespace="default",
            name="my-regent",
            server=ServerSettings(
                host=server.host,
                port=server.port,
                admin_user=ADMIN,
                admin_password=SecretStr(PASSWORD),
            ),
            databases=("bench",),
        )
        pushed = state(declared(size), regent={"databaseName": "bench"})
        async with founded(settings, connector_of(settings.server)) as stand:
            accepted = accept(None, pushed, etag(pushed), datetime.now(UTC))
            stand.passes.memory.accepted = accepted
            await stand.home.store_accepted(accepted)
            first = await stand.passes.full()
            if not first.results or first.refused:
                raise RuntimeError(f"nothing to measure: {first.refused}")
            await client.execute("VACUUM ANALYZE")
            await repeat(f"{size.name}: floor", count, postmaster, lambda: client.fetch(FLOOR))
            await repeat(f"{size.name}: full pass", count, postmaster, stand.passes.full)
            if profile:
                profiler = cProfile.Profile()
                profiler.enable()
                for _ in range(count):
                    await stand.passes.full()
                profiler.disable()
                pstats.Stats(profiler).dump_stats(profile)
        await client.close()


def main(names: tuple[str, ...] = ("small", "wide"), count: int = 30, profile: str = "") -> None:
    """Every size, one after the other."""
    for name in names:
        asyncio.run(measure(SIZES[name], count, profile))

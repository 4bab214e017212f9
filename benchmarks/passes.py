"""What a full pass with nothing to do costs: the processor's time, the Regent's and the server's.

In one process on a real PostgreSQL, without a daemon around it: what it costs to look at
everything and to find it as declared. `floor` is the bare grouped query of pg_class by which no
reading can be cheaper. The processor's time is blurred by others' load less than that on the wall;
still only two runs in turn can be compared.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from time import perf_counter, process_time

from benchmarks.inspect_speed import FLOOR
from benchmarks.server import VERSION, make_database, measured, server_seconds, settings_of
from benchmarks.spent import Spent, report
from benchmarks.workload import DATABASE, SIZES, Size, declared
from regent.accept.merge import accept
from regent.foundation import founded
from regent.settings import connector_of
from shared.garbage import look_for_cycles_rarely
from shared.state import etag
from tests.declared import state
from tests.postgres.server import PostgresServer

WARM_UP = 5


async def repeat(
    count: int, server: PostgresServer, once: Callable[[], Awaitable[object]]
) -> list[Spent]:
    """What it took, after a few that are not counted."""
    spent: list[Spent] = []
    for _ in range(count + WARM_UP):
        own, theirs, began = process_time(), server_seconds(server), perf_counter()
        await once()
        wall = perf_counter() - began
        spent.append(Spent(wall, process_time() - own, server_seconds(server) - theirs))
    return spent[WARM_UP:]


async def measure(
    size: Size, count: int, version: int, profile: str = ""
) -> dict[str, list[Spent]]:
    """A pass with nothing to do, and its floor. `profile` is a file to write one to."""
    look_for_cycles_rarely()
    with measured(version) as server:
        await make_database(server, size)
        client = await server.connect(DATABASE)
        settings = settings_of(server)
        pushed = state(declared(size), regent={"databaseName": DATABASE})
        async with founded(settings, connector_of(settings.server)) as stand:
            accepted = accept(None, pushed, etag(pushed), datetime.now(UTC))
            stand.passes.memory.accepted = accepted
            await stand.home.store_accepted(accepted)
            first = await stand.passes.full()
            if not first.results or first.refused:
                raise RuntimeError(f"nothing to measure: {first.refused}")
            await client.execute("VACUUM ANALYZE")
            lines = {
                "floor of a full pass": await repeat(count, server, lambda: client.fetch(FLOOR)),
                "full pass, nothing to do": await repeat(count, server, stand.passes.full),
            }
            if profile:
                profiler = cProfile.Profile()
                profiler.enable()
                for _ in range(count):
                    await stand.passes.full()
                profiler.disable()
                pstats.Stats(profiler).dump_stats(profile)
        await client.close()
        return lines


def main(
    names: Sequence[str] = ("small", "wide"),
    count: int = 30,
    version: int = VERSION,
    profile: str = "",
) -> None:
    """Every size, one after the other."""
    for name in names:
        for what, spent in asyncio.run(measure(SIZES[name], count, version, profile)).items():
            report(f"{name}: {what}", spent)

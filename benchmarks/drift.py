"""How long an undeclared change lives: from its acknowledgement to a catalog as declared.

A real Regent process on a real PostgreSQL; each repetition breaks an edge that was never
broken before. `floor` is the same REVOKE by a client that is connected already.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import asyncpg

from benchmarks.server import VERSION, make_database, measured, settings_of
from benchmarks.workload import DATABASE, SIZES, Size, declared
from tests.daemons import running
from tests.declared import state

PATIENCE_SECONDS = 20.0
IDLE_SECONDS = 10.0


async def until(connection: asyncpg.Connection, look: str, expected: bool) -> float:
    """Seconds until the catalog says so."""
    began = perf_counter()
    while await connection.fetchval(look) is not expected:
        if perf_counter() - began > PATIENCE_SECONDS:
            raise TimeoutError(look)
        await asyncio.sleep(0.0003)
    return perf_counter() - began


def report(name: str, seconds: Sequence[float]) -> None:
    """One line: median, 99th percentile, worst."""
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    print(
        f"{name:<44}{len(ordered):>5} x  p50 {statistics.median(ordered) * 1000:8.2f} ms"
        f"  p99 {p99 * 1000:8.2f} ms  max {ordered[-1] * 1000:8.2f} ms",
        flush=True,
    )


Lines = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Idle:
    """What a Regent takes that has nothing to do."""

    percent_of_a_core: float
    megabytes: float


async def repeat(count: int, once: Callable[[int], Awaitable[float]]) -> list[float]:
    """With a pause, so that each one finds a Regent at rest and not in the last one's wake."""
    seconds = []
    for n in range(count):
        seconds.append(await once(n))
        await asyncio.sleep(0.05)
    return seconds


async def idle(pid: int) -> Idle:
    """Of a Regent that has nothing to do."""
    before, began = _processor_seconds(pid), perf_counter()
    await asyncio.sleep(IDLE_SECONDS)
    spent = (_processor_seconds(pid) - before) / (perf_counter() - began)
    return Idle(spent * 100, _megabytes(pid))


def _megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def _processor_seconds(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


async def measure(size: Size, count: int, version: int) -> tuple[Lines, Idle]:
    """All lines of one size, in seconds."""
    lines: Lines = {}
    with measured(version) as server:
        await make_database(server, size)
        intruder, onlooker = await server.connect(DATABASE), await server.connect(DATABASE)
        settings = settings_of(server)
        with tempfile.TemporaryDirectory() as folder:
            async with running(settings, Path(folder)) as regent:
                began = perf_counter()
                pushed = state(declared(size), regent={"databaseName": DATABASE})
                answer = await regent.push(pushed)
                answer.raise_for_status()
                await regent.settled(1)
                lines["first apply"] = [perf_counter() - began]
                if regent.process is None:
                    raise RuntimeError("the Regent has ended")
                resting = await idle(regent.process.pid)

                async def table_grant(n: int) -> float:
                    round_, table = size.edge(n)
                    role = f"r{(n + 1 + round_) % size.roles}"
                    await intruder.execute(f"GRANT TRUNCATE ON {table} TO {role}")
                    look = f"SELECT has_table_privilege('{role}', '{table}', 'TRUNCATE')"
                    return await until(onlooker, look, expected=False)

                async def role_drift(n: int) -> float:
                    user = f"u{n % size.users}"
                    await intruder.execute(f"ALTER ROLE {user} CREATEDB")
                    look = f"SELECT rolcreatedb FROM pg_roles WHERE rolname = '{user}'"
                    return await until(onlooker, look, expected=False)

                async def membership(n: int) -> float:
                    group, user = f"r{n % size.roles}", f"u{(n + 1) % size.users}"
                    await intruder.execute(f"GRANT {group} TO {user}")
                    look = (
                        "SELECT EXISTS (SELECT FROM pg_auth_members WHERE"
                        f" roleid = '{group}'::regrole AND member = '{user}'::regrole)"
                    )
                    return await until(onlooker, look, expected=False)

                async def new_table(n: int) -> float:
                    await intruder.execute(f"CREATE TABLE s0.new{n} (id int)")
                    look = f"SELECT has_table_privilege('r0', 's0.new{n}', 'SELECT')"
                    return await until(onlooker, look, expected=True)

                lines["table grant"] = await repeat(count, table_grant)
                lines["new table covered"] = await repeat(count // 2, new_table)
                lines["role attribute"] = await repeat(count // 2, role_drift)
                lines["membership"] = await repeat(min(40, count // 2), membership)

        async def floor(n: int) -> float:
            _, table = size.edge(n)
            await intruder.execute(f"GRANT TRUNCATE ON {table} TO r0")
            began = perf_counter()
            await onlooker.execute(f"REVOKE TRUNCATE ON {table} FROM r0")
            return perf_counter() - began

        lines["floor (a bare REVOKE)"] = await repeat(count // 2, floor)
        await intruder.close()
        await onlooker.close()
    return lines, resting


def main(
    names: Sequence[str] = ("small", "wide"), count: int = 200, version: int = VERSION
) -> None:
    """Every size, one after the other."""
    for name in names:
        lines, resting = asyncio.run(measure(SIZES[name], count, version))
        for what, seconds in lines.items():
            report(f"{name}: {what}", seconds)
        print(
            f"{name}: at rest {resting.percent_of_a_core:.2f} % of a core,"
            f" {resting.megabytes:.0f} MB",
            flush=True,
        )


if __name__ == "__main__":
    main()

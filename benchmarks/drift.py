"""How long an undeclared change lives: from its acknowledgement to a catalog as declared.

A real Regent process on an embedded PostgreSQL; each repetition breaks an edge that was never
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
from pydantic import SecretStr

from cli.embedded import EmbeddedServer
from regent.settings import RegentSettings, ServerSettings
from tests.daemons import running
from tests.declared import state

ADMIN = "my-admin"
PASSWORD = "only-for-this-run"  # noqa: S105 - of a server that lives for a minute
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Size:
    """How large a database is: `extra` tables are there and not declared upon by name."""

    name: str
    roles: int
    users: int
    tables: int

    def edge(self, n: int) -> tuple[int, str]:
        """The table of the n-th repetition, and how often all tables were used before it."""
        per_schema = self.tables // self.roles
        number = n // self.roles
        return number // per_schema, f"s{n % self.roles}.t{number % per_schema}"


SIZES = {
    "small": Size("small", 10, 50, 100),
    "wide": Size("wide", 10, 50, 10_000),
}


def declared(size: Size) -> str:
    """`roles` Roles that each may SELECT, INSERT, UPDATE and DELETE in one schema."""
    lines = []
    for n in range(size.roles):
        lines.append(
            f"Permission/p{n}: {{database: bench, schemas: [s{n}], tables: ['*'],"
            " actions: [SELECT, INSERT, UPDATE, DELETE]}"
        )
        lines.append(f"Role/r{n}: {{database: bench, permissions: [p{n}]}}")
    lines += [f"User/u{n}: {{roles: [r{n % size.roles}]}}" for n in range(size.users)]
    return "\n".join(lines)


async def fill(connection: asyncpg.Connection, size: Size) -> None:
    """The schemas with their tables, made in pieces: a transaction's locks are bounded."""
    for n in range(size.roles):
        await connection.execute(f"CREATE SCHEMA s{n}")
        per_schema = size.tables // size.roles
        for start in range(0, per_schema, 200):
            await connection.execute(
                ";".join(
                    f"CREATE TABLE s{n}.t{i} (id int)"
                    for i in range(start, min(start + 200, per_schema))
                )
            )


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


async def repeat(count: int, once: Callable[[int], Awaitable[float]]) -> list[float]:
    """With a pause, so that each one finds a Regent at rest and not in the last one's wake."""
    seconds = []
    for n in range(count):
        seconds.append(await once(n))
        await asyncio.sleep(0.05)
    return seconds


async def measure(size: Size, count: int) -> None:
    """All lines of one size."""
    async with await EmbeddedServer.start(
        admin_user=ADMIN, admin_password=PASSWORD, databases=("bench",)
    ) as server:
        intruder, onlooker = await server.connect("bench"), await server.connect("bench")
        await fill(intruder, size)
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
        with tempfile.TemporaryDirectory() as folder:
            async with running(settings, Path(folder)) as regent:
                began = perf_counter()
                pushed = state(declared(size), regent={"databaseName": "bench"})
                answer = await regent.push(pushed)
                answer.raise_for_status()
                await regent.settled(1)
                report(f"{size.name}: first apply", [perf_counter() - began])

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

                report(f"{size.name}: table grant", await repeat(count, table_grant))
                report(f"{size.name}: new table covered", await repeat(count // 2, new_table))
                report(f"{size.name}: role attribute", await repeat(count // 2, role_drift))
                report(f"{size.name}: membership", await repeat(min(40, count // 2), membership))

        async def floor(n: int) -> float:
            _, table = size.edge(n)
            await intruder.execute(f"GRANT TRUNCATE ON {table} TO r0")
            began = perf_counter()
            await onlooker.execute(f"REVOKE TRUNCATE ON {table} FROM r0")
            return perf_counter() - began

        report(f"{size.name}: floor (a bare REVOKE)", await repeat(count // 2, floor))
        await intruder.close()
        await onlooker.close()


def main(names: Sequence[str] = ("small", "wide"), count: int = 200) -> None:
    """Every size, one after the other."""
    for name in names:
        asyncio.run(measure(SIZES[name], count))


if __name__ == "__main__":
    main()

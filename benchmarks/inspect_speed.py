"""How long one reading of the catalog takes, beside the floor: the bare SQL.

    python benchmarks/inspect_speed.py --dsn postgresql://postgres@127.0.0.1/postgres \\
        --schemas 20 --tables 500 --groups 100 --users 2000

Makes a database of its own and roles named speed_*, and drops both at the end (--keep leaves them).
The password comes from PGPASSWORD.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from regent.inspect import Interest, inspect_changed, inspect_database, inspect_server
from regent.kinds import Address
from regent.server.connect import Connector, ServerAddress

DATABASE = "postgregent_speed"
FLOOR = """
SELECT relnamespace, relowner, relkind, relacl, pg_catalog.array_agg(relname)
FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') GROUP BY 1, 2, 3, 4
"""
SCAN = "SELECT oid FROM pg_catalog.pg_class WHERE xmin = $1::text::xid"


async def fill(connector: Connector, arguments: argparse.Namespace) -> None:
    first = await connector.connect("postgres", purpose="speed")
    await first.execute(f"CREATE DATABASE {DATABASE}")
    await first.execute(
        "DO $$ BEGIN"
        f" FOR i IN 1..{arguments.groups} LOOP EXECUTE 'CREATE ROLE speed_group_' || i; END LOOP;"
        f" FOR i IN 1..{arguments.users} LOOP EXECUTE"
        "  format('CREATE ROLE speed_user_%s LOGIN IN ROLE speed_group_%s',"
        f"  i, 1 + i % {arguments.groups}); END LOOP; END $$"
    )
    await first.close()
    inside = await connector.connect(DATABASE, purpose="speed")
    grantees = 12  # of 100 groups: 120,000 privileges over 10,000 tables
    for schema in range(arguments.schemas):
        tables = [f"speed_{schema}.t{i}" for i in range(arguments.tables)]
        await inside.execute(f"CREATE SCHEMA speed_{schema}")
        for start in range(0, len(tables), 250):
            await inside.execute(
                ";".join(
                    f"CREATE TABLE {t} (id serial PRIMARY KEY, a text, b int)"
                    for t in tables[start : start + 250]
                )
            )
            chosen = ", ".join(
                f"speed_group_{1 + (schema * 5 + i) % arguments.groups}"
                for i in range(min(grantees, arguments.groups))
            )
            names = ", ".join(tables[start : start + 250])
            await inside.execute(f"GRANT SELECT ON {names} TO {chosen}")
        await inside.execute(f"GRANT SELECT (a) ON {tables[0]} TO speed_group_1")
    await inside.execute("VACUUM ANALYZE")
    await inside.close()


async def clean(connector: Connector) -> None:
    first = await connector.connect("postgres", purpose="speed")
    await first.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    await first.execute(
        "DO $$ DECLARE r text; BEGIN FOR r IN SELECT rolname FROM pg_roles"
        " WHERE rolname LIKE 'speed\\_%' LOOP EXECUTE 'DROP ROLE ' || r; END LOOP; END $$"
    )
    await first.close()


async def timed(name: str, repeat: int, work: Callable[[], Awaitable[object]]) -> None:
    spent = []
    for _ in range(repeat + 2):
        start = time.perf_counter()
        await work()
        spent.append((time.perf_counter() - start) * 1000)
    first, rest = spent[0], sorted(spent[2:])
    print(
        f"{name:46} median {statistics.median(rest):8.2f} ms   worst {rest[-1]:8.2f}"
        f"   first {first:8.2f}"
    )


async def measure(connector: Connector, repeat: int) -> None:
    connection = await connector.connect(DATABASE, purpose="speed")
    roles = frozenset(
        row[0]
        for row in await connection.fetch(
            "SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'speed\\_%'"
        )
    )
    interest = Interest(roles=roles, columns=frozenset(), ignore_schemas=(), with_sequences=True)
    columns = Interest(
        roles=roles, columns=frozenset({"a", "b"}), ignore_schemas=(), with_sequences=True
    )
    small = Interest(
        roles=frozenset({"speed_group_1"}),
        columns=frozenset(),
        ignore_schemas=(),
        with_sequences=True,
    )
    oid = await connection.fetchval("SELECT 'speed_0.t0'::regclass::oid")
    relation = Address("pg_class", oid)
    xid = int(
        await connection.fetchval(
            "WITH g AS (SELECT pg_current_xact_id()::text AS x) SELECT x FROM g"
        )
    )
    async with connection.transaction():
        await connection.execute("GRANT UPDATE ON speed_0.t1 TO speed_group_1")
        xid = int(await connection.fetchval("SELECT pg_current_xact_id()::text"))

    await timed("floor: grouped pg_class", repeat, lambda: connection.fetch(FLOOR))
    await timed("floor: xmin scan", repeat, lambda: connection.fetch(SCAN, str(xid)))
    await timed("floor: SELECT 1", repeat, lambda: connection.fetchval("SELECT 1"))
    await timed("server", repeat, lambda: inspect_server(connection, databases=[DATABASE]))
    await timed("database", repeat, lambda: inspect_database(connection, interest))
    await timed(
        "database, no sequences",
        repeat,
        lambda: inspect_database(
            connection,
            Interest(roles=roles, columns=frozenset(), ignore_schemas=(), with_sequences=False),
        ),
    )
    await timed("database, two columns", repeat, lambda: inspect_database(connection, columns))
    await timed(
        "changed, by oid", repeat, lambda: inspect_changed(connection, small, objects=[relation])
    )
    await timed("changed, by xid", repeat, lambda: inspect_changed(connection, small, xids=[xid]))
    await timed(
        "changed, unknown xid", repeat, lambda: inspect_changed(connection, small, xids=[3])
    )
    await connection.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--schemas", type=int, default=4)
    parser.add_argument("--tables", type=int, default=25, help="in each schema")
    parser.add_argument("--groups", type=int, default=10)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--keep", action="store_true", help="use what is there, leave it there")
    arguments = parser.parse_args()
    where = urlsplit(arguments.dsn)

    async def password() -> str:
        return where.password or os.environ.get("PGPASSWORD", "")

    address = ServerAddress(where.hostname or "127.0.0.1", where.port or 5432, where.username or "")
    connector = Connector(address, password)
    if not arguments.keep:
        await clean(connector)
    first = await connector.connect("postgres", purpose="speed")
    exists = await first.fetchval(
        "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", DATABASE
    )
    await first.close()
    if not exists:
        await fill(connector, arguments)
    await measure(connector, arguments.repeat)
    if not arguments.keep:
        await clean(connector)


if __name__ == "__main__":
    asyncio.run(main())

"""A verifier is enough to guess a password: no statement shows it to who may watch (rule 19)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from shared import scram
from tests.eventually import eventually
from tests.integration.facts.once import applied
from tests.postgres.database import flights
from tests.postgres.server import PostgresServer

pytestmark = [
    pytest.mark.every_version,
    pytest.mark.slow_versions(14, 16, 17),
    pytest.mark.found("E163"),
    pytest.mark.rule("19"),
]

SEEN = "SELECT string_agg(query, ';') FROM {}"


def declared(names: str) -> str:
    """Users with passwords."""
    return "".join(
        f"User/{name}: {{database: mydb, passwordSecretRef: {{name: s, key: k}}}}\n"
        for name in names
    )


async def test_whoever_watches_statements_sees_no_verifier(
    launch_server: Callable[..., PostgresServer],
) -> None:
    """Seen by a member of pg_monitor, in two views, and in the log; errors quote statements too."""
    settings = {"pg_stat_statements.track": "all", "log_statement": "all"}
    server = launch_server(
        shared_preload_libraries="pg_stat_statements", log_min_duration_statement="0", **settings
    )
    async with flights(server) as database:
        look, holder = await database.connect(), await database.connect()
        await look.execute("CREATE EXTENSION pg_stat_statements SCHEMA public")
        verifiers = {f"User/{n}": {"verifier": scram.build(f"pass-{n}").value} for n in "abc"}
        await look.execute("CREATE ROLE b; BEGIN; COMMENT ON ROLE b IS 'held'; COMMIT")
        await holder.execute("BEGIN; ALTER ROLE b CONNECTION LIMIT 5")
        adopting = declared("abc").replace("User/b: {", "User/b: {adopt: true, ")
        work = asyncio.create_task(applied(database, adopting, passwords=verifiers))

        async def waits() -> bool:
            return work.done() or bool(
                await look.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))",
                    holder.get_server_pid(),
                )
            )

        await eventually(waits)
        assert "SCRAM-SHA" not in await look.fetchval(SEEN.format("pg_stat_activity"))
        await work
        await holder.execute("ROLLBACK")
        await applied(database, adopting, passwords=verifiers)
        assert "SCRAM-SHA" not in await look.fetchval(SEEN.format("public.pg_stat_statements"))
        log = database.server.log_of_this_test().splitlines()
        assert [line[:100] for line in log if "SCRAM-SHA" in line] == []
        # The twin: the passwords are in force.
        for name in "abc":
            user = await database.connect(name, f"pass-{name}")
            assert await user.fetchval("SELECT current_user") == name

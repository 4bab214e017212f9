"""A database whose server process is stopped keeps no other from being corrected (E4)."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from tests.daemons import running
from tests.declared import state
from tests.eventually import eventually
from tests.frozen import freeze
from tests.integration.hasty_regent import READ_SECONDS, hasty_regent
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer
from tests.settings import settings_for

IDLE = (
    "SELECT pid FROM pg_stat_activity WHERE datname = 'hung' AND state = 'idle'"
    " AND wait_event = 'ClientRead' AND application_name LIKE 'postgregent/%'"
    " AND pid = coalesce($1, pid)"
)
"""The processes that hold no lock of the server's own, which all others would wait for."""
PATIENCE_SECONDS = READ_SECONDS + 120.0
"""A pass that was reading the database as it was stopped gives it up only then."""
IS_RIGHT = (
    "SELECT NOT rolcreaterole AND NOT has_schema_privilege('reader', 'public', 'CREATE')"
    " FROM pg_roles WHERE rolname = 'reader'"
)
DECLARED = """
Permission/in-hung: {database: hung, schemas: [public], actions: [USAGE]}
Permission/in-well: {database: well, schemas: [public], actions: [USAGE]}
Role/reader: {database: well, permissions: [in-hung, in-well]}
"""


async def revoked_from_public(server: PostgresServer) -> None:
    well = await server.connect("well")
    await well.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    await well.close()


async def stop_idle(look: asyncpg.Connection, pid: int) -> bool:
    """Stop it where it still waits for its client when it stands.

    It may have been asked something since it was seen idle. Stopped while it answers, it may hold
    a lock of a shared catalog's page, and everybody waits.
    """

    async def stands() -> bool:
        return "State:\tT" in Path(f"/proc/{pid}/status").read_text()

    freeze(pid)
    await eventually(stands)
    if await look.fetchval(IDLE, pid) == pid:
        return True
    os.kill(pid, signal.SIGCONT)
    return False


@pytest.mark.found("E4")
@pytest.mark.skipif(sys.platform != "linux", reason="it sees in /proc that a process stands")
async def test_drift_is_corrected_while_the_processes_of_another_database_are_stopped(
    launch_server: Callable[..., PostgresServer], tmp_path: Path
) -> None:
    server = launch_server()
    look = await server.connect()
    for name in ("well", "hung"):
        await look.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    settings = settings_for(Database(server, "well"))
    settings = settings.model_copy(update={"databases": ("well", "hung")})
    stopped: set[int] = set()
    async with running(settings, tmp_path, begin=hasty_regent) as regent:
        # Before 15 everybody may create there, and nothing would tell that it is corrected.
        await revoked_from_public(server)
        spec = {"databaseName": "well", "additionalDatabases": ["hung"]}
        await regent.push(state(DECLARED, regent=spec))

        async def is_applied() -> bool:
            return (await regent.status()).get("appliedRevision") == 1

        await eventually(is_applied)

        async def are_stopped() -> bool:
            """The one that listens, and the one that works."""
            for row in await look.fetch(IDLE, None):
                if await stop_idle(look, row["pid"]):
                    stopped.add(row["pid"])
            return len(stopped) > 1

        intruder = await server.connect("well")
        try:
            await eventually(are_stopped)
            # The one is corrected by a targeted pass, the other by a full one, which reads all.
            await intruder.execute("GRANT CREATE ON SCHEMA public TO reader")
            await intruder.execute("ALTER ROLE reader CREATEROLE")

            async def is_corrected() -> bool:
                return bool(await intruder.fetchval(IS_RIGHT))

            await eventually(is_corrected, within_seconds=PATIENCE_SECONDS)
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            await intruder.close()
    await look.close()
